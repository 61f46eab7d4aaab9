import type { Role, SpteIndex } from './ids.js';
import { roleField } from './role.js';

/** An instruction without a rep prefix stores at most this much: 16 bytes of cmpxchg16b or an SSE move. */
const LONGEST_STORE = 16;
const TABLE_BYTES = 4096;
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

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
