import type { Gfn } from './ids.js';
import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE } from './role.js';

/**
 * Entries of the guest's own page tables (spec/fault.md §2.1). KVM compiles its walker three times [6.1 paging_tmpl.h]: for 4-byte
 * entries, for the 8-byte ones of PAE and long mode, and for the EPT that a guest hypervisor makes.
 */

/** How the guest's own tables are laid out. */
export type PagingMode = '32' | 'pae' | '4-level' | '5-level' | 'ept-4-level' | 'ept-5-level';

/** What all entries of a mode have in common. */
interface GpteFormat {
  /** level of the table that CR3 (or the EPTP) leads to; for PAE that of the four PDPTEs, which are read from registers */
  readonly topLevel: number;
  readonly bytes: 4 | 8;
  /** address bits that pick an entry of one table */
  readonly indexBits: number;
  readonly addressBits: number;
  readonly accessed: bigint;
  readonly dirty: bigint;
  /** highest level at which bit 7 means a large page */
  readonly largestLeaf: number;
}

const IA32: GpteFormat = {
  topLevel: 2,
  bytes: 4,
  indexBits: 10,
  addressBits: 32,
  accessed: 1n << 5n,
  dirty: 1n << 6n,
  largestLeaf: 2,
};
const PAE: GpteFormat = { ...IA32, topLevel: 3, bytes: 8, indexBits: 9 };
const LONG_4: GpteFormat = { ...PAE, topLevel: 4, addressBits: 48, largestLeaf: 3 };
const LONG_5: GpteFormat = { ...LONG_4, topLevel: 5, addressBits: 57 };
const EPT_4: GpteFormat = { ...LONG_4, accessed: 1n << 8n, dirty: 1n << 9n };
const EPT_5: GpteFormat = { ...EPT_4, topLevel: 5, addressBits: 57 };

/** By comparison: '32' as the key of an object is the index of an element, and slow to look up. */
function formatOf(mode: PagingMode): GpteFormat {
  switch (mode) {
    case '32':
      return IA32;
    case 'pae':
      return PAE;
    case '4-level':
      return LONG_4;
    case '5-level':
      return LONG_5;
    case 'ept-4-level':
      return EPT_4;
    case 'ept-5-level':
      return EPT_5;
  }
}

/** By level; a walk may be asked about the level above the topmost. */
const LEVELS = Array.from({ length: 8 }, (_, level) => level);
const MAPPED_BY_4_BYTES = LEVELS.map((level) => 2 ** (10 * (level - 1)));
const MAPPED_BY_8_BYTES = LEVELS.map((level) => 2 ** (9 * (level - 1)));

const PAGE_SHIFT = 12;
const PAGE_BYTES = 4096;
const PDPTE_LEVEL = 3;

/** The mode of a walk that reads its first entry at a level; a guest hypervisor's EPT looks like long mode here. */
export function modeOfTopLevel(level: number): PagingMode {
  return level === 2 ? '32' : level === 3 ? 'pae' : level === 4 ? '4-level' : '5-level';
}

export function isEpt(mode: PagingMode): boolean {
  return mode === 'ept-4-level' || mode === 'ept-5-level';
}

/** Level of the first entry of a walk. */
export function topLevel(mode: PagingMode): number {
  return formatOf(mode).topLevel;
}

/** Size of an entry, bytes. */
export function gpteBytes(mode: PagingMode): 4 | 8 {
  return formatOf(mode).bytes;
}

/** A PAE PDPTE comes from a register, and has neither rights nor accessed and dirty bits. */
export function isPdpte(mode: PagingMode, level: number): boolean {
  return mode === 'pae' && level === PDPTE_LEVEL;
}

/**
 * The halves of a guest entry, as numbers: a replay reads millions of entries, and a bigint is an object with memory of its own. What is
 * asked of an entry in a hot place is asked of its halves; the functions of bigints below go by those.
 */
export function lowHalf(gpte: bigint): number {
  return Number(BigInt.asUintN(32, gpte));
}
export function highHalf(gpte: bigint): number {
  return Number(BigInt.asUintN(32, gpte >> 32n));
}

/** Bits 51..32 of an entry of 8 bytes: the high part of its frame's address. */
const HIGH_FRAME = 0xf_ffff;
const HIGH_FRAME_UNIT = 2 ** 20;
const LARGE = 1 << 7;

/** As {@link isPresentGpte}. */
export function isPresentHalf(mode: PagingMode, low: number): boolean {
  return (low & (isEpt(mode) ? 7 : 1)) !== 0;
}

/** As {@link hasPageSizeBit}. */
export function isLargeHalf(mode: PagingMode, level: number, low: number): boolean {
  return level > 1 && level <= formatOf(mode).largestLeaf && (low & LARGE) !== 0;
}

/** As {@link gpteFrame}. */
export function frameOfHalves(mode: PagingMode, low: number, high: number): Gfn {
  return (mode === '32' ? low >>> PAGE_SHIFT : (high & HIGH_FRAME) * HIGH_FRAME_UNIT + (low >>> PAGE_SHIFT)) as Gfn;
}

/** As {@link gpteAccess}. */
export function accessOfHalves(mode: PagingMode, low: number, high: number): number {
  if (isEpt(mode)) return ACC_READ | (low & 1 ? ACC_USER : 0) | (low & 2 ? ACC_WRITE : 0) | (low & 4 ? ACC_EXEC : 0);
  const exec = mode === '32' || high >>> 31 === 0 ? ACC_EXEC : 0;
  return ACC_READ | (low & 2 ? ACC_WRITE : 0) | (low & 4 ? ACC_USER : 0) | exec;
}

/** As {@link translatedGfn}, of a page as {@link pageOf} counts. */
export function translatedByHalves(mode: PagingMode, level: number, low: number, high: number, page: number): Gfn {
  const mapped = pagesMapped(mode, level);
  const frame = frameOfHalves(mode, low, high);
  const pse36 = mode === '32' && level === 2 ? ((low >>> 13) & 0xf) * HIGH_FRAME_UNIT : 0;
  return (frame - (frame % mapped) + pse36 + (page % mapped)) as Gfn;
}

/** As {@link gpteGpa}, of a page as {@link pageOf} counts. */
export function gpaOfEntry(mode: PagingMode, tableGfn: Gfn, page: number, level: number): number {
  return tableGfn * PAGE_BYTES + gpteIndex(mode, page, level) * formatOf(mode).bytes;
}

/** Index of the entry for a page, as {@link pageOf} counts, in a guest table of a level. */
export function gpteIndex(mode: PagingMode, page: number, level: number): number {
  const entries = isPdpte(mode, level) ? 4 : 1 << formatOf(mode).indexBits;
  return Math.floor(page / pagesMapped(mode, level)) % entries;
}

/** Address >> 12, within the address space of the mode: canonical addresses lose their sign. */
export function pageOf(mode: PagingMode, address: bigint): number {
  return Number(BigInt.asUintN(formatOf(mode).addressBits, address) >> 12n);
}

/** Guest pages (4 KiB each) that an entry of a level maps: a 4-byte entry of level 2 maps 1024. */
export function pagesMapped(mode: PagingMode, level: number): number {
  return formatOf(mode).indexBits === 10 ? MAPPED_BY_4_BYTES[level]! : MAPPED_BY_8_BYTES[level]!;
}

/**
 * Guest physical address of an address's entry in the table at a gfn, bytes. Not for PDPTEs: their table need not begin at a page,
 * and KVM reads registers instead.
 */
export function gpteGpa(mode: PagingMode, tableGfn: Gfn, address: bigint, level: number): bigint {
  return BigInt(gpaOfEntry(mode, tableGfn, pageOf(mode, address), level));
}

export function isPresentGpte(mode: PagingMode, gpte: bigint): boolean {
  return isPresentHalf(mode, lowHalf(gpte));
}

/** Mask of the accessed bit; EPT has one only where the EPTP turns it on. */
export function accessedMask(mode: PagingMode, eptAd = true): bigint {
  return isEpt(mode) && !eptAd ? 0n : formatOf(mode).accessed;
}

/** Mask of the dirty bit; EPT has one only where the EPTP turns it on. */
export function dirtyMask(mode: PagingMode, eptAd = true): bigint {
  return isEpt(mode) && !eptAd ? 0n : formatOf(mode).dirty;
}

/** Whether bit 7 is set in an entry of a level that may be a large page; with 4-byte entries it counts only under CR4.PSE. */
export function hasPageSizeBit(mode: PagingMode, level: number, gpte: bigint): boolean {
  return isLargeHalf(mode, level, lowHalf(gpte));
}

/**
 * Whether a walk ends at an entry with this low half [6.1 mmu.c:is_last_gpte]; with 4-byte entries bit 7 counts only under CR4.PSE.
 *
 * @param pse CR4.PSE; undefined where it is not known
 * @returns undefined where CR4.PSE decides and is not known
 */
export function isLastGpte(mode: PagingMode, level: number, low: number, pse: boolean | undefined): boolean | undefined {
  if (level === 1) return true;
  if (!isLargeHalf(mode, level, low)) return false;
  return mode === '32' ? pse : true;
}

/** The gfn of the table that an entry leads to. */
export function gpteFrame(mode: PagingMode, gpte: bigint): Gfn {
  return frameOfHalves(mode, lowHalf(gpte), highHalf(gpte));
}

/** The gfn that an address translates to through a last entry; PSE-36 puts bits 35..32 of the address into bits 16..13 of a 4 MiB entry. */
export function translatedGfn(mode: PagingMode, level: number, gpte: bigint, address: bigint): Gfn {
  return translatedByHalves(mode, level, lowHalf(gpte), highHalf(gpte), pageOf(mode, address));
}

/**
 * Rights of a guest entry [6.1 paging_tmpl.h:gpte_access]: X = not NX, W and U as stored. An EPT entry's "readable" goes into U, since
 * a reading guest is what U stands for there. R is set always, as on kernels that have no such bit.
 */
export function gpteAccess(mode: PagingMode, gpte: bigint): number {
  return accessOfHalves(mode, lowHalf(gpte), highHalf(gpte));
}
