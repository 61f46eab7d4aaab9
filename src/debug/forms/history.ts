import type { EventIndex, PageId, SpteIndex } from '../../engine/ids.js';
import type { HistoryItem } from '../../protocol.js';
import { spteBit } from '../../replay/query/spteBits.js';
import type { EntryView } from '../../replay/view.js';
import { formatOf, type FormContext, type FormState } from './context.js';
import { eventRef } from './events.js';
import { hex } from './numbers.js';

type Change = ReturnType<FormState['history']>[number];

/**
 * The changes of an entry, newest first. A link is inferred when the child appears and confirmed when the walk goes on; the
 * confirmation is no change of the entry.
 */
export function changesOf(ctx: FormContext, page: PageId, index: SpteIndex): Change[] {
  const history = ctx.cursor.history(page, index);
  return history.filter(({ entry }, i) => {
    const older = history[i + 1]?.entry;
    return !(entry.state === 'link' && older?.state === 'link' && older.child === entry.child);
  });
}

/** The event that gave an entry its present value; see {@link changesOf}. */
export function setByOf(ctx: FormContext, page: PageId, entry: EntryView): EventIndex {
  return entry.state === 'link' ? (changesOf(ctx, page, entry.index)[0]?.event ?? entry.setBy) : entry.setBy;
}

/** Changes of one entry, newest first (ui.md §8). */
export function historyItems(ctx: FormContext, page: PageId, index: SpteIndex, limit = Infinity): { items: HistoryItem[]; total: number } {
  const history = changesOf(ctx, page, index);
  const items = history.slice(0, limit).map(({ event, entry, why }, i): HistoryItem => ({
    at: eventRef(ctx.replay.table, event),
    value: entry.state === 'empty' || entry.value === null ? null : hex(entry.value),
    grade: entry.grade,
    what: whatChanged(ctx, entry, history[i + 1]?.entry, why),
  }));
  return { items, total: history.length };
}

/** `made writable`, `W, mw cleared`, `linked`, `set, no write` … */
function whatChanged(ctx: FormContext, now: EntryView, before: EntryView | undefined, why: string): string {
  switch (now.state) {
    case 'empty':
      return `${before?.state === 'link' ? 'unlinked' : 'cleared'}${because(why)}`;
    case 'unknown':
      return `no longer known${because(why)}`;
    case 'link':
      return 'linked';
    case 'mmio':
      return 'marked as MMIO';
    case 'leaf':
      return leafChange(ctx, now, before);
  }
}

function leafChange(ctx: FormContext, now: EntryView, before: EntryView | undefined): string {
  if (now.value === null) return 'set';
  const format = formatOf(ctx);
  const writable = spteBit(now.value, 'w', format) === 1;
  const old = before?.state === 'leaf' ? before.value : null;
  if (old === null) return writable ? 'set, writable' : 'set, no write';
  if (old === now.value) return 'set again';
  const was = spteBit(old, 'w', format) === 1;
  if (writable && !was) return 'made writable';
  if (!writable && was) return spteBit(old, 'mw', format) && !spteBit(now.value, 'mw', format) ? 'W, mw cleared' : 'W cleared';
  return now.gfn === before?.gfn ? 'bits changed' : 'mapped anew';
}

/** The event that did it, where it is not the SPTE's own. */
function because(why: string): string {
  return why ? ` (${why.replace(/^kvm_(mmu_)?/u, '')})` : '';
}
