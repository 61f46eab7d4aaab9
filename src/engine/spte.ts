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
  /** access bits that an MMIO SPTE keeps, in the places of {@link writable} and {@link user} */
  readonly mmioAccess: bigint;
  /** of an MMIO SPTE's generation: width of its low part, which begins at bit 3, and lowest bit and width of its high part */
  readonly mmioGeneration: { readonly low: bigint; readonly highAt: bigint; readonly high: bigint };
  /** set in an SPTE that may be executed; 0 where NX says the opposite */
  readonly executable: bigint;
  /** set in an SPTE that may not be executed; 0 where there is no such bit */
  readonly noExec: bigint;
  /** bits cleared to notice accesses where the host has no accessed bit; R and X are saved from bit 54 on */
  readonly accessTrack: bigint;
  /** what every leaf has (2.6.x) */
  readonly always?: bigint;
  /** copies of the guest entry's W and U (to 2.6.22) */
  readonly guestWritable?: bigint;
  readonly guestUser?: bigint;
  /** an SPTE marked as MMIO has the guest's address (to 2.6.24) */
  readonly markHasAddress?: boolean;
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
  mmioAccess: 6n,
  mmioGeneration: { low: 8n, highAt: 52n, high: 11n },
  executable: 0n,
  noExec: NX,
  accessTrack: 0n,
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
  mmioGeneration: { low: 9n, highAt: 54n, high: 9n },
  link: 0x27n,
};

/** From 7.0 on: bit 10 is no longer free for the generation of an MMIO SPTE (as recorded on 7.2). */
export const PT64_7: SpteFormat = { ...PT64, mmioGeneration: { low: 7n, highAt: 52n, high: 11n } };

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
  mmioAccess: 0n,
  mmioGeneration: { low: 8n, highAt: 52n, high: 11n },
  executable: 4n,
  noExec: 0n,
  accessTrack: 7n,
  link: 0x907n,
};

/** The format of a kernel, by its version ("5.10", "6.1" …); an unknown one is taken for a current one. */
export function spteFormatOf(kernel: string): SpteFormat {
  let format = formats.get(kernel);
  if (!format) formats.set(kernel, (format = formatOfVersion(kernel)));
  return format;
}

/** Views ask for the format with every SPTE. */
const formats = new Map<string, SpteFormat>();

function formatOfVersion(kernel: string): SpteFormat {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  if (major >= 7) return PT64_7;
  return major > 0 && (major < 5 || (major === 5 && minor < 13)) ? PT64_5_10 : PT64;
}

/** Frame that an SPTE points to: a page of the guest for a leaf, a shadow page for a link. */
export function spteFrame(spte: bigint): Pfn {
  return Number((spte & FRAME_MASK) >> 12n) as Pfn;
}

export function frameBits(frame: Pfn): bigint {
  return BigInt(frame) << 12n;
}

const PAGES_PER_ENTRY = [0, 1, 2, 3, 4, 5].map((level) => 512 ** (level - 1));

/** Guest pages (4 KiB each) that a leaf at a level maps: 512^(level-1). */
export function pagesPerEntry(level: number): number {
  return PAGES_PER_ENTRY[level] ?? 512 ** (level - 1);
}

/** Index of an address's SPTE in a shadow page of a level. `page` is the address >> 12. */
export function spteIndexOf(page: number, level: number): number {
  return Math.floor(page / pagesPerEntry(level)) % 512;
}

/** Lowest bit of the generation's low part. */
const GENERATION_AT = 3n;
/** Five bits: on a host that is open to L1TF these bits of the address move up, and ones stand in their places. */
const L1TF_BITS = 5n;

export interface MmioSpte {
  readonly gfn: Gfn;
  /** ACC_WRITE and ACC_USER, as far as the format keeps them */
  readonly access: number;
  /** memslot generation: 19 bits, 18 before 5.13 and from 7.0 on */
  readonly generation: number;
}

function ones(width: bigint): bigint {
  return (1n << width) - 1n;
}

/**
 * An MMIO SPTE: not present for the CPU, so that every access ends in KVM, and holding what KVM needs to emulate it ([6.1 spte.c:
 * make_mmio_spte]; spec/spte.md §4).
 *
 * @param access of the mapping, ACC_* bits; those that the format does not keep are dropped
 * @param generation of the memslots; what is beyond the format's width is dropped
 * @param l1tfMask the five highest bits of a physical address that such a host has; 0 for hosts that L1TF does not reach
 */
export function makeMmioSpte(format: SpteFormat, gfn: Gfn, access: number, generation: number, l1tfMask = 0n): bigint {
  const { low, high, highAt } = format.mmioGeneration;
  const number = BigInt(generation);
  const address = BigInt(gfn) << 12n;
  return (
    format.mmioValue |
    (address | l1tfMask) |
    ((address & l1tfMask) << L1TF_BITS) |
    (BigInt(access) & format.mmioAccess) |
    ((number & ones(low)) << GENERATION_AT) |
    (((number >> low) & ones(high)) << highAt)
  );
}

/** PT_SHADOW_IO_MARK */
const IO_MARK = 1n << 9n;

/** Before MMIO SPTEs: a mark in an SPTE that is not present (spec/fault.md §8.1). */
export function markedSpte(format: SpteFormat, gfn: Gfn, access: number): bigint {
  if (!format.markHasAddress) return IO_MARK;
  return IO_MARK | (format.always ?? 0n) | (BigInt(access) & format.user) | (BigInt(gfn) << 12n);
}

export function isMmioSpte(format: SpteFormat, spte: bigint): boolean {
  return (spte & format.mmioMask) === format.mmioValue;
}

/** What an MMIO SPTE says. Only for one that is: {@link isMmioSpte}. */
export function readMmioSpte(format: SpteFormat, spte: bigint, l1tfMask = 0n): MmioSpte {
  const { low, high, highAt } = format.mmioGeneration;
  // Bits of the high part and of the mark itself do not belong to the address.
  const frame = FRAME_MASK & ~format.mmioValue & ~(ones(high) << highAt);
  const address = (spte & frame & ~l1tfMask & ~(l1tfMask << L1TF_BITS)) | ((spte >> L1TF_BITS) & l1tfMask);
  return {
    gfn: Number(address >> 12n) as Gfn,
    access: Number(spte & format.mmioAccess),
    generation: Number(((spte >> GENERATION_AT) & ones(low)) | (((spte >> highAt) & ones(high)) << low)),
  };
}
