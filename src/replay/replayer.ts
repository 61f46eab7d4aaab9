import type { Came } from '../engine/announcement.js';
import type { Era } from '../engine/eras.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type Gfn, type PageId, type Role } from '../engine/ids.js';
import { Journal } from '../engine/journal.js';
import { GuestEntries } from '../engine/guestEntries.js';
import { HiddenClasses } from '../engine/hiddenClasses.js';
import { HostPages } from '../engine/hostPages.js';
import { Kvm, type TracedKvm } from '../engine/kvm.js';
import { kernelName } from '../engine/kernelFunctions.js';
import { Mmu } from '../engine/mmu.js';
import { ShadowPages } from '../engine/pages.js';
import type { SptePlace } from '../engine/places.js';
import { controlOf, type GuestControl } from '../engine/permission.js';
import { PRINTED_MASK, roleMask } from '../engine/role.js';
import { WritableState } from '../engine/state.js';
import { Cause } from '../engine/unseen.js';
import { Vcpu } from '../engine/vcpu.js';
import { PARTIAL_MASK } from '../trace/partialRoles.js';
import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';
import { AnonymousEvents } from './anonymous.js';
import { Accounts, isOutput } from './accounts.js';
import { Conformance } from './conformance.js';
import { drive } from './drive.js';
import type { History } from './history.js';
import { Ways } from './ledTo.js';
import { Emulations } from './emulation.js';
import { leafGfnOf, recordedWord } from './recorded.js';
import { RecordedLedTo } from './recordedLedTo.js';
import { WayStore } from './wayStore.js';
import { EventNotes } from './eventNotes.js';
import { Findings } from './findings/findings.js';
import { guestEvent } from './guestEvents.js';
import { Beginnings } from './midLife.js';
import { pageEvent } from './pageEvents.js';
import type { Reading } from './reading.js';
import { eraOf, type Rules } from './rules.js';
import { KnownRegisters } from './registers.js';
import { localRootOf } from '../scenario/paging.js';
import { loadFirstLocalRoot } from './localRoots.js';
import { spteEvent } from './spteEvents.js';
import { Task } from './task.js';
import { Tasks, type TaskPlace } from './tasks.js';
import type { Verdicts } from './verdicts.js';

/** Every bit of the engine's role word: a binary trace gives the whole role. */
const WHOLE_ROLE = 0xffffffff;
const HIDDEN_MASK = roleMask(['hidden', 'smm', 'guest_mode']);
const ROLE_MASKS = { exact: WHOLE_ROLE, printed: PRINTED_MASK, partial: PARTIAL_MASK };

/**
 * Runs the engine along a trace, one event after the other and only forwards: inputs become calls, recorded outputs are held against
 * what was announced and then let in. What an event does to the MMU is in `pageEvents`, `spteEvents` and `guestEvents`.
 */
export class Replayer implements History {
  readonly journal = new Journal();
  readonly state = new WritableState(this.journal);
  readonly pages = new ShadowPages(this.journal);
  readonly kvms: TracedKvm[] = [];
  readonly vcpus: Vcpu[] = [];
  readonly tasks: Tasks;
  readonly findings: Findings;
  readonly accounts = new Accounts();
  readonly emulations: Emulations;
  readonly beginnings: Beginnings;
  /** set by whoever asks for the verdicts of single events */
  verdicts: Verdicts | undefined;
  private readonly conformance = new Conformance(this);
  readonly notes = new EventNotes();
  readonly wayStore = new WayStore();
  readonly ways = new Ways(this.wayStore);
  readonly ledTo = new RecordedLedTo(this.wayStore, (fn) => kernelName(fn, this.era));
  readonly anonymous = new AnonymousEvents();
  /** where the pointers of mark_mmio_spte lead, hashed or not */
  readonly mmioPlaces = new Map<bigint, SptePlace>();
  /** by role */
  private readonly controls = new Map<Role, GuestControl>();
  private readonly byPid = new Map<number, Task>();
  /** the task of the last event, if it is a vCPU's whose place will not be another: most events follow one of the same */
  private settled: Task | undefined;
  /** by VM */
  private readonly registers: KnownRegisters[] = [];
  /** by kind, whether an event of it could be read */
  private readonly wasRead = new Uint8Array(Kind.other + 1);
  /** Events that have been through the engine. */
  replayed = 0;

  constructor(
    readonly table: EventTable,
    private readonly rules: Rules = {},
  ) {
    this.tasks = new Tasks(table);
    this.findings = new Findings(table);
    this.emulations = new Emulations(table);
    this.beginnings = new Beginnings(table);
  }

  /** A trace leaves something open at all times. */
  readonly knowsAll = false;

  wordOf(role: Role): number | null {
    return recordedWord(this.table, role);
  }

  /** Bits of a role that the trace gives. */
  get roleMask(): number {
    return ROLE_MASKS[this.table.info.roles];
  }

  /** What of a role tells pages apart: in text, the class stands for the bits that it does not give. */
  get keyMask(): number {
    return this.roleMask | HIDDEN_MASK;
  }

  /** Replays the next event of the table. */
  step(): void {
    const event = this.replayed as EventIndex;
    this.state.now = event;
    const lost = this.table.lostBefore(event);
    if (lost === 0 && this.table.pid(event) === this.settled?.pid && this.table.kind(event) !== Kind.other) {
      this.taskEvent(event, this.settled);
      this.replayed++;
      return;
    }
    const place = this.tasks.placeOf(event);
    if (lost !== 0) this.eventsLost(event, place, lost);
    // A scenario has one VM, and its statements may come before the first event of the vCPU that they set up.
    if (this.table.info.scenario && this.table.kind(event) === Kind.other && this.table.name(event) === MARKER)
      this.marked(this.table.message(event));
    if (place) this.taskEvent(event, this.taskAt(place));
    else this.notes.add(0, NO_PAGE, -1);
    const isSettled = place?.vcpu !== undefined && !place.guessed;
    this.settled = isSettled ? this.byPid.get(place.pid) : undefined;
    this.replayed++;
  }

  /** The vCPU of a VM; undefined before its first event. */
  vcpu(vm: number, id: number): Vcpu | undefined {
    return this.vcpus.find((vcpu) => vcpu.vm === vm && vcpu.id === id);
  }

  get mmus(): Mmu[] {
    return this.kvms.map(({ mmu }) => mmu);
  }

  mmu(vm: number): Mmu {
    return this.kvm(vm).mmu;
  }

  kvm(vm: number): TracedKvm {
    const { era } = this;
    for (let next = this.kvms.length; next <= vm; next++) {
      const mmu = new Mmu(next, this.state, this.pages, era);
      const kvm = new Kvm(mmu, new GuestEntries(mmu), new HostPages());
      mmu.trail = this.ways;
      kvm.rolesLackMode = this.table.info.roles === 'partial';
      // A report shows the bits that tell apart what looks alike in the kernel's text.
      if (this.table.info.roles === 'printed') kvm.hidden = new HiddenClasses();
      this.kvms.push(kvm);
    }
    return this.kvms[vm]!;
  }

  /** The rules of the kernel: those asked for, else as the trace tells. */
  get era(): Era {
    return this.kvms[0]?.mmu.era ?? eraOf(this.table.info, this.rules);
  }

  /** What the role of a page of a paging guest tells of the guest's control registers. */
  guestControl(role: Role): GuestControl {
    let control = this.controls.get(role);
    if (!control) {
      const { layout } = this.table.info;
      const tells = controlOf(role, { mask: this.roleMask, guestNx: layout.name === '5.1', smep: layout.name === '7.x' });
      // A large entry counts as one until the walk is seen to go on below it.
      this.controls.set(role, (control = { pse: true, ...tells }));
    }
    return control;
  }

  /** Tasks in the order of their last event, the latest first. */
  tasksByLast(): Task[] {
    return [...this.byPid.values()].sort((a, b) => b.lastEvent - a.lastEvent);
  }

  /** A vCPU runs the guest: its last exit is over. Undefined where exits have no events. */
  isInGuest(vm: number, vcpu: number): boolean | undefined {
    for (const task of this.byPid.values()) {
      if (task.vcpu?.vm === vm && task.vcpu.id === vcpu) return task.seenExit ? !task.inExit : undefined;
    }
    return undefined;
  }

  leafGfn(event: EventIndex): number {
    return leafGfnOf(this.table, event);
  }

  /** A page is gone: no root slot can hold it. */
  pageGone(page: PageId): void {
    for (const vcpu of this.vcpus) vcpu.drop(page);
  }

  private taskEvent(event: EventIndex, task: Task): void {
    const kind = this.table.kind(event);
    task.lastEvent = event;
    this.wasRead[kind] = 1;
    if (kind === Kind.other) this.unread(this.table.unreadKind(event), task);
    guestEvent(this, event, kind, task);
    drive(this, event, kind, task);
    const depth = this.notes.depthOf(kind, task);
    const { page, index } = isOutput(kind) ? this.output(event, kind, task) : NOWHERE;
    this.notes.add(depth, page, index);
  }

  /**
   * An event that is there and cannot be read: an output may be what was announced; without an input nothing can be. A kind of input of
   * which no event can be read is like one that was not recorded.
   */
  private unread(kind: Kind, task: Task): void {
    if (isOutput(kind)) task.unread.push(kind);
    else if (kind !== Kind.other && this.wasRead[kind]) this.missed(task);
  }

  /** An event of the task is missing, and nothing tells what it was. */
  private missed(task: Task): void {
    task.mmu.unseen.happened(Cause.lost);
    task.mmu.incomplete = true;
    task.kvm.time.lost();
    task.reset();
    task.vcpu?.lostSight();
  }

  /** A recorded output: held against what was announced, then let into the state. */
  private output(event: EventIndex, kind: Kind, task: Task): Came {
    const verdict = this.conformance.judge(event, kind, task);
    // What was not announced either could be anything.
    if (task.unread.length > 0) this.missed(task);
    const came = verdict.taken ?? this.letIn(this.conformance.readingOf(event, task, verdict), task);
    if (task.mmu.unseen.hasGaps && kind <= Kind.prepareZap && came.page !== NO_PAGE) this.sawPage(task.mmu, came.page);
    this.conformance.keepReadings(event, task, verdict, came);
    task.work.took(event, came, kind === Kind.spteRequested ? { ...came, level: this.table.num(event, 2) } : came);
    this.conformance.account(event, kind, task, verdict, came);
    return came;
  }

  private sawPage({ unseen, state, pages }: Mmu, page: PageId): void {
    const lost = unseen.last(state, Cause.lost);
    if (lost !== BEFORE_FIRST) pages.setSeenSince(state, page, lost);
  }

  private letIn(reading: Reading, task: Task): Came {
    const { kind } = reading;
    const came =
      kind <= Kind.prepareZap ? { page: pageEvent(this, reading, task), index: -1 } : cameOf(reading, spteEvent(this, reading, task));
    this.conformance.learn(reading, task);
    return came;
  }

  private taskAt(place: TaskPlace): Task {
    let task = this.byPid.get(place.pid);
    if (!task || task.mmu.vm !== place.vm || (task.vcpu === undefined) !== (place.vcpu === undefined)) {
      // A task that makes another VM shows where that begins.
      if (!this.table.info.scenario && place.since === undefined && this.kvm(place.vm).vcpus.length === 0)
        this.beginnings.begin(this.mmu(place.vm), place.vcpu, this.state.now);
      const vcpu = place.vcpu === undefined ? undefined : this.vcpuAt(place.vm, place.vcpu);
      const begunUnseen = !this.wasSeen(place.pid);
      task = new Task(place.pid, this.kvm(place.vm), (its) => this.conformance.workOf(its), vcpu, begunUnseen, this.registersOf(place.vm));
      this.byPid.set(place.pid, task);
    }
    return task;
  }

  /** A vCPU that a statement creates is set up by user space, and goes into the guest. */
  private marked(text: string): void {
    const created = this.registersOf(0).marked(text);
    if (created === undefined) return;
    const kvm = this.kvm(0);
    const wanted = localRootOf(kvm.mmu, this.registersOf(0).of(created)!);
    if (wanted) loadFirstLocalRoot(kvm, this.vcpuAt(0, created), wanted);
  }

  private registersOf(vm: number): KnownRegisters {
    for (let next = this.registers.length; next <= vm; next++) this.registers.push(new KnownRegisters());
    return this.registers[vm]!;
  }

  /** An event of the task came before this one. */
  private wasSeen(pid: number): boolean {
    for (let event = this.replayed - 1; event >= 0; event--) if (this.table.pid(event) === pid) return true;
    return false;
  }

  private vcpuAt(vm: number, id: number): Vcpu {
    let vcpu = this.vcpu(vm, id);
    if (!vcpu) {
      vcpu = new Vcpu(this.mmu(vm), id);
      this.kvm(vm).vcpus.push(vcpu);
      this.vcpus.push(vcpu);
    }
    return vcpu;
  }

  /** Whatever was under way may have gone on unseen, and every entry of every VM may have changed. */
  private eventsLost(event: EventIndex, place: TaskPlace | undefined, count: number): void {
    this.mmu(0);
    for (const mmu of this.mmus) {
      mmu.unseen.happened(Cause.lost);
      mmu.incomplete = true;
    }
    for (const { time } of this.kvms) time.lost();
    for (const task of this.byPid.values()) task.reset();
    for (const vcpu of this.vcpus) vcpu.lostSight();
    this.findings.lostEvents(event, place?.vm ?? 0, count);
  }
}

const MARKER = 'tracing_mark_write';
const NOWHERE: Came = { page: NO_PAGE, index: -1 };

function cameOf(reading: Reading, { page, index }: Pick<Came, 'page' | 'index'> = NOWHERE): Came {
  if (reading.kind !== Kind.spteRequested) return { page, index };
  return { page, index, gfn: reading.num(0) as Gfn, level: reading.num(2) };
}
