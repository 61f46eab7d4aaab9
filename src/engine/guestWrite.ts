import type { Role, SpteIndex } from './ids.js';
import { roleField } from './role.js';

/** An instruction without a rep prefix stores at most this much: 16 bytes of cmpxchg16b or an SSE move. */
export const LONGEST_STORE = 16;
const TABLE_BYTES = 4096;
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

/** What the tracker of guest writes does differently from era to era, or from vCPU to vCPU. */
export interface WriteRules {
  /** the writing vCPU has 8-byte entries (PAE or long mode): 4 bytes are taken for the whole entry they lie in */
  readonly longEntries?: boolean;
  /** a single byte at the start of an entry is no sign of something else than a page table; false in 2.6.x */
  readonly byteExempt?: boolean;
  /** only the page in whose quadrant the entry lies is touched; false before 2.6.22 */
  readonly quadrantFilter?: boolean;
}

/** Where a write is taken to begin, and how many bytes it is taken to have [6.1 mmu.c:mmu_pte_write_fetch_gpte]. */
function asTracked(offset: number, bytes: number, { longEntries = false }: WriteRules): { offset: number; bytes: number } {
  return longEntries && bytes === 4 ? { offset: offset & ~7, bytes: 8 } : { offset, bytes };
}

/**
 * Whether a write is not the way one writes an entry of the guest table behind a shadow page: it crosses entries, or is shorter than
 * any [6.1 mmu.c:detect_write_misaligned]; spec/ptewrite.md §3.1. Such a page is zapped as a whole.
 *
 * @param offset of the write in the guest table, bytes
 */
export function isMisaligned(role: Role, offset: number, bytes: number, rules: WriteRules = {}): boolean {
  const entryBytes = roleField(role, 'has4ByteGpte') ? 4 : 8;
  const write = asTracked(offset, bytes, rules);
  if (write.bytes === 1 && write.offset % entryBytes === 0 && (rules.byteExempt ?? true)) return false;
  const last = write.offset + write.bytes - 1;
  return Math.floor(write.offset / entryBytes) !== Math.floor(last / entryBytes) || write.bytes < 4;
}

/**
 * The SPTEs of a shadow page that stand for the guest entry a write begins in [6.1 mmu.c:get_written_sptes]; spec/ptewrite.md §4. A
 * 4-byte page directory entry has two, and a 4-byte table has its entries in two or four shadow pages, told apart by the quadrant.
 *
 * @param offset of the write in the guest table, bytes
 */
export function sptesWritten(role: Role, offset: number, bytes: number, rules: WriteRules = {}): SpteIndex[] {
  const write = asTracked(offset, bytes, rules);
  if (!roleField(role, 'has4ByteGpte')) return [(write.offset >> 3) as SpteIndex];
  const gpte = write.offset >> 2;
  const directory = roleField(role, 'level') > 1;
  const quadrant = directory ? gpte >> 8 : gpte >> 9;
  if ((rules.quadrantFilter ?? true) && quadrant !== roleField(role, 'quadrant')) return [];
  const first = directory ? 2 * (gpte & 255) : gpte & 511;
  return (directory ? [first, first + 1] : [first]) as SpteIndex[];
}

/**
 * The SPTEs of a shadow page whose guest entries an emulated write may have hit ([6.1 mmu.c:kvm_mmu_pte_write], spec/ptewrite.md §4).
 *
 * @param offset of the write in the guest table, bytes
 */
export function* gptesWritten(role: Role, offset: number): Generator<SpteIndex> {
  const first = offset & ~7;
  const end = Math.min(offset + LONGEST_STORE, TABLE_BYTES);
  if (!roleField(role, 'has4ByteGpte')) {
    for (let at = first; at < end; at += 8) yield (at >> 3) as SpteIndex;
    return;
  }
  const level = roleField(role, 'level');
  const quadrant = roleField(role, 'quadrant');
  for (let at = first; at < end; at += 4) {
    const gpte = at >> 2;
    if (level === 1) {
      if (gpte >> 9 === quadrant) yield (gpte & 511) as SpteIndex;
    } else if (gpte >> 8 === quadrant) {
      const index = 2 * (gpte & 255);
      yield index as SpteIndex;
      yield (index + 1) as SpteIndex;
    }
  }
}

/** A string instruction with a rep prefix: it may go on through the whole table. */
export function isRepeated(instruction: Uint8Array): boolean {
  for (const byte of instruction) {
    if (!PREFIXES.has(byte)) return false;
    if (byte === 0xf2 || byte === 0xf3) return true;
  }
  return false;
}
