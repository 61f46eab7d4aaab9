import type { Era } from '../engine/eras.js';
import type { EventIndex, PageId, Role, SpteIndex } from '../engine/ids.js';
import type { Journal } from '../engine/journal.js';
import type { KernelFunction } from '../engine/kernelFunctions.js';
import type { Mmu } from '../engine/mmu.js';
import type { ShadowPages } from '../engine/pages.js';
import type { Trail } from '../engine/trail.js';
import type { Vcpu } from '../engine/vcpu.js';
import type { EventTable } from '../trace/table.js';
import type { Accounts } from './accounts.js';
import type { TaskPlace } from './tasks.js';
import type { Finding } from './view.js';

/** What is known of single events. */
export interface Notes {
  /** the shadow page that an event is about */
  pageOf(event: EventIndex): PageId;
  spteOf(event: EventIndex): { page: PageId; index: SpteIndex } | undefined;
  /** the SPTE that an event recorded, where the engine goes on with another value */
  recordedSpte(event: EventIndex): bigint | undefined;
  inExit(event: EventIndex): boolean;
  inFault(event: EventIndex): boolean;
}

/** The tasks of a history, and the VMs they belong to. */
export interface TaskPlaces {
  /** at least one */
  readonly vmCount: number;
  readonly all: Iterable<TaskPlace>;
  /** where a task belongs, which can make one VM after the other, when it has an event */
  place(pid: number, event: EventIndex): TaskPlace | undefined;
}

/** The kernel functions that led to each event, as the engine went through them. */
export interface LedTo {
  /** the functions around an event when it came, the innermost first, as frames name them; none for one that the MMU does not decide */
  framesOf(event: EventIndex): readonly string[];
  /** whether a function began on the way to an event, or as all that followed from it */
  has(event: EventIndex, fn: KernelFunction): boolean;
  /** the first such event after one and before another */
  next(fn: KernelFunction, after: number, limit: number): EventIndex | undefined;
  /** the last such event before one and after another */
  previous(fn: KernelFunction, before: number, floor: number): EventIndex | undefined;
}

/**
 * Everything that took place in the shadow MMUs of some VMs, event by event: a trace that was replayed, or the run of a scenario. What the
 * debugger shows comes from here.
 */
export interface History {
  readonly table: EventTable;
  readonly era: Era;
  readonly journal: Journal;
  readonly pages: ShadowPages;
  /** by VM */
  readonly mmus: readonly Mmu[];
  readonly vcpus: readonly Vcpu[];
  readonly tasks: TaskPlaces;
  readonly notes: Notes;
  readonly findings: { readonly all: readonly Finding[]; at(event: EventIndex, kind?: string): Finding | undefined };
  readonly accounts: Accounts;
  /** nothing was left to guess: whole roles, and every value as certain as if it had been recorded */
  readonly knowsAll: boolean;
  /** the kernel's own word of a role; null where the trace does not give all of it */
  wordOf(role: Role): number | null;
  /** events 0..replayed-1 can be visited */
  readonly replayed: number;
  readonly ledTo: LedTo;
  /** a scenario: each step of the engine, with its place in the journal */
  readonly trail?: Trail | undefined;
  /** a history that another thread makes: the first event after which the invariants were checked there, undefined while they are not */
  readonly invariantsSince?: EventIndex | undefined;
  /** … and a way to ask for it, or to have it left */
  readonly watchInvariants?: (on: boolean) => void;
  vcpu(vm: number, id: number): Vcpu | undefined;
  /** the guest frame that an event about an SPTE names; -1 for another event */
  leafGfn(event: EventIndex): number;
}
