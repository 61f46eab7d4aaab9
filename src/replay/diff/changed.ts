import type { EventIndex, PageId, SpteIndex } from '../../engine/ids.js';
import type { DiffRun } from './run.js';

/** An SPTE of a page, or (index -1) its header: whether it is invalid or unsync. */
export interface ChangedPlace {
  readonly page: PageId;
  readonly index: SpteIndex | -1;
}

/** Reads off the journal what changed from one event to a later one, each place once. Goes forwards only. */
export class Changes {
  private record = 1;
  private nextPage = 1 as PageId;
  /** by cell: the page that it belongs to at this point, 0 for none; the cells of entries are taken over by later pages */
  private readonly owner: Uint32Array;
  private readonly indexOf: Int16Array;

  constructor(private readonly run: DiffRun) {
    const { journal } = run.history;
    this.owner = new Uint32Array(journal.cellCount);
    this.indexOf = new Int16Array(journal.cellCount).fill(-1);
  }

  /** Places written by events up to and including this one, since the last call. */
  upTo(event: EventIndex): ChangedPlace[] {
    const { journal } = this.run.history;
    const found = new Map<number, ChangedPlace>();
    for (; this.record < journal.length && journal.event(this.record) <= event; this.record++) {
      this.settle(journal.event(this.record));
      const cell = journal.cell(this.record);
      const page = this.owner[cell]! as PageId;
      if (page === 0) continue;
      const index = this.indexOf[cell]! as SpteIndex | -1;
      found.set(page * 1024 + index, { page, index });
    }
    return [...found.values()];
  }

  /** Gives the pages born by now their cells. */
  private settle(event: EventIndex): void {
    const { pages } = this.run.history;
    for (; this.nextPage <= pages.last && pages.born(this.nextPage) <= event; this.nextPage++) {
      const [[header], [entries, count]] = pages.cellRuns(this.nextPage) as [[number, number], [number, number]];
      this.owner[header] = this.nextPage;
      this.owner[pages.unsyncCell(this.nextPage)] = this.nextPage;
      for (let i = 0; i < count; i++) {
        this.owner[entries + i] = this.nextPage;
        this.indexOf[entries + i] = i;
      }
    }
  }
}
