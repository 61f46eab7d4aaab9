import type { EventIndex, Gfn, PageId, SpteIndex } from '../engine/ids.js';
import type { CellId, RecordIndex } from '../engine/journal.js';
import type { History } from './history.js';

/** What a data breakpoint watches. */
export type ChangeTarget =
  | { readonly kind: 'page'; readonly page: PageId }
  | { readonly kind: 'spte'; readonly page: PageId; readonly index: SpteIndex }
  | { readonly kind: 'gfn'; readonly vm: number; readonly gfn: Gfn }
  | { readonly kind: 'rootCount' | 'invalid' | 'unsync'; readonly page: PageId }
  | { readonly kind: 'root'; readonly vm: number; readonly vcpu: number };

/** The events that changed a target. */
export interface ChangeIndex {
  next(after: EventIndex): EventIndex | undefined;
  previous(before: EventIndex): EventIndex | undefined;
}

export function changesOf(replay: History, target: ChangeTarget): ChangeIndex {
  const { pages } = replay;
  switch (target.kind) {
    case 'page':
      return new CellChanges(replay, pages.cellRuns(target.page), pages.born(target.page), pages.died(target.page));
    case 'spte': {
      const cell = pages.entryCell(target.page, target.index);
      return new CellChanges(replay, [[cell, 1]], pages.born(target.page), pages.died(target.page));
    }
    case 'rootCount':
      return new CellChanges(replay, [[pages.rootCountCell(target.page), 1]]);
    case 'invalid':
      return new CellChanges(replay, [[pages.lifeCell(target.page), 1]]);
    case 'unsync':
      return new CellChanges(replay, [[pages.unsyncCell(target.page), 1]]);
    case 'root': {
      const vcpu = replay.vcpu(target.vm, target.vcpu);
      return new CellChanges(replay, vcpu ? [vcpu.rootCells] : []);
    }
    case 'gfn':
      return new EventChanges(gfnEvents(replay, target.vm, target.gfn));
  }
}

/** Looks through the journal, whose records are in order of time, for writes to a few cells that changed them. */
class CellChanges implements ChangeIndex {
  constructor(
    private readonly replay: History,
    private readonly runs: readonly (readonly [CellId, number])[],
    /** the cells belong to the target from here … */
    private readonly first: EventIndex = -1 as EventIndex,
    /** … to here, both included */
    private readonly last: EventIndex = Infinity as EventIndex,
  ) {}

  next(after: EventIndex): EventIndex | undefined {
    const { journal } = this.replay;
    for (let record = journal.firstAfter(Math.max(after, this.first - 1) as EventIndex); record < journal.length; record++) {
      const event = journal.event(record);
      if (event > this.last) return undefined;
      if (this.changes(record)) return event;
    }
    return undefined;
  }

  previous(before: EventIndex): EventIndex | undefined {
    const { journal } = this.replay;
    for (let record = journal.firstAfter(Math.min(before - 1, this.last) as EventIndex) - 1; record > 0; record--) {
      const event = journal.event(record);
      if (event < this.first) return undefined;
      if (this.changes(record)) return event;
    }
    return undefined;
  }

  private changes(record: RecordIndex): boolean {
    const { journal } = this.replay;
    const cell = journal.cell(record);
    if (!this.runs.some(([first, count]) => cell >= first && cell < first + count)) return false;
    return !journal.sameValue(record, journal.previous(record));
  }
}

class EventChanges implements ChangeIndex {
  constructor(private readonly events: readonly EventIndex[]) {}
  next(after: EventIndex): EventIndex | undefined {
    return this.events.find((event) => event > after);
  }
  previous(before: EventIndex): EventIndex | undefined {
    return this.events.findLast((event) => event < before);
  }
}

/** Events about a guest frame: its shadow pages, and the leaves that map it. */
function gfnEvents(replay: History, vm: number, gfn: Gfn): EventIndex[] {
  const { table, pages, tasks } = replay;
  const events: EventIndex[] = [];
  for (let event = 0 as EventIndex; event < replay.replayed; event++) {
    if (tasks.place(table.pid(event))?.vm !== vm) continue;
    const spte = replay.notes.spteOf(event);
    const page = replay.notes.pageOf(event);
    const about = spte ? replay.leafGfn(event) === gfn : page !== 0 && pages.birth(page).gfn === gfn;
    if (about) events.push(event);
  }
  return events;
}
