import type { EventTable } from '../../trace/table.js';
import { Kind } from '../../trace/vocabulary.js';
import { EventList } from '../stops/eventSet.js';
import { blockOf, endsBlock, Occurrences, type Extent } from './occurrences.js';

/** Outside of exits and faults, in one of them, in a fault of an exit. */
export type Depth = 0 | 1 | 2;

/** The events of a task, and those at each depth. */
interface OfTask {
  readonly all: Occurrences;
  readonly at: readonly [Occurrences, Occurrences, Occurrences];
}

/** The events of a trace by name, by task, and those before which events were lost: what breakpoints and steps look up. */
export class EventLists implements Extent {
  private readonly byKind: Occurrences[] = [];
  private readonly byName = new Map<string, Occurrences>();
  private readonly byPid = new Map<number, OfTask>();
  /** by form: those of its kind or name */
  private readonly byForm: Occurrences[] = [];
  /** those that have events in the block that is being filled */
  private readonly filling: Occurrences[] = [];
  readonly lost = new EventList();
  closed = 0;
  end = 0;

  constructor(
    private readonly table: EventTable,
    private readonly depthOf: (event: number) => Depth,
  ) {}

  /** Takes in the events before `end`. */
  extend(end: number): void {
    const { table } = this;
    let pid = NaN;
    let task: OfTask | undefined;
    for (let e = this.end; e < end; e++) {
      const form = table.formOf(e);
      this.add((this.byForm[form] ??= this.ofEvent(e)));
      const its = table.pid(e);
      if (its !== pid || !task) task = this.task((pid = its));
      this.add(task.all);
      this.add(task.at[this.depthOf(e)]);
      if (table.lostBefore(e) !== 0) this.lost.push(e);
      if (endsBlock(e)) {
        this.closed = e + 1;
        for (const set of this.filling) set.close(blockOf(e));
        this.filling.length = 0;
      }
    }
    this.end = Math.max(this.end, end);
  }

  ofKind(kind: Kind): Occurrences {
    return (this.byKind[kind] ??= new Occurrences(this, (e) => this.table.kind(e) === kind, true));
  }

  /** Events whose name is not in the vocabulary. */
  named(name: string): Occurrences {
    let set = this.byName.get(name);
    if (!set) this.byName.set(name, (set = new Occurrences(this, (e) => this.table.name(e) === name, true)));
    return set;
  }

  ofTask(pid: number): Occurrences {
    return this.task(pid).all;
  }

  /** Events of a task at a depth: outside of exits and faults, in one of them, in a fault of an exit. */
  ofTaskAt(pid: number, depth: Depth): Occurrences {
    return this.task(pid).at[depth];
  }

  /** The last event of a task up to another. */
  lastOf(pid: number, event: number): number | undefined {
    return this.ofTask(pid).previous(event + 1, -1);
  }

  /** Names beyond the vocabulary that have occurred so far. */
  otherNames(): string[] {
    return [...this.byName].filter(([, set]) => set.length > 0).map(([name]) => name);
  }

  /** Tasks in order of their first event. */
  tasks(): number[] {
    return [...this.byPid].filter(([, { all }]) => all.length > 0).map(([pid]) => pid);
  }

  private add(set: Occurrences): void {
    if (set.add()) this.filling.push(set);
  }

  private ofEvent(e: number): Occurrences {
    const kind = this.table.kind(e);
    return kind === Kind.other ? this.named(this.table.name(e)) : this.ofKind(kind);
  }

  private task(pid: number): OfTask {
    let task = this.byPid.get(pid);
    if (!task) {
      const { table, depthOf } = this;
      const at = (depth: Depth): Occurrences => new Occurrences(this, (e) => table.pid(e) === pid && depthOf(e) === depth);
      task = { all: new Occurrences(this, (e) => table.pid(e) === pid), at: [at(0), at(1), at(2)] };
      this.byPid.set(pid, task);
    }
    return task;
  }
}
