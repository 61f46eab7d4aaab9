import type { EventIndex, PageId } from '../../engine/ids.js';
import type { EventTable } from '../../trace/table.js';
import { Kind } from '../../trace/vocabulary.js';
import type { Replay } from '../replay.js';
import type { Finding } from '../view.js';

/** A fault, by the event that began it. */
export type Fault = NonNullable<ReturnType<Replay['faultOf']>>;

/** What the table of events is made from: a trace that was replayed to its end. */
export class ExportSource {
  readonly table: EventTable;
  readonly findings = new Map<EventIndex, Finding>();
  /** notes of the reader that stand at an event */
  readonly notes = new Map<number, string>();
  readonly faults = new Map<number, Fault | undefined>();
  readonly exits = new Map<number, EventIndex>();

  constructor(
    readonly replay: Replay,
    /** whether the rows have the text that the kernel prints */
    readonly withText: boolean,
  ) {
    this.table = replay.table;
    for (const finding of replay.findings) this.findings.set(finding.event, finding);
    for (const { event, text } of this.table.info.notes) if (event !== undefined) this.notes.set(event, text);
  }
}

/** Some rows of the table, one an event, in the order of events. Groups are to be made in that order, too. */
export class Rows {
  readonly table: EventTable;
  readonly replay: Replay;
  /** by kind: 1 where an event of the rows is of it */
  readonly kinds = new Uint8Array(256);
  private readonly faults: (Fault | undefined)[] = [];
  private readonly exits: (EventIndex | undefined)[] = [];

  constructor(
    readonly source: ExportSource,
    readonly events: readonly EventIndex[],
  ) {
    this.table = source.table;
    this.replay = source.replay;
    for (const event of events) this.enter(event);
  }

  event(row: number): EventIndex {
    return this.events[row]!;
  }

  kind(row: number): Kind {
    return this.table.kind(this.events[row]!);
  }

  /** The shadow page that the event is about; 0 = none. */
  page(row: number): PageId {
    return this.replay.pageOf(this.events[row]!);
  }

  /** The fault that the event belongs to, or begins. */
  fault(row: number): Fault | undefined {
    return this.faults[row];
  }

  /** The kvm_exit that the event belongs to, or is. */
  exit(row: number): EventIndex | undefined {
    return this.exits[row];
  }

  /** Events of a task follow each other: what one is in the midst of, the next one is, too, unless it begins or ends something. */
  private enter(event: EventIndex): void {
    const { table, replay } = this;
    const { faults, exits } = this.source;
    const kind = table.kind(event);
    const pid = table.pid(event);
    this.kinds[kind] = 1;
    const { notes } = replay.history;
    const goesOn = faults.has(pid) && notes.inFault(event) && kind !== Kind.pageFault && kind !== Kind.walk;
    if (!goesOn) faults.set(pid, replay.faultOf(event));
    this.faults.push(faults.get(pid));
    if (kind === Kind.exit) exits.set(pid, event);
    this.exits.push(kind === Kind.exit || notes.inExit(event) ? exits.get(pid) : undefined);
  }
}
