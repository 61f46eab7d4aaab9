import path from 'node:path';
import type { EventIndex } from '../../engine/ids.js';
import type { Replay } from '../../replay/replay.js';
import type { EventTable } from '../../trace/table.js';
import type { StatementLines } from '../../replay/scenario/statementLines.js';
import { EventLists } from './eventLists.js';

/** An open trace with its replay: what all of a debug session looks at. */
export class Recording {
  readonly lists: EventLists;
  /** which VM this session debugs, by number */
  vm: number;
  /** VMs known by now; asked for every candidate of a search, hence kept */
  private vmCount = 0;

  constructor(
    readonly path: string,
    readonly table: EventTable,
    readonly replay: Replay,
    vm: number | undefined,
    /** a scenario */
    readonly statements?: StatementLines,
  ) {
    this.lists = new EventLists(table, (e) => replay.depthOf(e as EventIndex));
    this.vm = vm ?? 0;
    this.follow();
  }

  /** Takes in what has been replayed since the last time. */
  follow(): void {
    this.lists.extend(this.replay.replayed);
    this.replay.index.follow();
    this.vmCount = this.replay.vms.length;
  }

  /** of the file, without its folder */
  get name(): string {
    return path.basename(this.path);
  }

  /** Number of events that can be visited; grows while loading. */
  get end(): number {
    return this.replay.replayed;
  }

  /** Whether an event is the business of this session: of its VM, or of no VM in particular. */
  belongs(e: number): boolean {
    if (this.vmCount < 2) return true;
    const vm = this.replay.vmOf(e as EventIndex);
    return vm === undefined || vm === this.vm;
  }

  /** When all is known: a VM that is not there cannot be debugged, so the first one is. */
  settleVm(): void {
    const { vms } = this.replay;
    if (!vms.some(({ vm }) => vm === this.vm)) this.vm = vms[0]?.vm ?? 0;
  }

  /** First event of this session at or after `from`, among those that can be visited. */
  firstFrom(from: number): EventIndex | undefined {
    for (let e = from; e < this.end; e++) if (this.belongs(e)) return e as EventIndex;
    return undefined;
  }

  /** Last event of this session so far. */
  last(): EventIndex | undefined {
    for (let e = this.end - 1; e >= 0; e--) if (this.belongs(e)) return e as EventIndex;
    return undefined;
  }
}
