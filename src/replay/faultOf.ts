import type { Fault } from '../engine/steps/fault.js';
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
