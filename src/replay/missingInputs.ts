import { BEFORE_FIRST } from '../engine/ids.js';
import type { Reason } from '../engine/reasons.js';
import { Cause } from '../engine/unseen.js';
import type { TraceInfo } from '../trace/info.js';
import type { Task } from './task.js';

/**
 * Why what contradicts an announcement may be due to inputs that the trace lacks, and not to the kernel; undefined when all of them
 * are there. Such a contradiction is no finding.
 */
export function missingInputs({ mmu, kvm, vcpu }: Task, roles: TraceInfo['roles']): Reason | undefined {
  if (mmu.unseen.last(mmu.state, Cause.lost) !== BEFORE_FIRST) return 'lost';
  if (mmu.incomplete) return 'mid-life';
  // One of several pages was zapped, synced or unsynced, and the trace does not say which.
  if (roles === 'partial' && mmu.ambiguous) return 'hidden-role';
  if (kvm.time.showsExits) return undefined;
  // Another task takes the VM down: what the vCPUs did to their roots before does not show.
  if (!vcpu) return 'no-kvm-events';
  // A guest with a single root may go over to a cached one at any time, and nothing tells.
  if (vcpu.shape() === 'single') return 'root';
  if (mmu.ambiguous || kvm.hidden?.several) return 'hidden-role';
  // What another vCPU does to the roots in between has no event either.
  return kvm.vcpus.length > 1 ? 'no-kvm-events' : undefined;
}
