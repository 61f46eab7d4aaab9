import type { Gfn, PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Vcpu } from '../vcpu.js';
import type { Fault } from './fault.js';

/** Writes to a table until it is taken for something else */
const FLOODED = 3;

/** A guest write counts. Answers whether the vCPU writes to this gfn for the third time in a row; for kernels that count by vCPU. */
export function isFloodingGfn({ mmu }: Kvm, vcpu: Vcpu | undefined, gfn: Gfn): boolean {
  if (mmu.has('flood-per-page') || !vcpu) return false;
  const { gfn: last, count } = vcpu.lastWrite();
  const writes = last === gfn ? count + 1 : 1;
  vcpu.setLastWrite(gfn, writes);
  return writes >= FLOODED;
}

/** [6.1 mmu.c:detect_write_flooding]: the same by page, for those of level 2 and up; walking through a page begins anew. */
export function isFlooded({ mmu }: Kvm, page: PageId): boolean {
  const { pages, state, trail } = mmu;
  if (pages.level(page) === 1 || !mmu.has('flood-per-page')) return false;
  const call = trail?.enter('flooding', page);
  const count = pages.writeFlooding(state, page) + 1;
  pages.setWriteFlooding(state, page, count);
  trail?.leave(call!, count >= FLOODED ? 1 : 0);
  return count >= FLOODED;
}

/** A fault of the guest that is no write to a guest table begins the vCPU's count anew ("fork detector", spec/ptewrite.md §3.3). */
export function beginsCountAnew({ kvm: { mmu }, vcpu }: Pick<Fault, 'kvm' | 'vcpu'>): void {
  if (!mmu.has('flood-per-page')) vcpu.setLastWrite(undefined, 0);
}
