import { NO_PAGE, type PageId } from '../engine/ids.js';
import { Life } from '../engine/pages.js';
import { roleField, withRole } from '../engine/role.js';
import { Kind } from '../trace/vocabulary.js';
import type { PageRecord } from './pageMatch.js';
import type { Task } from './task.js';

/**
 * The page that must come first among the live ones that differ from a record in nothing but the quadrant; {@link NO_PAGE} where the
 * kernel's order is not known. KVM takes the pages of a gfn in the order of its lists:
 *
 * - unsync: the hash bucket, newest first, those that are sync [6.1 mmu.c:mmu_try_to_unsync_pages];
 * - sync: only pages that are unsync;
 * - the last zap of zapped roots: the slots of the vCPU's PDPT [6.1 mmu.c:kvm_mmu_free_roots];
 * - obsolete pages: the tail of the active list, hence the oldest first [6.1 mmu.c:kvm_zap_obsolete_pages].
 */
export function firstInOrder(kind: Kind, record: PageRecord, task: Task, mask: number): PageId {
  const { pages, state } = task.mmu;
  const wanted = withRole(record.role, { quadrant: 0, invalid: 0 });
  const siblings = task.mmu
    .livePages(record.gfn)
    .filter((id) => ((withRole(pages.role(state, id), { quadrant: 0, invalid: 0 }) ^ wanted) & mask) === 0)
    .filter((id) => pages.isUnsync(state, id) === record.unsync);
  switch (kind) {
    case Kind.unsyncPage:
      return siblings.findLast((id) => isValid(task, id)) ?? NO_PAGE;
    case Kind.syncPage:
      return siblings.length === 1 ? siblings[0]! : NO_PAGE;
    case Kind.prepareZap:
      return firstZapped(record, task, siblings);
    default:
      return NO_PAGE;
  }
}

function firstZapped(record: PageRecord, task: Task, siblings: readonly PageId[]): PageId {
  const { pages, state } = task.mmu;
  if (roleField(record.role, 'invalid')) {
    const slots = task.vcpu?.roots() ?? [];
    return (
      slots.find((id) => pages.life(state, id) === Life.pinned && pages.rootCount(state, id) === 1 && siblings.includes(id)) ?? NO_PAGE
    );
  }
  // An unsync page goes with its parent, out of turn.
  const obsolete = siblings.filter((id) => pages.life(state, id) === Life.active && !isValid(task, id));
  return record.unsync || obsolete.length === 0 ? NO_PAGE : obsolete[0]!;
}

function isValid(task: Task, id: PageId): boolean {
  const { pages, state } = task.mmu;
  return pages.life(state, id) === Life.active && pages.birth(id).generation === task.mmu.generation();
}
