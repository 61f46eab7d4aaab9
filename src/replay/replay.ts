import { BEFORE_FIRST, type EventIndex, type Gfn, type PageId, type SpteIndex } from '../engine/ids.js';
import { InvariantWatch, type Known, type Tally } from '../engine/invariants/index.js';
import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';
import type { Accounts } from './accounts.js';
import { announcements, type Announced } from './announcements.js';
import { changesOf, type Changes, type ChangeTarget } from './changes.js';
import { Cursor } from './cursor.js';
import type { History, LedTo } from './history.js';
import { HistoryIndex } from './historyIndex.js';
import type { Era } from '../engine/eras.js';
import type { Notices } from '../engine/notices.js';
import type { Trail } from '../engine/trail.js';
import { knownToInvariants } from './invariantFacts.js';
import type { Delta } from './mirror/delta.js';
import { Publisher } from './mirror/publisher.js';
import { Replayer } from './replayer.js';
import type { Rules } from './rules.js';
import { vmsOf } from './tasks.js';
import { Verdicts, type EventVerdict } from './verdicts.js';
import type { Finding, PageIdentity, VcpuInfo, VmInfo } from './view.js';

export interface ReplayOptions extends Rules {
  /** check the invariants after each event; what is violated becomes a finding */
  readonly invariants?: boolean;
  /** keep how each output compared with what was announced, for {@link Replay.verdictOf} */
  readonly verdicts?: boolean;
}

/** How far back a fault or an exit is searched for: a bound for damaged traces, far beyond any real exit. */
const LONGEST_EXIT = 100_000;
/** What the objects take that stand for a page, and for a finding. */
const PAGE_BYTES = 256;
const FINDING_BYTES = 1024;

/** A trace replayed through the engine, or the run of a scenario: the answers of the debugger come from here. */
export class Replay {
  /** what the engine is run along; a scenario has run already */
  private readonly replayer: Replayer | undefined;
  /** everything that took place */
  readonly history: History;
  /** makes looking into it quick */
  readonly index: HistoryIndex;
  private watch: InvariantWatch | undefined;
  private publisher: Publisher | undefined;
  private since: EventIndex | undefined;

  constructor(
    readonly table: EventTable,
    options: ReplayOptions = {},
    ran?: History,
  ) {
    this.replayer = ran ? undefined : new Replayer(table, options);
    this.history = ran ?? this.replayer!;
    this.index = new HistoryIndex(this.history);
    if (this.replayer && options.verdicts) this.replayer.verdicts = new Verdicts();
    if (this.replayer) this.watchInvariants(options.invariants === true);
  }

  /** Replays up to `max` more events of the table; answers how many. */
  advance(max: number): number {
    const { replayer } = this;
    if (!replayer) return 0;
    const end = Math.min(this.table.length, this.replayed + max);
    const count = end - this.replayed;
    while (replayer.replayed < end) {
      replayer.step();
      this.watch?.step();
    }
    return count;
  }

  /** What became of the replay since the last time that this was asked, for one who follows it elsewhere. */
  delta(): Delta {
    if (!this.replayer) throw new Error('there is nothing to follow: the scenario has run');
    this.publisher ??= new Publisher(this.replayer);
    return this.publisher.take();
  }

  /** The first event after which the invariants were checked; undefined while they are not. */
  get invariantsSince(): EventIndex | undefined {
    return this.replayer ? this.since : this.history.invariantsSince;
  }

  /** Checks the invariants from here on, or no longer. */
  watchInvariants(on: boolean): void {
    if (!this.replayer) return this.history.watchInvariants?.(on);
    if (on === (this.watch !== undefined)) return;
    this.since = on ? (this.replayed as EventIndex) : undefined;
    this.watch = on ? newWatch(this.replayer) : undefined;
  }

  /** Checks the invariants over the whole state reached, and answers how often each was checked so far, by its number. */
  checkInvariants(vm?: number): Map<number, Tally> {
    this.watch?.checkEverything();
    const total = new Map<number, Tally>();
    for (const { vm: each } of this.vms) {
      if (vm !== undefined && vm !== each) continue;
      for (const [number, tally] of this.watch?.report(each).tallies ?? []) {
        const sum = total.get(number) ?? { checked: 0, unknown: 0, violated: 0 };
        total.set(number, {
          checked: sum.checked + tally.checked,
          unknown: sum.unknown + tally.unknown,
          violated: sum.violated + tally.violated,
        });
      }
    }
    return total;
  }

  /** Bytes that the events and their history are kept in, about. */
  get byteLength(): number {
    const { table, history, replayer } = this;
    const columns = replayer ? replayer.notes.byteLength + replayer.wayStore.byteLength : 0;
    const objects = history.pages.last * PAGE_BYTES + history.findings.all.length * FINDING_BYTES;
    return table.byteLength + history.journal.byteLength + columns + objects;
  }

  /** Events 0..replayed-1 have been through the engine. */
  get replayed(): number {
    return this.history.replayed;
  }
  /** In order of their events. */
  get findings(): readonly Finding[] {
    return this.history.findings.all;
  }
  get accounts(): Accounts {
    return this.history.accounts;
  }
  /** How an output compared with what was announced, where verdicts are kept; undefined for other events. */
  verdictOf(event: EventIndex): EventVerdict | undefined {
    return this.replayer?.verdicts?.of(event);
  }

  get vms(): readonly VmInfo[] {
    return vmsOf(this.history.tasks);
  }

  /** The VM of an event's task; undefined for tasks that have nothing to do with one. */
  vmOf(event: EventIndex): number | undefined {
    return this.history.tasks.place(this.table.pid(event), event)?.vm;
  }

  vcpuOf(event: EventIndex): VcpuInfo | undefined {
    const place = this.history.tasks.place(this.table.pid(event), event);
    return place?.vcpu === undefined ? undefined : { vm: place.vm, vcpu: place.vcpu, pid: place.pid };
  }

  /** The shadow page an event is about; 0 = none. */
  pageOf(event: EventIndex): PageId {
    return this.history.notes.pageOf(event);
  }

  /** What a page is, where that is the same at all times; undefined where events contradict each other about it. */
  identityOf(page: PageId): PageIdentity | undefined {
    return this.index.identities.of(page);
  }

  spteOf(event: EventIndex): { page: PageId; index: SpteIndex } | undefined {
    return this.history.notes.spteOf(event);
  }

  /** The finding at an event, or that of one kind. */
  findingAt(event: EventIndex, kind?: string): Finding | undefined {
    return this.history.findings.at(event, kind);
  }

  /** 0 outside exits and faults, 1 in one of them, 2 in a fault of an exit. What opens an exit or a fault lies outside of it. */
  depthOf(event: EventIndex): 0 | 1 | 2 {
    const { notes } = this.history;
    return ((notes.inExit(event) ? 1 : 0) + (notes.inFault(event) ? 1 : 0)) as 0 | 1 | 2;
  }

  /** The fault that an event belongs to, or opens. */
  faultOf(event: EventIndex): { first: EventIndex; address: bigint; error: number } | undefined {
    const { table } = this;
    const kind = table.kind(event);
    if (!this.history.notes.inFault(event) && kind !== Kind.pageFault && kind !== Kind.walk) return undefined;
    let walk: EventIndex | undefined;
    for (let at = event; at >= 0; at = this.before(at, event)) {
      const opener = table.kind(at);
      if (opener === Kind.pageFault) return { first: at, address: table.word(at, 2), error: table.num(at, 3) };
      if (opener === Kind.walk && walk === undefined) walk = at;
      if (walk !== undefined && !this.history.notes.inFault(at)) break;
    }
    return walk === undefined ? undefined : { first: walk, address: table.word(walk, 0), error: table.num(walk, 1) };
  }

  /** The kvm_exit that an event belongs to. */
  exitOf(event: EventIndex): EventIndex | undefined {
    if (this.table.kind(event) === Kind.exit) return event;
    if (!this.history.notes.inExit(event)) return undefined;
    for (let at = event; at >= 0; at = this.before(at, event)) if (this.table.kind(at) === Kind.exit) return at;
    return undefined;
  }

  /** What the kernel's algorithm is: that of the launch, else of the trace. */
  get era(): Era {
    return this.history.era;
  }

  /** The kernel functions that led to each event. */
  get ledTo(): LedTo {
    return this.history.ledTo;
  }

  /** Each step of the engine; only a scenario has them all. */
  get trail(): Trail | undefined {
    return this.history.trail;
  }

  /** What was noticed in the shadow MMU of a VM; undefined before its first event. */
  notices(vm: number): Notices | undefined {
    return this.history.mmus[vm]?.notices;
  }

  /** A position of its own in the history. */
  cursor(): Cursor {
    return new Cursor(this.history, this.index);
  }

  /** Where a page, an SPTE, a gfn, a flag or a root changes: for data breakpoints. */
  changesOf(target: ChangeTarget): Changes {
    return changesOf(this.history, this.index.changes, target);
  }

  /** The outputs that must come next, after all events replayed so far. */
  announced(): Announced[] {
    return this.replayer ? announcements(this.replayer) : [];
  }

  /** The last page made so far; pages are numbered from 1. */
  get lastPage(): PageId {
    return this.history.pages.last;
  }

  /** Every page that ever had a gfn, oldest first. */
  pagesEverOf(vm: number, gfn: Gfn): readonly PageId[] {
    return this.history.pages.everOfGfn(vm, gfn).filter((id) => this.history.pages.born(id) < this.replayed);
  }

  /** The event of the same task before `at`, on the way back from `event`; -1 when there is none near. */
  private before(at: EventIndex, event: EventIndex): EventIndex {
    const pid = this.table.pid(event);
    const end = Math.max(0, event - LONGEST_EXIT);
    for (let e = at - 1; e >= end; e--) if (this.table.pid(e) === pid) return e as EventIndex;
    return BEFORE_FIRST;
  }
}

function newWatch(replayer: Replayer): InvariantWatch {
  const known: Known[] = [];
  return new InvariantWatch(
    replayer,
    (vm) => (known[vm] ??= knownToInvariants(replayer, vm)),
    (vm, violation) => replayer.findings.invariant((replayer.replayed - 1) as EventIndex, vm, violation),
  );
}
