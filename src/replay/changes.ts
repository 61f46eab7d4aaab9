import { BEFORE_FIRST, type EventIndex, type Gfn, type PageId, type SpteIndex } from '../engine/ids.js';
import type { CellId, RecordIndex } from '../engine/journal.js';
import type { ChangeIndex } from './changeIndex.js';
import type { History } from './history.js';

/** What a data breakpoint watches. */
export type ChangeTarget =
  | { readonly kind: 'page'; readonly page: PageId }
  | { readonly kind: 'spte'; readonly page: PageId; readonly index: SpteIndex }
  | { readonly kind: 'gfn'; readonly vm: number; readonly gfn: Gfn }
  | { readonly kind: 'rootCount' | 'invalid' | 'unsync'; readonly page: PageId }
  | { readonly kind: 'root'; readonly vm: number; readonly vcpu: number };

/** The events that changed a target, as far as the history has been replayed when they are asked for. */
export interface Changes {
  next(after: EventIndex): EventIndex | undefined;
  previous(before: EventIndex): EventIndex | undefined;
}

export function changesOf(history: History, index: ChangeIndex, target: ChangeTarget): Changes {
  const { pages } = history;
  switch (target.kind) {
    case 'page':
      return new CellChanges(history, index, () => pages.cellRuns(target.page), target.page);
    case 'spte':
      return new CellChanges(history, index, () => [[pages.entryCell(target.page, target.index), 1]], target.page);
    case 'rootCount':
      return new CellChanges(history, index, () => [[pages.rootCountCell(target.page), 1]]);
    case 'invalid':
      return new CellChanges(history, index, () => [[pages.lifeCell(target.page), 1]]);
    case 'unsync':
      return new CellChanges(history, index, () => [[pages.unsyncCell(target.page), 1]]);
    case 'root':
      return new CellChanges(history, index, () => rootCells(history, target.vm, target.vcpu));
    case 'gfn': {
      const { vm, gfn } = target;
      return {
        next(after) {
          index.follow();
          return index.event(vm, gfn, after);
        },
        previous(before) {
          index.follow();
          return index.eventBefore(vm, gfn, before);
        },
      };
    }
  }
}

type Runs = readonly (readonly [CellId, number])[];

/** None before the vCPU's first event. */
function rootCells(history: History, vm: number, vcpu: number): Runs {
  const its = history.vcpu(vm, vcpu);
  return its ? [its.rootCells] : [];
}

/** Looks through the journal, whose records are in order of time, for writes to a few cells that changed them. */
class CellChanges implements Changes {
  constructor(
    private readonly history: History,
    private readonly index: ChangeIndex,
    private readonly runs: () => Runs,
    /** cells of the SPTEs belong to this page while it lives */
    private readonly page?: PageId,
  ) {}

  next(after: EventIndex): EventIndex | undefined {
    const { journal } = this.history;
    this.index.follow();
    const { runs, first, last } = this.lifetime();
    const from = journal.firstAfter(Math.max(after, first - 1) as EventIndex);
    const end = last === Infinity ? journal.length : journal.firstAfter(last);
    const record = this.index.write(this.index.keysOf(runs), from, end, (its) => this.changes(its, runs));
    return record === undefined ? undefined : journal.event(record);
  }

  previous(before: EventIndex): EventIndex | undefined {
    const { journal } = this.history;
    this.index.follow();
    const { runs, first, last } = this.lifetime();
    const end = journal.firstAfter(Math.min(before - 1, last) as EventIndex);
    const from = journal.firstAfter((first - 1) as EventIndex);
    const record = this.index.writeBefore(this.index.keysOf(runs), end, from, (its) => this.changes(its, runs));
    return record === undefined ? undefined : journal.event(record);
  }

  /** The cells, and the events between which they are the target's, both included. */
  private lifetime(): { runs: Runs; first: EventIndex; last: EventIndex } {
    const { pages } = this.history;
    const runs = this.runs();
    if (this.page === undefined) return { runs, first: BEFORE_FIRST, last: Infinity as EventIndex };
    return { runs, first: pages.born(this.page), last: pages.died(this.page) };
  }

  private changes(record: RecordIndex, runs: Runs): boolean {
    const { journal } = this.history;
    const cell = journal.cell(record);
    for (const [first, count] of runs)
      if (cell >= first && cell < first + count) return !journal.sameValue(record, journal.previous(record));
    return false;
  }
}
