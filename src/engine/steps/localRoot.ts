import { Output, type Steps } from '../announcement.js';
import { Trust } from '../entry.js';
import { NO_PAGE, type PageId, type Role } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { LOCAL_LEVEL, allocLocalPage } from '../localPages.js';
import { ACC_ALL, roleField, withRole } from '../role.js';
import type { Vcpu } from '../vcpu.js';
import type { Fault, ShadowFault } from './fault.js';
import { announcePage, findPage } from './getPage.js';

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

/**
 * The first page directory below a local root whose CR3 no event shows: it tells the table that CR3 leads to. Answers whether a page was
 * taken.
 */
export function* getUnknownDirectory({ kvm, path, walk }: ShadowFault, parent: PageId, level: number): Steps<boolean> {
  if (path.at(level) !== NO_PAGE) return false;
  const role = path.childRole(level, false, walk.tableAccess(level));
  const came = yield {
    output: Output.getPage,
    page: NO_PAGE,
    fields: { gfn: undefined, role, generation: kvm.mmu.generation(), rootCount: undefined, unsync: undefined },
    parent,
    index: path.indexAt(level + 1),
    open: ['root'],
    settle: (gfn, its) => announcePage(kvm, findPage(kvm, gfn, withHidden(its, role)), gfn, its, {}).fields,
  };
  if (came) walk.topGfn = kvm.mmu.pages.birth(came.page).gfn;
  return came !== undefined;
}

/** The role of a record with what text does not print of it. */
function withHidden(recorded: Role, asked: Role): Role {
  return withRole(recorded, {
    hidden: roleField(asked, 'hidden'),
    guest_mode: roleField(asked, 'guest_mode'),
    smm: roleField(asked, 'smm'),
  });
}
