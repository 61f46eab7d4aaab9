import { Output, type Steps } from '../engine/announcement.js';
import type { Gfn } from '../engine/ids.js';
import { NO_PAGE, type EventIndex } from '../engine/ids.js';
import type { Store } from '../engine/instruction.js';
import type { Change } from '../engine/kvm.js';
import { leavesNoMmio } from '../engine/mmioEntry.js';
import { PferrBit } from '../engine/permission.js';
import { roleField } from '../engine/role.js';
import { directPageFault } from '../engine/steps/directFault.js';
import type { Fault, ShadowFault } from '../engine/steps/fault.js';
import { invalidate } from '../engine/steps/invalidate.js';
import { invalidateUnknown } from '../engine/steps/invlpg.js';
import { mmioPageFault } from '../engine/steps/mmio.js';
import { afterCr3, beforeEntry, keepsRoots } from '../engine/steps/roots.js';
import { trackWrite } from '../engine/steps/trackWrite.js';
import { unprotect } from '../engine/steps/unprotect.js';
import { atAnyTime } from '../engine/steps/unshown.js';
import { prepareZap } from '../engine/steps/zap.js';
import { tdpSpteChanged } from '../engine/tdpMmu.js';
import { outsideGuest } from '../engine/steps/userspace.js';
import type { Vcpu } from '../engine/vcpu.js';
import { walkOutcome } from '../engine/walkOutcome.js';
import { Kind } from '../trace/vocabulary.js';
import type { EventTable } from '../trace/table.js';
import { wroteCr } from './controlRegisters.js';
import { exitReason, type ExitReason } from './exitReasons.js';
import { faultInAnyClass, faultOf } from './faultOf.js';
import { enterFromLocalRoot, knownLocalRoot, renewLocalRoot, walkedFromLocalRoot } from './localRoots.js';
import { invalidateKnown } from './invlpg.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';
import { walkedForUnknownUse } from './unknownUse.js';

/** What is taken of the guest's control registers where no role tells. */
const NO_ROLE = { pse: true };

/** Page-table writes are emulated; other instructions run again after the shadows of their target are gone [6.1 emulate.c, PageTable flag]. */
const TABLE_WRITERS = new Set(['mov', 'xchg', 'cmpxchg', 'cmpxchg8b', 'or', 'and', 'bts']);

/** Starts and ends the kernel's work by what the guest and the host did: after `guestEvent` has taken the input in. */
export function drive(replay: Replayer, event: EventIndex, kind: Kind, task: Task): void {
  const { table } = replay;
  const { work } = task;
  switch (kind) {
    case Kind.exit:
      work.finish(event);
      exited(replay, event, task);
      break;
    case Kind.entry:
      expect(task);
      work.finish(event);
      task.kvm.time.showsExits = true;
      if (task.vcpu) task.kvm.time.entered(task.vcpu.id);
      task.change = 'none';
      task.outside = false;
      break;
    case Kind.pageFault:
      work.finish(event);
      task.kvm.time.showsFaults = true;
      if (!task.kvm.time.showsExits) leftUnseen(task, event);
      faulted(task);
      break;
    case Kind.walk:
      work.finish(event);
      if (!task.kvm.time.showsExits) leftUnseen(task, event);
      break;
    case Kind.element:
      walked(replay, task);
      break;
    case Kind.walkerError:
      work.cancel();
      refused(task, table.num(event, 0));
      break;
    case Kind.unmapHva:
    case Kind.setSpteHva:
      // A notifier between the guest walk and the mapping makes the fault start over [6.1 mmu.c:is_page_fault_stale].
      if (task.inFault && !task.requested) work.cancel();
      break;
    case Kind.emulateInsn:
      work.finish(event);
      emulated(task);
      break;
    case Kind.trackWrite:
      work.finish(event);
      tracked(replay, event, task);
      break;
    case Kind.tdpSpteChanged:
      tdpChanged(replay, event, task);
      break;
    case Kind.cr:
      if (table.num(event, 0) === CR_WRITE) wroteCr(task, table.num(event, 1), table.word(event, 2));
      renewLocalRoot(task);
      break;
    case Kind.smmTransition:
      work.finish(event);
      task.change = 'smm';
      break;
    case Kind.nestedVmenter:
    case Kind.nestedVmexitInject:
      work.finish(event);
      task.change = 'nested';
      break;
    case Kind.userspaceExit:
      work.finish(event);
      task.outside = true;
      if (task.vcpu) task.registers.leftKvm(task.vcpu.id);
      renewLocalRoot(task);
      task.kvm.slotGeneration = undefined;
      task.kvm.host.slotsMayHaveGrown(event);
      task.kvm.dirtyLog.mayHaveEnded();
      break;
    case Kind.injException:
      task.injected = true;
      break;
    case Kind.other:
      if (table.info.roles === 'partial' && table.name(event) === 'kvm_inj_virq') task.injected = true;
      break;
    default: // outputs, and inputs that the MMU does not act upon at once
  }
}

function exited(replay: Replayer, event: EventIndex, task: Task): void {
  const { table } = replay;
  const reason = exitReason(table.string(event, 0));
  inKvm(task, event);
  // Other exits first do what they came for.
  if (reason.isInterrupt) renewLocalRoot(task);
  task.settled = false;
  task.change = reason.change;
  task.cr3 = undefined;
  task.reinjecting = delivers(table, event, reason, task);
  task.mayBeReinjecting = mayDeliver(replay, task);
  task.injected = false;
  task.invalidating = false;
  if (reason.isInvlpg) invalidates(table, event, task);
  task.trackedWrite = undefined;
}

/** INVLPG, with the address where the CPU tells it: in EXITINFO1, or the exit qualification. */
function invalidates(table: EventTable, event: EventIndex, task: Task): void {
  const address = table.word(event, 2);
  task.invalidating = address === 0n;
  if (address !== 0n) task.work.start(invalidateKnown(task, address));
}

/** A kprobe shows what the emulator tells the trackers of guest writes. */
function tracked({ table }: Replayer, event: EventIndex, { kvm, vcpu, mmu, work }: Task): void {
  const root = vcpu?.firstRoot();
  const role = root === undefined ? undefined : mmu.pages.role(mmu.state, root);
  const wide = role !== undefined && !roleField(role, 'direct') && !roleField(role, 'has4ByteGpte');
  const value = table.has(event, 2) ? table.word(event, 2) : undefined;
  work.start(trackWrite(kvm, table.num(event, 0), table.num(event, 1), wide, () => value, vcpu));
}

/**
 * What may come without an input of its own: a vCPU whose roots were zapped lets them go and loads new ones before it enters the guest;
 * outside of it the VM's slots may change. Answers whether that was started now.
 */
export function expect(task: Task): boolean {
  const { vcpu, work, kvm } = task;
  // What the process may do at any time is told anew: others have gone on meanwhile.
  if (work.pendingOutput === Output.zapAllFast) work.cancel();
  else if (work.isBusy || task.settled) return false;
  task.settled = true;
  if (vcpu && staysAsItIs(task, vcpu)) task.loading = 'none';
  else work.start(vcpu ? betweenRuns(task, vcpu) : outsideGuest(kvm));
  return true;
}

/** Nothing that could come before the entry is to be done: so it is for nearly every exit. */
function staysAsItIs(task: Task, vcpu: Vcpu): boolean {
  const { kvm, change, outside, cr3 } = task;
  return kvm.time.showsExits && change === 'none' && !outside && !cr3 && keepsRoots(kvm, vcpu) && !knownLocalRoot(task);
}

function* betweenRuns(task: Task, vcpu: Vcpu): Steps {
  if (knownLocalRoot(task)) {
    const flushes = task.change !== 'none';
    task.loading = task.change;
    task.change = 'none';
    if (task.outside) yield* outsideGuest(task.kvm);
    return yield* enterFromLocalRoot(task, vcpu, flushes);
  }
  if (!task.kvm.time.showsExits) return yield* unseenExits(task, vcpu);
  const { change, cr3 } = task;
  task.change = 'none';
  task.cr3 = undefined;
  if (cr3 && !task.outside) {
    task.loading = 'cr3';
    return yield* afterCr3(task.kvm, vcpu, cr3);
  }
  task.loading = change;
  if (task.outside) yield* outsideGuest(task.kvm);
  yield* beforeEntry(task.kvm, vcpu, change);
}

/** A fault or a walk is the first that one sees of an exit: user space may have run since the last. */
function leftUnseen(task: Task, event: EventIndex): void {
  inKvm(task, event);
  task.kvm.slotGeneration = undefined;
}

/** The guest may have run, and left for anything. */
function* unseenExits(task: Task, vcpu: Vcpu): Steps {
  const { kvm } = task;
  kvm.time.entered(vcpu.id);
  task.loading = 'unseen';
  kvm.slotGeneration = undefined;
  yield* atAnyTime(kvm, vcpu, (gfn) => task.pathOf(gfn));
}

function inKvm({ kvm, vcpu }: Task, event: EventIndex): void {
  if (vcpu) kvm.time.left(vcpu.id, event);
}

/**
 * The exit came while an event was being delivered to the guest: the bit "valid" of SVM's EXITINTINFO, or of VMX's IDT-vectoring
 * information [6.1 svm.c:svm_get_exit_info, vmx.c:vmx_get_exit_info].
 */
function delivers(table: EventTable, event: EventIndex, { deliverySlot }: ExitReason, { mmu }: Task): boolean {
  if (!table.has(event, deliverySlot)) return false;
  // Once delivered, the event is still named there, without the bit.
  const delivered = table.low(event, deliverySlot);
  return mmu.has('injected-until-entry') ? delivered !== 0 : delivered >>> EVENT_VALID === 1;
}
const EVENT_VALID = 31;
/** `rw` of kvm_cr: 0 is a read */
const CR_WRITE = 1;

/** A table that is cut off goes at once, and its entries after it. */
function tdpChanged({ table, pages, state }: Replayer, event: EventIndex, { kvm, work }: Task): void {
  const cut = tdpSpteChanged(kvm, {
    gfn: table.num(event, 0) as Gfn,
    before: table.word(event, 1),
    after: table.word(event, 2),
    level: table.num(event, 3),
  });
  if (cut !== NO_PAGE && pages.isLive(state, cut)) work.interrupt(prepareZap(kvm, cut));
}

/** A report's kvm_exit does not say whether it came in the middle of a delivery. */
function mayDeliver({ table }: Replayer, { injected }: Task): boolean {
  return injected && table.info.roles === 'partial';
}

/** The fault's way through the shadow pages, without guest tables for a direct MMU. */
function faulted(task: Task): void {
  const { pageFault, vcpu, work } = task;
  if (!pageFault || !vcpu) return;
  const { address, error } = pageFault;
  const direct = isDirect(task);
  if (!(error & PferrBit.reserved)) {
    if (direct) work.start(directPageFault(faultOf(task, true)!), undefined, 'pageFault');
    return;
  }
  const fault = faultOf(task, direct, address);
  if (fault) work.start(mmioThenMap(fault, direct), undefined, 'pageFault');
}

/** A stale MMIO SPTE is made anew by an ordinary fault; with paging that begins with a walk. */
function* mmioThenMap(fault: Fault, direct: boolean): Steps {
  const over = yield* mmioPageFault(fault, direct);
  if (!over && direct) yield* directPageFault(fault);
}

function isDirect({ vcpu, mmu }: Task): boolean {
  const root = vcpu!.firstRoot();
  return root !== undefined && roleField(mmu.pages.role(mmu.state, root), 'direct') === 1;
}

/** A guest walk has come to its end: the fault goes on, or the emulator's write. */
function walked(replay: Replayer, task: Task): void {
  const { walk, vcpu, work } = task;
  if (!walk || !vcpu) return;
  walkedFromLocalRoot(task);
  // A walk that ends at such an entry fails without P, and such a failure leaves everything as it is.
  if (walk.isUnderWay) return;
  const root = vcpu.rootFor(walk.page);
  const role = root === NO_PAGE ? undefined : task.mmu.pages.role(task.mmu.state, root);
  const control = role === undefined ? NO_ROLE : replay.guestControl(role);
  const judged = walkOutcome(walk, { control });
  // Where reserved bits or rights are not certain, a refusal is told by its kvm_mmu_walker_error, before anything of the fault.
  const outcome = judged.kind === 'unknown' && judged.why === 'reserved' ? judged.otherwise : judged;
  if (outcome.kind === 'incomplete' || (outcome.kind === 'unknown' && outcome.why !== 'permission')) return;
  if (outcome.kind === 'fault') {
    refused(task, outcome.error);
    return;
  }
  const gfn = walk.gfn;
  if (gfn === undefined) return;
  if (task.unprotecting) {
    work.start(unprotect(task.kvm, gfn));
    return;
  }
  if (!task.kvm.time.showsExits) return walkedForUnknownUse(task, gfn);
  if (task.emulating !== undefined) {
    if (walk.isWrite) emulatorWrites(task, gfn);
    return;
  }
  if (!task.walksForFault) return;
  const fault = faultOf(task, false);
  if (!fault?.walk) return;
  if (fault.error & PferrBit.write && (task.mmu.isTracked(gfn) || task.mmu.shadowsOf(gfn).length)) task.trackedWrite = gfn;
  // What no slot holds ends here without an event, where MMIO leaves nothing behind; whether one holds it no event has shown yet.
  const unsure = leavesNoMmio(task.mmu) && !task.kvm.host.isAbsent(gfn) && task.kvm.host.at(gfn) === undefined;
  // While an exception is delivered, another walk comes first.
  const reserve = task.mayBeReinjecting && !task.mmu.has('unprotect-after-fault') ? 'hidden-role' : unsure ? 'host-page' : undefined;
  work.start(faultInAnyClass(task, fault as ShadowFault), reserve, 'pageFault');
}

/** The walk failed; with P set the address is invalidated before the fault is injected. */
function refused(task: Task, error: number): void {
  if (!(error & PferrBit.present) || error & PferrBit.reserved || !task.walk || task.unprotecting) return;
  const fault = faultOf(task, false);
  if (fault?.walk) task.work.start(invalidate(fault as ShadowFault));
}

function emulated(task: Task): void {
  if (task.invalidating && task.vcpu) task.work.start(invalidateUnknown(task.kvm, task.vcpu));
  const { store } = task;
  if (!store || store.kind === 'cr-write' || store.kind === 'msr-write') {
    if (store?.cr === 3) task.change = 'cr3';
    return;
  }
  const gfn = task.trackedWrite;
  if (gfn !== undefined && !TABLE_WRITERS.has(store.op)) task.work.start(unprotect(task.kvm, gfn));
}

/** What a store makes of the old contents, as far as the instruction alone tells. */
function storedBy({ value, combine }: Store): Change {
  return (old) => value ?? (old === undefined ? undefined : combine?.(old));
}

function emulatorWrites(task: Task, gfn: Gfn): void {
  const { walk, kvm, work, store } = task;
  if (!store?.bytes || !store.tracked) return;
  const steps = trackWrite(kvm, gfn * 4096 + Number(walk!.address & 0xfffn), store.bytes, walk!.mode !== '32', storedBy(store), task.vcpu);
  work.start(steps, undefined, task.pageFault && 'pageFault');
}
