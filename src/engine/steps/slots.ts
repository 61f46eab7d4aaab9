import type { Steps } from '../announcement.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { zapAllFast } from './zap.js';

/**
 * A memory slot goes [6.1 x86.c:kvm_arch_flush_shadow_memslot]: everything is zapped by a flip of the generation; before there were
 * generations, what mapped its frames (spec/eras.md E13).
 */
export function* flushSlot(kvm: Kvm, first: Gfn, pages: number): Steps {
  if (kvm.mmu.has('generations')) yield* zapAllFast(kvm);
  else for (let gfn = first as number; gfn < first + pages; gfn++) dropLeaves(kvm, gfn as Gfn);
}

/** What the reverse map has for a frame goes [6.1 mmu.c:kvm_unmap_gfn_range]. */
export function dropLeaves({ mmu }: Kvm, gfn: Gfn): void {
  for (const { page, index } of [...mmu.leaves(gfn)]) mmu.clear(page, index);
}
