import type { Steps } from '../engine/announcement.js';
import { FaultPath } from '../engine/faultPath.js';
import { pageOf, type PagingMode } from '../engine/gpte.js';
import { NO_PAGE } from '../engine/ids.js';
import { roleField } from '../engine/role.js';
import { invalidate } from '../engine/steps/invalidate.js';
import { GuestWalk } from '../engine/walk.js';
import type { Task } from './task.js';

/** INVLPG of an address that the exit gives, below the root in use and each cached one [6.1 mmu.c:kvm_mmu_invlpg]. */
export function* invalidateKnown(task: Task, address: bigint): Steps {
  const { kvm, mmu, vcpu } = task;
  const mode = modeOf(task);
  if (!vcpu || !mode) return;
  vcpu.mmio.clear(address);
  const page = pageOf(mode, address);
  const roots = vcpu.shape() === 'single' ? [...vcpu.roots(), ...vcpu.previousRoots()] : [vcpu.rootFor(page)];
  for (const root of roots) {
    if (root === NO_PAGE) continue;
    const walk = new GuestWalk(address, 0, mode);
    const path = new FaultPath(mmu, vcpu, walk, page);
    path.isAt(vcpu.rootLevel(), root);
    yield* invalidate({ kvm, vcpu, path, walk, address, error: 0 });
  }
}

/** Of the guest's tables, by the root's role; undefined without paging. */
function modeOf({ mmu, vcpu }: Task): PagingMode | undefined {
  const root = vcpu?.firstRoot();
  if (root === undefined || roleField(mmu.pages.role(mmu.state, root), 'direct')) return undefined;
  if (roleField(mmu.pages.role(mmu.state, root), 'has4ByteGpte')) return '32';
  const level = vcpu!.rootLevel();
  return level >= 5 ? '5-level' : level === 4 ? '4-level' : 'pae';
}
