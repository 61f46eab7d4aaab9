import type { Gfn, Pfn } from './ids.js';

/**
 * SPTE bits (spec/spte.md). One format serves a whole module: shadow paging and AMD NPT use the x86 long-mode entry ("PT64"), Intel
 * TDP and nested EPT the EPT entry.
 */
export interface SpteFormat {
  readonly name: 'pt64' | 'ept';
  readonly present: bigint;
  readonly writable: bigint;
  readonly user: bigint;
  readonly accessed: bigint;
  readonly dirty: bigint;
  readonly hostWritable: bigint;
  readonly mmuWritable: bigint;
  /** marks an SPTE as present for the MMU; 0 before 5.13, which has no such bit */
  readonly mmuPresent: bigint;
  /** what an MMIO SPTE has in the bits of `mmioMask` */
  readonly mmioValue: bigint;
  readonly mmioMask: bigint;
  /** what KVM adds to the child's frame in a link [6.1 spte.c:make_nonleaf_spte] */
  readonly link: bigint;
}

export const PAGE_SIZE_BIT = 1n << 7n;
export const NX = 1n << 63n;
/** bits 12..51 */
export const FRAME_MASK = 0x000f_ffff_ffff_f000n;

const MMU_PRESENT = 1n << 11n;
const MMIO_BIT = 1n << 51n;

export const PT64: SpteFormat = {
  name: 'pt64',
  present: 1n,
  writable: 2n,
  user: 4n,
  accessed: 1n << 5n,
  dirty: 1n << 6n,
  hostWritable: 1n << 9n,
  mmuWritable: 1n << 10n,
  mmuPresent: MMU_PRESENT,
  mmioValue: MMIO_BIT | 1n,
  mmioMask: MMIO_BIT | MMU_PRESENT | 1n,
  link: 0x827n,
};

/** Before 5.13: software bits one higher, no MMU-present bit, MMIO marked in bits 51..53 (as recorded on 5.10). */
export const PT64_5_10: SpteFormat = {
  ...PT64,
  hostWritable: 1n << 10n,
  mmuWritable: 1n << 11n,
  mmuPresent: 0n,
  mmioValue: (7n << 51n) | 1n,
  mmioMask: (7n << 51n) | 1n,
  link: 0x27n,
};

export const EPT: SpteFormat = {
  name: 'ept',
  present: 7n,
  writable: 2n,
  user: 1n,
  accessed: 1n << 8n,
  dirty: 1n << 9n,
  hostWritable: 1n << 57n,
  mmuWritable: 1n << 58n,
  mmuPresent: MMU_PRESENT,
  mmioValue: 6n,
  mmioMask: 7n | MMU_PRESENT,
  link: 0x907n,
};

/** The format of a kernel, by its version ("5.10", "6.1" …); an unknown one is taken for a current one. */
export function spteFormatOf(kernel: string): SpteFormat {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 0 && (major < 5 || (major === 5 && minor < 13)) ? PT64_5_10 : PT64;
}

/** Frame that an SPTE points to: a page of the guest for a leaf, a shadow page for a link. */
export function spteFrame(spte: bigint): Pfn {
  return Number((spte & FRAME_MASK) >> 12n) as Pfn;
}

export function frameBits(frame: Pfn): bigint {
  return BigInt(frame) << 12n;
}

/** Guest pages (4 KiB each) that a leaf at a level maps: 512^(level-1). */
export function pagesPerEntry(level: number): number {
  return 512 ** (level - 1);
}

/** Index of an address's SPTE in a shadow page of a level. `page` is the address >> 12. */
export function spteIndexOf(page: number, level: number): number {
  return Math.floor(page / pagesPerEntry(level)) % 512;
}

/** A PT64 MMIO SPTE: gfn, access and the memslot generation [6.1 spte.c:make_mmio_spte]; spec/spte.md §4. */
export function makeMmioSpte(format: SpteFormat, gfn: Gfn, access: number, generation: number): bigint {
  const gen = BigInt(generation);
  return format.mmioValue | (BigInt(gfn) << 12n) | BigInt(access) | ((gen & 0xffn) << 3n) | ((gen >> 8n) << MMIO_GEN_HIGH);
}
const MMIO_GEN_HIGH = 52n;

export function isMmioSpte(format: SpteFormat, spte: bigint): boolean {
  return (spte & format.mmioMask) === format.mmioValue;
}

/** The memslot generation in an MMIO SPTE, 19 bits [6.1 spte.h:get_mmio_spte_generation]. */
export function mmioSpteGeneration(spte: bigint): number {
  return Number(((spte >> 3n) & 0xffn) | (((spte >> MMIO_GEN_HIGH) & 0x7ffn) << 8n));
}
