import type { EventIndex } from '../../engine/ids.js';
import { PferrBit } from '../../engine/permission.js';
import type { EventTable } from '../../trace/table.js';
import { Kind } from '../../trace/vocabulary.js';
import { isOutput } from '../accounts.js';
import type { DiffRun } from './run.js';

/**
 * A run cut into steps, one after the other in each thread: what the guest or the host did, and all that followed from it. Two runs are
 * aligned by the keys of their steps, which say what was done and nothing of what came of it.
 */
export interface Step {
  readonly key: string;
  readonly first: EventIndex;
  /** included; events of other threads may lie between */
  readonly last: EventIndex;
  /** it is a fault's, or has events of the MMU: worth a word where only one run has it */
  readonly matters: boolean;
}

/** What one vCPU did, or the host's other threads, or in a scenario all statements. */
export interface Thread {
  readonly name: string;
  readonly steps: readonly Step[];
  /** the end of a VM */
  readonly isTeardown: boolean;
  /** whether an event in the range of one of its steps is its own */
  has(event: EventIndex): boolean;
}

/** What opens a step. */
export type Openers = 'statements' | 'exits' | 'faults' | 'walks';

/** What both runs have events for. */
export function commonOpeners(a: DiffRun, b: DiffRun): Openers {
  if (a.isScenario && b.isScenario) return 'statements';
  const both = (kind: Kind): boolean => [a, b].every(({ history: { table } }) => hasKind(table, kind));
  return both(Kind.exit) ? 'exits' : both(Kind.pageFault) ? 'faults' : 'walks';
}

function hasKind(table: EventTable, kind: Kind): boolean {
  for (let event = 0; event < table.length; event++) if (table.kind(event) === kind) return true;
  return false;
}

/** Exits that the host or the clock decides: what comes of them belongs to the step before. */
const OF_THE_HOST =
  /^(interrupt|intr|nmi|smi|vintr|iret|external_interrupt|preemption_timer|interrupt_window|nmi_window|pending_interrupt|exception_nmi)$/i;
/** Exits of the guest's that leave the MMU as it is, though the emulator may read guest tables for them. */
const OF_NO_ACCOUNT = /^(hlt|pause|cpuid|rdtscp?|rdpmc|msr|msr_read|msr_write|wbinvd|mwait|monitor|\w+_instruction)$/i;
const ACCESS = PferrBit.write | PferrBit.user | PferrBit.fetch;

/** The access that a fault's error code or a walk's tells: write, user, fetch. What the tables held is left out. */
export function accessOf(error: number): number {
  return error & ACCESS;
}

export function cut(run: DiffRun, openers: Openers): Thread[] {
  const { table } = run.history;
  const threads = new Map<string, Cutter>();
  const ends = openers === 'statements' ? new Map<number, EventIndex>() : lastOfGuests(run);
  const threadOf = (event: EventIndex): string | undefined => (openers === 'statements' ? '' : nameOf(run, event, ends));
  for (let event = 0 as EventIndex; event < table.length; event++) {
    const name = threadOf(event);
    if (name === undefined) continue;
    let thread = threads.get(name);
    if (!thread) threads.set(name, (thread = new Cutter(table, name, openers)));
    thread.take(event);
  }
  return [...threads.values()].map((cutter) => ({
    name: cutter.name,
    steps: cutter.done(),
    isTeardown: cutter.name.endsWith(TEARDOWN),
    has: (event) => threadOf(event) === cutter.name,
  }));
}

/** Which task frees a VM in the end, the VMM's or one of KVM's own, is no difference: its zaps are a thread of their own. */
const TEARDOWN = ':teardown';

function nameOf({ history }: DiffRun, event: EventIndex, ends: ReadonlyMap<number, EventIndex>): string | undefined {
  const { table, tasks } = history;
  const place = tasks.place(table.pid(event), event);
  if (!place) return undefined;
  const isTeardown = isOutput(table.kind(event)) && event > (ends.get(place.vm) ?? 0);
  return isTeardown ? `${place.vm}${TEARDOWN}` : `${place.vm}:${place.vcpu ?? 'host'}`;
}

/** By VM, the last event of a vCPU that runs the guest. */
function lastOfGuests({ history }: DiffRun): Map<number, EventIndex> {
  const { table, tasks } = history;
  const last = new Map<number, EventIndex>();
  for (let event = 0 as EventIndex; event < table.length; event++) {
    const place = RUNS_GUEST.has(table.kind(event)) ? tasks.place(table.pid(event), event) : undefined;
    if (place) last.set(place.vm, event);
  }
  return last;
}

const RUNS_GUEST: ReadonlySet<Kind> = new Set<Kind>([Kind.entry, Kind.exit, Kind.pageFault, Kind.walk, Kind.getPage]);

/** Cuts the events of one thread. */
class Cutter {
  private readonly steps: Step[] = [];
  private key = 'begin';
  private first: EventIndex | undefined;
  private last = -1 as EventIndex;
  private matters = false;
  /** the step is an exit that leaves the MMU as it is */
  private idle = false;
  /** the step's fault has said its address: what comes is its consequence */
  private settled = false;

  constructor(
    private readonly table: EventTable,
    readonly name: string,
    private readonly openers: Openers,
  ) {}

  take(event: EventIndex): void {
    const kind = this.table.kind(event);
    const key = this.opening(event, kind);
    if (key !== undefined) {
      this.close();
      this.key = key;
      this.idle = kind === Kind.exit && OF_NO_ACCOUNT.test(this.table.string(event, 0).trim());
    } else if (this.first !== undefined) this.refine(event, kind);
    this.first ??= event;
    // The end of the VM may come before the last word of one of its tasks.
    if (kind !== Kind.other || this.last < this.first) this.last = event;
    if (isOutput(kind) || (!this.idle && (kind === Kind.pageFault || kind === Kind.walk))) this.matters = true;
  }

  done(): Step[] {
    this.close();
    return this.steps;
  }

  private close(): void {
    if (this.first !== undefined) this.steps.push({ key: this.key, first: this.first, last: this.last, matters: this.matters });
    this.first = undefined;
    this.matters = this.settled = false;
  }

  /** The key of the step that an event opens; undefined where it belongs to the step before. */
  private opening(event: EventIndex, kind: Kind): string | undefined {
    const { table, openers } = this;
    if (openers === 'statements') return statementText(table, event)?.text;
    if (this.name.endsWith(':host') || this.name.endsWith(TEARDOWN)) return isHostDoing(kind) ? table.name(event) : undefined;
    if (openers === 'exits') return kind === Kind.exit ? exitKey(table, event) : undefined;
    if (openers === 'faults') return kind === Kind.pageFault ? this.fault(event) : undefined;
    return kind === Kind.walk ? `walk ${table.word(event, 0).toString(16)} ${accessOf(table.num(event, 1))}` : undefined;
  }

  /** What is known of an exit's cause only by the events that follow it. */
  private refine(event: EventIndex, kind: Kind): void {
    const { table } = this;
    if (this.openers !== 'exits' || this.settled) return;
    if (kind === Kind.pageFault) this.key = this.fault(event);
    else if (kind === Kind.cr) this.key += ` cr${table.num(event, 1)} ${table.word(event, 2).toString(16)}`;
    else if (kind === Kind.msr) this.key += ` msr ${table.word(event, 1).toString(16)}`;
    else if (kind === Kind.pio) this.key += ` port ${table.num(event, 1).toString(16)} ${table.word(event, 4).toString(16)}`;
  }

  private fault(event: EventIndex): string {
    this.settled = true;
    return `fault ${this.table.word(event, 2).toString(16)} ${accessOf(this.table.num(event, 3))}`;
  }
}

/** Undefined for an exit that belongs to the step before: a timer's interrupt makes none. */
function exitKey(table: EventTable, event: EventIndex): string | undefined {
  const reason = table.string(event, 0).trim();
  return OF_THE_HOST.test(reason) ? undefined : `${reason} ${table.word(event, 1).toString(16)}`;
}

function isHostDoing(kind: Kind): boolean {
  return kind === Kind.unmapHva || kind === Kind.zapAllFast || kind === Kind.userspaceExit;
}

/** A scenario's statement, as the marker at its beginning says it: `12: write 0x1000`. */
export function statementText(table: EventTable, event: EventIndex): { readonly line: number; readonly text: string } | undefined {
  if (table.kind(event) !== Kind.other || table.name(event) !== 'tracing_mark_write') return undefined;
  const match = /^(\d+): (.*)$/.exec(table.message(event));
  return match ? { line: Number(match[1]), text: match[2]! } : undefined;
}
