import type { EventIndex, PageId, SpteIndex } from '../../engine/ids.js';
import type { BitModel, EntryDetail } from '../../protocol.js';
import type { EntryView, PageView } from '../../replay/view.js';
import { bitModels, shapeOf } from './bits.js';
import { formatOf, type FormContext } from './context.js';
import { entryCopy } from './copies.js';
import { eventRef } from './events.js';
import { guestEntryName } from './guestEntries.js';
import { historyItems, setByOf } from './history.js';
import { address, spanOf } from './numbers.js';
import { entryModel } from './pageModel.js';
import { entryRows } from './entryRows.js';
import { kindOf } from './sptes.js';

/** Entries of the history that travel with a detail; the rest is asked for. */
const HISTORY_SENT = 50;

/** One SPTE in full, for the layout's third column (ui.md §5). */
export function entryDetail(ctx: FormContext, id: PageId, index: SpteIndex, previousStop: EventIndex | null): EntryDetail {
  const { cursor } = ctx;
  const page = cursor.page(id);
  const entry = cursor.entry(id, index);
  const base = cursor.baseAddress(id);
  const before = beforeStop(ctx, id, index, previousStop);
  const { items, total } = historyItems(ctx, id, index, HISTORY_SENT);
  return {
    index,
    ...(base !== undefined && { address: address(base + BigInt(index) * spanOf(page.level)) }),
    guestEntry: guestEntryName(ctx, page, index),
    entry: entry.state === 'empty' ? null : entryModel(ctx, page, base, { entry, kind: kindOf(ctx, id, entry) }),
    bits: bitsOf(ctx, page, entry, before),
    rows: entryRows(ctx, page, entry, before),
    setBy: setBy(ctx, id, entry),
    historyTotal: total,
    history: items,
    text: entryCopy(ctx, page, index),
  };
}

/** The entry at the previous stop, where it differs from now. */
function beforeStop(ctx: FormContext, id: PageId, index: SpteIndex, previousStop: EventIndex | null): EntryView | undefined {
  if (previousStop === null || previousStop === ctx.cursor.event) return undefined;
  return ctx.cursor.changedSince(id, previousStop).find((c) => c.index === index)?.before;
}

const ALL_BITS = (1n << 64n) - 1n;
const FLAG_BITS = 0xfffn | (0xfffn << 52n);

function bitsOf(ctx: FormContext, page: PageView, entry: EntryView, before: EntryView | undefined): BitModel[] {
  if (entry.state === 'empty') return [];
  const [value, known] = entry.value !== null ? [entry.value, ALL_BITS] : entry.flags !== undefined ? [entry.flags, FLAG_BITS] : [0n, 0n];
  const old = before && before.state === entry.state ? before.value : null;
  return bitModels(value, shapeOf(page, entry), formatOf(ctx), known, old);
}

function setBy(ctx: FormContext, page: PageId, entry: EntryView): EntryDetail['setBy'] {
  const event = setByOf(ctx, page, entry);
  if (event < 0 || entry.state === 'empty') return null;
  const { table } = ctx.replay;
  const vcpu = ctx.replay.vcpuOf(event);
  return {
    at: eventRef(table, event),
    name: setByName(table.name(event), entry),
    vcpu: vcpu ? `vCPU ${vcpu.vcpu}` : `${table.comm(event)}-${table.pid(event)}`,
    grade: entry.grade,
  };
}

/** The event, or what it made KVM do where no event records that. */
function setByName(event: string, entry: EntryView): string {
  if (entry.state === 'link') return `linked, after ${event.replace(/^kvm_mmu_/u, '')}`;
  if (entry.state === 'leaf' && entry.grade === 'derived') return 'write-protected, derived';
  return event;
}
