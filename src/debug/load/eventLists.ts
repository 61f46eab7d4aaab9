import type { EventTable } from '../../trace/table.js';
import { Kind } from '../../trace/vocabulary.js';
import { EventList } from '../stops/eventSet.js';

/** The events of a trace by name, by task, and those before which events were lost: what breakpoints and steps look up. */
export class EventLists {
  private readonly byKind: EventList[] = [];
  private readonly byName = new Map<string, EventList>();
  private readonly byPid = new Map<number, EventList>();
  readonly lost = new EventList();
  private done = 0;

  constructor(private readonly table: EventTable) {}

  /** Takes in the events before `end`. */
  extend(end: number): void {
    for (let e = this.done; e < end; e++) {
      const kind = this.table.kind(e);
      (kind === Kind.other ? this.named(this.table.name(e)) : this.ofKind(kind)).push(e);
      this.ofTask(this.table.pid(e)).push(e);
      if (this.table.lostBefore(e) !== 0) this.lost.push(e);
    }
    this.done = Math.max(this.done, end);
  }

  ofKind(kind: Kind): EventList {
    return (this.byKind[kind] ??= new EventList());
  }

  /** Events whose name is not in the vocabulary. */
  named(name: string): EventList {
    let list = this.byName.get(name);
    if (!list) this.byName.set(name, (list = new EventList()));
    return list;
  }

  ofTask(pid: number): EventList {
    let list = this.byPid.get(pid);
    if (!list) this.byPid.set(pid, (list = new EventList()));
    return list;
  }

  /** Names beyond the vocabulary that have occurred so far. */
  otherNames(): string[] {
    return [...this.byName].filter(([, list]) => list.length > 0).map(([name]) => name);
  }

  /** Tasks in order of their first event. */
  tasks(): number[] {
    return [...this.byPid].filter(([, list]) => list.length > 0).map(([pid]) => pid);
  }
}
