import type { Steps } from '../announcement.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
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
 * [2.6.24 mmu.c:mmu_unshadow]: what a user writes to is taken for no page table any more. A root in use stays one, and the write to it
 * is emulated.
 */
export function* unshadow(kvm: Kvm, gfn: Gfn): Steps {
  const { pages, state } = kvm.mmu;
  for (const page of kvm.mmu.shadowsOf(gfn)) if (pages.rootCount(state, page) === 0) yield* prepareZap(kvm, page);
}
