import type { Gfn } from './ids.js';
import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE } from './role.js';
import { NX, PAGE_SIZE_BIT } from './spte.js';

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
  /** an entry with any of these bits is present */
  readonly present: bigint;
  readonly accessed: bigint;
  readonly dirty: bigint;
  /** bits of the frame's physical address */
  readonly frame: bigint;
  /** highest level at which bit 7 means a large page */
  readonly largestLeaf: number;
}

const IA32: GpteFormat = {
  topLevel: 2,
  bytes: 4,
  indexBits: 10,
  addressBits: 32,
  present: 1n,
  accessed: 1n << 5n,
  dirty: 1n << 6n,
  frame: 0xffff_f000n,
  largestLeaf: 2,
};
const PAE: GpteFormat = { ...IA32, topLevel: 3, bytes: 8, indexBits: 9, frame: 0x000f_ffff_ffff_f000n };
const LONG_4: GpteFormat = { ...PAE, topLevel: 4, addressBits: 48, largestLeaf: 3 };
const LONG_5: GpteFormat = { ...LONG_4, topLevel: 5, addressBits: 57 };
const EPT_4: GpteFormat = { ...LONG_4, present: 7n, accessed: 1n << 8n, dirty: 1n << 9n };
const EPT_5: GpteFormat = { ...EPT_4, topLevel: 5, addressBits: 57 };

const FORMATS: Record<PagingMode, GpteFormat> = {
  '32': IA32,
  pae: PAE,
  '4-level': LONG_4,
  '5-level': LONG_5,
  'ept-4-level': EPT_4,
  'ept-5-level': EPT_5,
};

const PAGE_SHIFT = 12;
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
  return FORMATS[mode].topLevel;
}

/** Size of an entry, bytes. */
export function gpteBytes(mode: PagingMode): 4 | 8 {
  return FORMATS[mode].bytes;
}

/** A PAE PDPTE comes from a register, and has neither rights nor accessed and dirty bits. */
export function isPdpte(mode: PagingMode, level: number): boolean {
  return mode === 'pae' && level === PDPTE_LEVEL;
}

/** Address >> 12, within the address space of the mode: canonical addresses lose their sign. */
export function pageOf(mode: PagingMode, address: bigint): number {
  return Number(BigInt.asUintN(FORMATS[mode].addressBits, address) >> 12n);
}

/** Guest pages (4 KiB each) that an entry of a level maps: a 4-byte entry of level 2 maps 1024. */
export function pagesMapped(mode: PagingMode, level: number): number {
  return 2 ** (FORMATS[mode].indexBits * (level - 1));
}

/** Index of an address's entry in a guest table of a level. */
export function gpteIndex(mode: PagingMode, address: bigint, level: number): number {
  const entries = isPdpte(mode, level) ? 4 : 2 ** FORMATS[mode].indexBits;
  return Math.floor(pageOf(mode, address) / pagesMapped(mode, level)) % entries;
}

/**
 * Guest physical address of an address's entry in the table at a gfn, bytes. Not for PDPTEs: their table need not begin at a page,
 * and KVM reads registers instead.
 */
export function gpteGpa(mode: PagingMode, tableGfn: Gfn, address: bigint, level: number): bigint {
  return (BigInt(tableGfn) << BigInt(PAGE_SHIFT)) + BigInt(gpteIndex(mode, address, level) * gpteBytes(mode));
}

export function isPresentGpte(mode: PagingMode, gpte: bigint): boolean {
  return (gpte & FORMATS[mode].present) !== 0n;
}

/** Mask of the accessed bit; EPT has one only where the EPTP turns it on. */
export function accessedMask(mode: PagingMode, eptAd = true): bigint {
  return isEpt(mode) && !eptAd ? 0n : FORMATS[mode].accessed;
}

/** Mask of the dirty bit; EPT has one only where the EPTP turns it on. */
export function dirtyMask(mode: PagingMode, eptAd = true): bigint {
  return isEpt(mode) && !eptAd ? 0n : FORMATS[mode].dirty;
}

/** Whether bit 7 is set in an entry of a level that may be a large page; with 4-byte entries it counts only under CR4.PSE. */
export function hasPageSizeBit(mode: PagingMode, level: number, gpte: bigint): boolean {
  return level > 1 && level <= FORMATS[mode].largestLeaf && (gpte & PAGE_SIZE_BIT) !== 0n;
}

/**
 * Whether the walk ends at this entry [6.1 mmu.c:is_last_gpte].
 *
 * @param pse CR4.PSE; undefined where it is not known
 * @returns undefined where CR4.PSE decides and is not known
 */
export function isLastGpte(mode: PagingMode, level: number, gpte: bigint, pse: boolean | undefined): boolean | undefined {
  if (level === 1) return true;
  if (!hasPageSizeBit(mode, level, gpte)) return false;
  return mode === '32' ? pse : true;
}

/** The gfn of the table that an entry leads to. */
export function gpteFrame(mode: PagingMode, gpte: bigint): Gfn {
  return Number((gpte & FORMATS[mode].frame) >> BigInt(PAGE_SHIFT)) as Gfn;
}

/** The first gfn that a last entry of a level maps; PSE-36 puts bits 35..32 of the address into bits 16..13 of a 4 MiB entry. */
export function firstGfn(mode: PagingMode, level: number, gpte: bigint): Gfn {
  const frame = gpteFrame(mode, gpte);
  const high = mode === '32' && level === 2 ? Number((gpte >> 13n) & 0xfn) * 2 ** 20 : 0;
  return (frame - (frame % pagesMapped(mode, level)) + high) as Gfn;
}

/** The gfn that an address translates to through a last entry of a level. */
export function translatedGfn(mode: PagingMode, level: number, gpte: bigint, address: bigint): Gfn {
  return (firstGfn(mode, level, gpte) + (pageOf(mode, address) % pagesMapped(mode, level))) as Gfn;
}

/**
 * Rights of a guest entry [6.1 paging_tmpl.h:gpte_access]: X = not NX, W and U as stored. An EPT entry's "readable" goes into U, since
 * a reading guest is what U stands for there. R is set always, as on kernels that have no such bit.
 */
export function gpteAccess(mode: PagingMode, gpte: bigint): number {
  if (isEpt(mode)) return ACC_READ | (gpte & 1n ? ACC_USER : 0) | (gpte & 2n ? ACC_WRITE : 0) | (gpte & 4n ? ACC_EXEC : 0);
  const exec = mode === '32' || (gpte & NX) === 0n ? ACC_EXEC : 0;
  return ACC_READ | (gpte & 2n ? ACC_WRITE : 0) | (gpte & 4n ? ACC_USER : 0) | exec;
}
