import { EPT, FRAME_MASK, isMmioSpte, NX, PAGE_SIZE_BIT, spteFormatOf, type SpteFormat } from '../../engine/spte.js';

/**
 * The fields of an SPTE by the short names of the views (spec/spte.md §1), for conditions (`spte.w`) and for what is printed.
 */
export type SpteField = 'p' | 'r' | 'w' | 'x' | 'u' | 'a' | 'd' | 'ps' | 'nx' | 'hw' | 'mw' | 'mp' | 'mmio';
export const SPTE_FIELDS: readonly SpteField[] = ['p', 'r', 'w', 'x', 'u', 'a', 'd', 'ps', 'nx', 'hw', 'mw', 'mp', 'mmio'];

const EPT_READ = 1n;
const EPT_EXEC = 4n;

/** The format of a trace's SPTEs. */
export function spteFormatOfTrace(info: { readonly kernel: { readonly from: string } }): SpteFormat {
  return spteFormatOf(info.kernel.from);
}

/** One field, 0 or 1. Fields that a format does not have read as 0. */
export function spteBit(value: bigint, field: SpteField, format: SpteFormat): 0 | 1 {
  return read(value, field, format) ? 1 : 0;
}

function read(value: bigint, field: SpteField, format: SpteFormat): boolean {
  const on = (mask: bigint): boolean => (value & mask) !== 0n;
  const ept = isEpt(format);
  switch (field) {
    case 'p':
      return on(format.present);
    case 'r':
      return on(ept ? EPT_READ : format.present);
    case 'w':
      return on(format.writable);
    case 'x':
      return ept ? on(EPT_EXEC) : !on(NX);
    case 'u':
      return on(format.user);
    case 'a':
      return on(format.accessed);
    case 'd':
      return on(format.dirty);
    case 'ps':
      return on(PAGE_SIZE_BIT);
    case 'nx':
      return !ept && on(NX);
    case 'hw':
      return on(format.hostWritable);
    case 'mw':
      return on(format.mmuWritable);
    case 'mp':
      return on(format.mmuPresent);
    case 'mmio':
      return isMmioSpte(format, value);
  }
}

/** Page frame of a leaf or link. */
export function spteFrameOf(value: bigint): bigint {
  return (value & FRAME_MASK) >> 12n;
}

/**
 * What an MMIO SPTE says: guest frame, memslot generation, W and U (spec/spte.md §4; hosts without the L1TF shuffle). The generation
 * has 19 bits, 8 of them low, since there is an MMU-present bit to keep clear; before, 18 bits, 9 of them low, with bits 52 and 53
 * taken for the mark.
 */
export function mmioFields(value: bigint, format: SpteFormat): { gfn: bigint; gen: number; access: number } {
  const low = format.mmuPresent ? 8n : 9n;
  const high = format.mmuPresent ? 52n : 54n;
  const generation = ((value >> 3n) & ((1n << low) - 1n)) | (((value >> high) & ((1n << (63n - high)) - 1n)) << low);
  return { gfn: (value & 0x0007_ffff_ffff_f000n) >> 12n, gen: Number(generation), access: isEpt(format) ? 6 : Number(value & 6n) };
}

export function isEpt(format: SpteFormat): boolean {
  return format.name === EPT.name;
}

export type { SpteFormat };
