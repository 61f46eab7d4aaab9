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
