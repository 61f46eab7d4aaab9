import type { Steps } from '../engine/announcement.js';
import { FaultPath } from '../engine/faultPath.js';
import { inAnyClass } from '../engine/steps/anyClass.js';
import type { Fault, ShadowFault } from '../engine/steps/fault.js';
import { shadowPageFault } from '../engine/steps/fetch.js';
import type { Task } from './task.js';

/** The fault that a task is in, with its way through the shadow pages. */
export function faultOf(task: Task, direct: boolean, address = task.pageFault?.address ?? task.walk?.address): Fault | undefined {
  const { kvm, vcpu, walk, pageFault } = task;
  if (!vcpu || address === undefined) return undefined;
  const path = direct ? task.pathOf(Number(address >> 12n)) : walk && !walk.empty ? task.pathOf() : task.pathTo(address);
  if (!path) return undefined;
  const error = pageFault?.error ?? walk?.error ?? 0;
  return { kvm, vcpu, path, walk: direct ? undefined : walk, address, error };
}

/** The fault, below the root in use; in text that may be one of several that look alike. */
export function faultInAnyClass(task: Task, fault: ShadowFault): Steps<unknown> {
  if (fault.vcpu.otherClasses.length === 0) return shadowPageFault(fault);
  const { kvm, vcpu, walk } = fault;
  return inAnyClass(kvm, vcpu, () => {
    const path = new FaultPath(kvm.mmu, vcpu, walk, walk.page);
    // The next walk may have begun by the time that this one turns out to have led to nothing.
    if (task.walk === walk) task.path = path;
    return shadowPageFault({ ...fault, path });
  });
}
