import { EPT, FRAME_MASK, isMmioSpte, MMU_PRESENT, NX, PAGE_SIZE_BIT, PT64, type SpteFormat } from '../../engine/spte.js';

/**
 * The fields of an SPTE by the short names of the views (spec/spte.md §1), for conditions (`spte.w`) and for what is printed.
 */
export type SpteField = 'p' | 'r' | 'w' | 'x' | 'u' | 'a' | 'd' | 'ps' | 'nx' | 'hw' | 'mw' | 'mp' | 'mmio';
export const SPTE_FIELDS: readonly SpteField[] = ['p', 'r', 'w', 'x', 'u', 'a', 'd', 'ps', 'nx', 'hw', 'mw', 'mp', 'mmio'];

const EPT_READ = 1n;
const EPT_EXEC = 4n;

/** One field, 0 or 1. Fields that a format does not have read as 0. */
export function spteBit(value: bigint, field: SpteField, format: SpteFormat = PT64): 0 | 1 {
  return read(value, field, format) ? 1 : 0;
}

function read(value: bigint, field: SpteField, format: SpteFormat): boolean {
  const on = (mask: bigint): boolean => (value & mask) !== 0n;
  const ept = format === EPT;
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
      return on(MMU_PRESENT);
    case 'mmio':
      return isMmioSpte(value);
  }
}

/** Page frame of a leaf or link. */
export function spteFrameOf(value: bigint): bigint {
  return (value & FRAME_MASK) >> 12n;
}

/** What an MMIO SPTE says: guest frame, generation (19 bits), W and U (spec/spte.md §4; hosts without the L1TF shuffle). */
export function mmioFields(value: bigint): { gfn: bigint; gen: number; access: number } {
  return {
    gfn: (value & 0x0007_ffff_ffff_f000n) >> 12n,
    gen: Number((value >> 3n) & 0xffn) | (Number((value >> 52n) & 0x7ffn) << 8),
    access: Number(value & 6n),
  };
}

export { EPT, PT64, type SpteFormat };
