import type { Steps } from '../announcement.js';
import type { Gfn, PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Mmu } from '../mmu.js';
import { prepareZap } from './zap.js';

/** [6.1 mmu.c:kvm_mmu_unprotect_page]: an instruction that is no page-table write is let run after all shadows of its target are gone. */
export function* unprotect(kvm: Kvm, gfn: Gfn): Steps {
  const { trail } = kvm.mmu;
  const call = trail?.enter('unprotect', gfn);
  const shadows = kvm.mmu.shadowsOf(gfn);
  for (const [i, page] of shadows.entries()) yield* prepareZap(kvm, page, { next: shadows[i + 1] });
  trail?.leave(call!);
}

/**
 * [2.6.24 mmu.c:mmu_unshadow]: what a user writes to is taken for no page table any more. A root in use stays one, and so does what the
 * write itself goes through, for a table that maps itself; the write is then emulated.
 *
 * @param through the page that the SPTE of the write is in
 */
export function* unshadow(kvm: Kvm, gfn: Gfn, through: PageId): Steps {
  const { pages, state } = kvm.mmu;
  const kept = withAncestors(kvm.mmu, through);
  for (const page of kvm.mmu.shadowsOf(gfn)) if (pages.rootCount(state, page) === 0 && !kept.has(page)) yield* prepareZap(kvm, page);
}

/** A page, and all from which SPTEs lead to it. */
function withAncestors(mmu: Mmu, page: PageId, found = new Set<PageId>()): Set<PageId> {
  if (found.has(page)) return found;
  found.add(page);
  for (const parent of mmu.parents(page)) withAncestors(mmu, parent.page, found);
  return found;
}
