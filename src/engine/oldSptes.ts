import { PT64, type SpteFormat } from './spte.js';

/**
 * SPTEs of the first kernels (spec/spte.md §5, §6): no bits that say what may be made writable again, no MMIO SPTEs. The host always
 * gives pages that may be written.
 */
const OLD: SpteFormat = {
  ...PT64,
  hostWritable: 0n,
  mmuWritable: 0n,
  mmuPresent: 0n,
  // No SPTE matches.
  mmioValue: 1n,
  mmioMask: 0n,
  mmioAccess: 0n,
  mmioGeneration: { low: 0n, highAt: 0n, high: 0n },
  link: 0x27n,
};

/** 2.6.23 and 2.6.24: accessed and dirty from the beginning; the mark of MMIO has the address beside it */
export const PT64_2_6_23: SpteFormat = { ...OLD, always: OLD.accessed | OLD.dirty, markHasAddress: true };

/** 2.6.20 to 2.6.22: copies of the guest's W and U, by which CR0.WP = 0 was made good */
export const PT64_2_6_20: SpteFormat = { ...PT64_2_6_23, guestWritable: 1n << 10n, guestUser: 1n << 11n };

/** 2.6.25 to 2.6.32: dirty from the beginning */
export const PT64_2_6_25: SpteFormat = { ...OLD, always: OLD.dirty };
