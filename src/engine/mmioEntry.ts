import type { Gfn } from './ids.js';
import type { Mmu } from './mmu.js';
import { makeMmioSpte, markedSpte } from './spte.js';

/**
 * What a guest frame without memory slot leaves in the SPTE that a fault came to (spec/fault.md §8): an MMIO SPTE of a memslot
 * generation; before there were any, a mark in an SPTE that is not present.
 */
export function mmioEntry(mmu: Mmu, gfn: Gfn, access: number, generation: number): bigint {
  return mmu.has('mmio-sptes') ? makeMmioSpte(mmu.format, gfn, access, generation) : markedSpte(mmu.format, gfn, access);
}

/** MMIO is emulated before the lock is taken, and leaves nothing behind (seed 003: 2.6.26 to 3.0). */
export function leavesNoMmio(mmu: Mmu): boolean {
  return mmu.has('mmio-decoupling') && !mmu.has('mmio-sptes');
}
