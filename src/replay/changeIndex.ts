import type { EventIndex, Gfn } from '../engine/ids.js';
import type { CellId } from '../engine/journal.js';
import { bitOf, BlockFilter, type Keys } from './blockFilter.js';
import type { History } from './history.js';

/** Neighbouring cells that one key stands for: a page's SPTEs have eight. */
const GROUP_BITS = 6;

/**
 * Where a history has writes to a cell, and events about a guest frame: block by block, so that a search looks only into blocks that may
 * have one. It grows with the history, and costs a byte for sixteen writes or events.
 */
export class ChangeIndex {
  private readonly writes = new BlockFilter();
  private readonly frames = new BlockFilter();
  private records = 1;
  private events = 0;

  constructor(private readonly history: History) {}

  /** Takes in what has been replayed since the last time. */
  follow(): void {
    const { journal, replayed } = this.history;
    for (; this.records < journal.length; this.records++) this.writes.add(this.records, journal.cell(this.records) >>> GROUP_BITS);
    for (; this.events < replayed; this.events++) {
      const gfn = gfnOf(this.history, this.events as EventIndex);
      if (gfn >= 0) this.frames.add(this.events, gfn);
    }
  }

  /** Of runs of cells, [first, count]: what {@link write} and {@link writeBefore} are to look for. */
  keysOf(runs: readonly (readonly [CellId, number])[]): Keys {
    const bits = new Set<number>();
    for (const [first, count] of runs)
      for (let group = first >>> GROUP_BITS; group <= (first + count - 1) >>> GROUP_BITS; group++) bits.add(bitOf(group));
    return [...bits];
  }

  /** The first record from `from` on and before `end` for which `test` holds; only records of the cells that the keys are of may pass it. */
  write(keys: Keys, from: number, end: number, test: (record: number) => boolean): number | undefined {
    return forwards(this.writes, keys, from, Math.min(end, this.records), test);
  }

  /** The last one before `end`, not before `from`. */
  writeBefore(keys: Keys, end: number, from: number, test: (record: number) => boolean): number | undefined {
    return backwards(this.writes, keys, Math.min(end, this.records) - 1, from, test);
  }

  /** The first event about a guest frame after another. */
  event(vm: number, gfn: Gfn, after: EventIndex): EventIndex | undefined {
    return forwards(this.frames, [bitOf(gfn)], Math.max(0, after + 1), this.events, this.isAbout(vm, gfn)) as EventIndex | undefined;
  }

  eventBefore(vm: number, gfn: Gfn, before: EventIndex): EventIndex | undefined {
    return backwards(this.frames, [bitOf(gfn)], Math.min(before, this.events) - 1, 0, this.isAbout(vm, gfn)) as EventIndex | undefined;
  }

  private isAbout(vm: number, gfn: Gfn): (event: number) => boolean {
    const { table, tasks } = this.history;
    return (event) => gfnOf(this.history, event as EventIndex) === gfn && tasks.place(table.pid(event), event as EventIndex)?.vm === vm;
  }
}

/** The guest frame that an event is about: the one that its SPTE maps, or that its shadow page is of; -1 for another event. */
function gfnOf(history: History, event: EventIndex): number {
  const page = history.notes.pageOf(event);
  if (page === 0) return -1;
  return history.notes.spteOf(event) ? history.leafGfn(event) : history.pages.birth(page).gfn;
}

function forwards(filter: BlockFilter, keys: Keys, from: number, end: number, test: (item: number) => boolean): number | undefined {
  for (let at = filter.forwards(from, end, keys); at < end; at = filter.forwards(at, end, keys)) {
    const stop = Math.min(end, BlockFilter.endOf(at));
    for (; at < stop; at++) if (test(at)) return at;
  }
  return undefined;
}

function backwards(filter: BlockFilter, keys: Keys, from: number, first: number, test: (item: number) => boolean): number | undefined {
  for (let at = filter.backwards(from, first, keys); at >= first; at = filter.backwards(at, first, keys)) {
    const stop = Math.max(first, BlockFilter.startOf(at));
    for (; at >= stop; at--) if (test(at)) return at;
  }
  return undefined;
}
