import type { Gfn } from '../engine/ids.js';
import { PferrBit } from '../engine/permission.js';
import type { Steps } from '../engine/announcement.js';
import { attempt } from '../engine/steps/attempt.js';
import { makeMmuPagesAvailable } from '../engine/steps/available.js';
import type { ShadowFault } from '../engine/steps/fault.js';
import { trackWrite } from '../engine/steps/trackWrite.js';
import { faultInAnyClass, faultOf } from './faultOf.js';
import type { Task } from './task.js';

/** From one store of an instruction to its next, bytes. */
const LONGEST_STEP = 16n;

/**
 * A walk of a trace without exits that found a translation: KVM made it for a fault, to fetch or carry out an instruction that it
 * emulates, or to look where a fault during the delivery of an event leads.
 */
export function walkedForUnknownUse(task: Task, gfn: Gfn): void {
  const { walk, kvm, work } = task;
  if (emulates(task)) {
    task.doubtOnlyEntry();
    if (walk!.isWrite) work.start(trackWrite(kvm, gfn * 4096 + Number(walk!.address & 0xfffn), undefined, walk!.mode !== '32'));
    return;
  }
  const fault = faultOf(task, false);
  if (!fault?.walk) return;
  if (walk!.isWrite && kvm.mmu.isTracked(gfn)) task.toEmulate = { address: walk!.address, fetched: false, wrote: false };
  // Whose walk it is may not be certain, and a notifier without an event may have made the fault start over.
  work.start(unlessLoad(task, fault as ShadowFault), undefined, 'pageFault');
}

/** Pages that are recycled may be so for the fault, or for the root load after an instruction that this walk fetched. */
function* unlessLoad(task: Task, fault: ShadowFault): Steps {
  yield* attempt(fault.kvm, makeMmuPagesAvailable(fault.kvm), 'no-kvm-events');
  yield* attempt(fault.kvm, faultInAnyClass(task, fault), 'no-kvm-events');
}

/** Whether a walk is certainly not the fault's own: it belongs to an instruction under emulation. */
function emulates(task: Task): boolean {
  const { walk, kvm, toEmulate } = task;
  if (kvm.time.showsFaults) return !task.walksForFault;
  if (!toEmulate) return false;
  if (walk!.error & PferrBit.present || (walk!.error & PferrBit.fetch && toEmulate.wrote)) {
    task.toEmulate = undefined;
    return false;
  }
  if (walk!.error & PferrBit.fetch) {
    toEmulate.fetched = true;
    return false;
  }
  // A string instruction goes on behind what it wrote last.
  const ahead = walk!.address - toEmulate.address;
  if (!toEmulate.fetched || ahead < 0n || ahead > (toEmulate.wrote ? LONGEST_STEP : 0n)) return false;
  if (walk!.isWrite) task.toEmulate = { address: walk!.address, fetched: true, wrote: true };
  return true;
}
