import type { EventIndex } from '../../engine/ids.js';
import type { ArgumentReader } from '../../replay/query/arguments.js';
import { spteBit } from '../../replay/query/spteBits.js';
import type { EntryView } from '../../replay/view.js';
import { burstOf, walkBefore } from './bursts.js';
import { formatOf, type FormContext } from './context.js';
import { address, count, hex, plural, spanOf } from './numbers.js';

/**
 * `Maps gfn 2ced at c2ced000, writable again; it was write-protected since 299,928.`
 * `Maps gfn 1f13 at 08130000, read-only, prefetched with 7 neighbours; A=0 until used.`
 */
export function setSpteSentence(ctx: FormContext, before: FormContext, event: EventIndex, args: ArgumentReader): string {
  const spte = args.word('spte');
  const gfn = args.word('gfn');
  if (spte === undefined || gfn === undefined) return 'Sets an SPTE.';
  const at = ctx.replay.spteOf(event);
  const base = at && ctx.cursor.baseAddress(at.page);
  const place = at && base !== undefined ? ` at ${address(base + BigInt(at.index) * spanOf(ctx.cursor.page(at.page).level))}` : '';
  const old = at && at.page ? before.cursor.entry(at.page, at.index) : undefined;
  return `Maps gfn ${hex(gfn)}${place}, ${how(ctx, event, spte, old)}.`;
}

function how(ctx: FormContext, event: EventIndex, spte: bigint, old: EntryView | undefined): string {
  const format = formatOf(ctx);
  const writable = spteBit(spte, 'w', format) === 1;
  const wasPresent = old?.state === 'leaf' && old.value !== null;
  if (!spteBit(spte, 'a', format) && !wasPresent)
    return `${writable ? 'writable' : 'read-only'}, prefetched${neighbours(ctx, event)}; A=0 until used`;
  if (!wasPresent) return writable ? 'writable' : 'read-only';
  const wasWritable = spteBit(old.value, 'w', format) === 1;
  if (writable && !wasWritable) return `writable again; it was write-protected since ${since(old)}`;
  if (!writable && wasWritable) return 'no longer writable';
  return `${writable ? 'writable' : 'read-only'} as before`;
}

function since(old: EntryView): string {
  return old.setBy < 0 ? 'before the trace' : count(old.setBy);
}

/** KVM prefetches the other entries of an aligned group of 8 in one go. */
function neighbours(ctx: FormContext, event: EventIndex): string {
  const walk = walkBefore(ctx.replay.table, event);
  const others = walk === undefined ? 0 : burstOf(ctx.replay.table, walk).sets - 1;
  return others > 0 ? ` with ${plural(others, 'neighbour')}` : '';
}
