import { ACC_ALL, roleField } from '../role.js';
import { Trust } from '../entry.js';
import { NO_PAGE, type PageId, type Role } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { LOCAL_LEVEL, allocLocalPage } from '../localPages.js';
import type { Vcpu } from '../vcpu.js';
import type { Fault } from './fault.js';

/** [RFC mmu.c:mmu_alloc_root] of a local page: the root is there, with nothing below it. No event shows it. */
export function allocLocalRoot(kvm: Kvm, vcpu: Vcpu, role: Role): PageId {
  const call = kvm.mmu.trail?.enter('allocLocalPage', NO_PAGE, role);
  const page = allocLocalPage(kvm.mmu, role, roleField(role, 'level'), (local) => kvm.localFrame(vcpu.id, local));
  kvm.mmu.trail?.leave(call!, page);
  vcpu.setRoot(0, page, 1, Trust.derived);
  return page;
}

/** The way of an address goes on through a local page: above the guest's own tables. */
export function isAboveGuest({ mmu }: Kvm, level: number, parent: PageId): boolean {
  return level >= LOCAL_LEVEL && mmu.pages.isLocal(parent);
}

/**
 * [RFC mmu.c:kvm_mmu_get_page] for a level at which the guest has no table: a local page, linked on demand, untraced. Rights are all,
 * and the quadrant is 0.
 */
export function getLocalChild({ kvm, vcpu, path }: Fault, parent: PageId, level: number): void {
  if (path.at(level) !== NO_PAGE) return;
  const role = kvm.mmu.childRole(parent, path.indexAt(level + 1), false, ACC_ALL);
  const call = kvm.mmu.trail?.enter('allocLocalPage', NO_PAGE, role);
  const child = allocLocalPage(kvm.mmu, role, vcpu.rootLevel(), (local) => kvm.localFrame(vcpu.id, local));
  kvm.mmu.trail?.leave(call!, child);
  path.took(level, child, false, Trust.derived);
}
