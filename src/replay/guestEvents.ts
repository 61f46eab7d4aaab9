import { Unseen } from '../engine/entry.js';
import { gptesWritten, isRepeated } from '../engine/guestWrite.js';
import { isPdpte } from '../engine/gpte.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type Gfn } from '../engine/ids.js';
import { PferrBit } from '../engine/permission.js';
import { tellRoot } from '../engine/rootEvidence.js';
import type { GuestWalk } from '../engine/walk.js';
import { Cause } from '../engine/unseen.js';
import { Kind } from '../trace/vocabulary.js';
import { exitReason, type ExitReason } from './exitReasons.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';

const ACCESSED = 1n << 5n;
const DIRTY = 1n << 6n;
const PAGE_FAULT_VECTOR = 14;
const PAGE_BYTES = 4096n;

/**
 * What the guest and the host do: exits, faults, walks, emulated instructions, notifiers. They set the scene for the MMU's own events,
 * and some of them change SPTEs without saying which (`oracle/README.md`); then the entries concerned come into doubt.
 */
export function guestEvent(replay: Replayer, event: EventIndex, kind: Kind, task: Task): void {
  const { table } = replay;
  switch (kind) {
    case Kind.exit:
      leaveGuest(task);
      task.inExit = true;
      task.seenExit = true;
      exited(task, exitReason(table.string(event, 0)), (table.low(event, 2) | table.high(event, 2)) !== 0);
      break;
    case Kind.entry:
      leaveGuest(task);
      task.inExit = false;
      if (!exitsSeen(task)) task.mmu.unseen.happened(Cause.exitsSeen);
      break;
    case Kind.pageFault:
      endFault(task);
      task.pageFault = { address: table.word(event, 2), error: table.num(event, 3) };
      break;
    case Kind.walk:
      beginWalk(task, table.word(event, 0), table.num(event, 1));
      break;
    case Kind.element:
      readElement(task, table.num(event, 1), table.low(event, 0), table.high(event, 0));
      break;
    case Kind.setAccessed:
    case Kind.setDirty:
      task.walk?.sawTable(table.word(event, 0));
      task.kvm.guest.set(Number(table.word(event, 0)), kind === Kind.setAccessed ? ACCESSED : DIRTY);
      break;
    case Kind.walkerError:
      if (task.walk) task.walk.failed = true;
      // Without kvm_inj_exception the injection is known from the failed walk alone.
      if (!exitsSeen(task) && table.num(event, 0) & PferrBit.present) invalidatedByInjection(task);
      break;
    case Kind.injException:
      if (table.num(event, 0) === PAGE_FAULT_VECTOR && table.num(event, 2) & PferrBit.present) invalidatedByInjection(task);
      break;
    case Kind.emulateInsn:
      ({ bytes: task.emulating, store: task.store } = replay.emulations.at(event, () => codeMode(task)));
      guestWrote(task);
      break;
    case Kind.nestedVmenter:
    case Kind.nestedVmexitInject:
      enterNested(task, kind === Kind.nestedVmenter);
      break;
    case Kind.smmTransition:
      task.resetsMmu = true;
      if (task.vcpu) task.vcpu.inSmm = table.num(event, 2) === 1;
      break;
    case Kind.userspaceExit:
      task.mmu.unseen.happened(Cause.userspace);
      break;
    case Kind.unmapHva:
      unmapped(task, table.word(event, 1) - table.word(event, 0));
      break;
    case Kind.setSpteHva:
      unmapped(task, PAGE_BYTES);
      break;
    default: // everything else is the MMU's own, or says nothing about it
  }
}

/** A report does not say how the code runs: as code does under such paging. */
function codeMode({ vcpu, mmu }: Task): string {
  const root = vcpu?.roots().find((page) => page !== NO_PAGE);
  if (root === undefined || !mmu.pages.hasGptes(root)) return '';
  return vcpu!.rootLevel() >= 4 ? 'prot64' : 'prot32';
}

function exited(task: Task, reason: ExitReason, tellsAddress: boolean): void {
  // A CPU that tells the address needs no emulation; one that tells 0 may be one that does not.
  if (reason.isInvlpg && !tellsAddress) task.mmu.unseen.happened(Cause.invlpg);
  if (reason.mayWriteCr3) task.vcpu?.mayHaveSwitched();
  task.resetsMmu = reason.resetsMmu;
  task.keepsRoots = false;
}

/** The nested guest has a CR3 of its own, or its hypervisor's is back: a switch of the root, perhaps to a cached one. */
function enterNested(task: Task, nested: boolean): void {
  const { vcpu } = task;
  task.keepsRoots = true;
  if (!vcpu) return;
  vcpu.mayHaveSwitched();
  vcpu.inNestedGuest = nested;
}

function leaveGuest(task: Task): void {
  endFault(task);
  task.rootLoad = undefined;
  task.emulating = undefined;
  task.store = undefined;
}

/** A fault that took a page and went no further had to start over: the link it was about to make is not certain. */
function endFault(task: Task): void {
  if (startedOver(task)) unmapped(task, PAGE_BYTES);
  const place = task.requested ? undefined : task.path?.gaveUp();
  if (place) task.mmu.doubt(place.parent, place.index, Unseen.gone);
  task.endFault();
}

function beginWalk(task: Task, address: bigint, error: number): void {
  const { pageFault, mayBeReinjecting } = task;
  const late = task.mmu.has('unprotect-after-fault');
  const repeated = pageFault !== undefined && task.walk !== undefined && address === pageFault.address && !task.emulating;
  // A walk made twice tells that the first, or on later kernels the second, is for what to unprotect.
  const told = mayBeReinjecting && repeated && (late || !task.requested);
  if (told) task.mayBeReinjecting = false;
  const reinjecting = task.reinjecting || (told && late);
  const first = pageFault !== undefined && (task.walk === undefined || (!late && task.unprotecting) || (told && !late));
  const again = task.walk !== undefined && address === pageFault?.address && (error & PferrBit.write) !== 0;
  if (!first) endFault(task);
  task.unprotecting = reinjecting && pageFault !== undefined && (again || !late);
  task.reinjecting = reinjecting && late && first;
  if (!exitsSeen(task)) task.vcpu?.mayHaveSwitched();
  task.beginWalk(address, error);
}

function readElement(task: Task, level: number, low: number, high: number): void {
  const { walk } = task;
  if (!walk) return;
  walk.readHalves(level, low, high);
  // Before the end of an exit that writes CR3, walks go through the old root.
  if (task.vcpu && task.pageFault) tellRoot(task.kvm, task.vcpu, walk);
  remember(task, walk, level, low, high);
  // Where emulation has events, only a walk of the emulator can end in a write that KVM makes itself.
  if (task.emulating || !exitsSeen(task)) guestWrote(task);
}

/** The entry's place is known by the table above it, that of the top table by the root's page. */
function remember(task: Task, walk: GuestWalk, level: number, low: number, high: number): void {
  if (isPdpte(walk.mode, level)) return;
  const table = walk.tableGfn(level) ?? rootTable(task, walk);
  if (table !== undefined) task.kvm.guest.sawHalves(walk.gpaOfEntry(table, level), low, high);
}

/** The guest table behind the root in use; undefined where that is not known. */
function rootTable({ vcpu, mmu }: Task, walk: GuestWalk): Gfn | undefined {
  const root = vcpu?.isRootCertain() ? vcpu.rootFor(walk.page) : NO_PAGE;
  return root === NO_PAGE || !mmu.pages.hasGptes(root) ? undefined : mmu.pages.birth(root).gfn;
}

function exitsSeen(task: Task): boolean {
  return task.mmu.unseen.last(task.mmu.state, Cause.exitsSeen) !== BEFORE_FIRST;
}

/**
 * KVM may have made the guest's write itself, and then zapped the SPTEs of the guest entries it hit [6.1 mmu.c:kvm_mmu_pte_write].
 * Without the instruction's bytes it may have been one that repeats to the end of the table.
 */
function guestWrote(task: Task): void {
  const { walk, mmu, emulating } = task;
  if (!walk?.isWrite || walk.gfn === undefined || isTracked(task, walk)) return;
  // The emulator's walks never say that the SPTE was present.
  if (!exitsSeen(task) && walk.error & PferrBit.present) return;
  const whole = !emulating || isRepeated(emulating);
  for (const page of mmu.livePages(walk.gfn)) {
    if (!mmu.pages.hasGptes(page)) continue;
    if (whole) {
      task.suspected.push({ page, before: mmu.pages.writtenSince(mmu.state, page) });
      mmu.pages.setWrittenSince(mmu.state, page, mmu.state.now);
    } else {
      const offset = Number(walk.address & 0xfffn);
      for (const index of gptesWritten(mmu.pages.role(mmu.state, page), offset)) mmu.doubt(page, index, Unseen.gone);
    }
  }
}

/** One store of a known size within a page: the step of the write tracker clears exactly the SPTEs that it hits. */
function isTracked({ store }: Task, { address }: GuestWalk): boolean {
  if (!store?.bytes || !store.tracked || store.repeated || store.stores !== 1) return false;
  return Number(address & 0xfffn) + store.bytes <= Number(PAGE_BYTES);
}

/** [6.1 x86.c:kvm_inject_emulated_page_fault]: a fault injected with P=1 invalidates its address first, as INVLPG does. */
function invalidatedByInjection(task: Task): void {
  const path = task.pathOf();
  const { mmu } = task;
  if (!path) return mmu.unseen.happened(Cause.invlpg);
  const page = path.at(1);
  if (mmu.pages.isUnsync(mmu.state, page)) mmu.doubt(page, path.indexAt(1), Unseen.any);
}

/**
 * An MMU notifier. One page that goes while this very task is getting the frame of a guest page is that guest page (copy on write);
 * any other range belongs to guest frames that no event names.
 */
function unmapped(task: Task, bytes: bigint): void {
  const { mmu } = task;
  const gfn = task.requested ? undefined : (task.walk?.gfn ?? directGfn(task));
  if (bytes !== PAGE_BYTES || gfn === undefined) {
    task.kvm.host.mayHaveChanged(mmu.state.now);
    return mmu.unseen.happened(Cause.notifier);
  }
  task.kvm.host.lost(gfn);
  for (const { page, index } of [...mmu.leaves(gfn)]) mmu.doubt(page, index, Unseen.gone);
}

/** A write to a page that the host may have mapped read-only ended without a request: the host copied the page. */
function startedOver(task: Task): boolean {
  const { walk, mmu, kvm } = task;
  if (task.requested || task.emulating || !walk?.isWrite || mmu.has('notifier-events')) return false;
  if (kvm.time.showsFaults && !task.walksForFault) return false;
  if (walk.gfn === undefined || kvm.host.isAbsent(walk.gfn) || kvm.host.at(walk.gfn)?.writable) return false;
  return !(walk.isProtectionFault && mmu.isTracked(walk.gfn));
}

function directGfn(task: Task): Gfn | undefined {
  return task.pageFault && !task.walk ? (Number(task.pageFault.address >> 12n) as Gfn) : undefined;
}
