import { isEpt, isPdpte, type PagingMode } from './gpte.js';
import { NX, PAGE_SIZE_BIT } from './spte.js';

/** What decides which bits of a guest entry are reserved: the CPU that the guest was given, and two control bits. */
export interface GuestCpu {
  /** bits of a guest physical address (CPUID leaf 0x80000008) */
  readonly maxPhyAddr: number;
  /** EFER.NX */
  readonly nx: boolean;
  /** the CPU has 1 GiB pages */
  readonly gbPages: boolean;
  /** an AMD or Hygon CPU: bit 8 of entries of levels 4 and 5 is reserved */
  readonly amd: boolean;
  /** CR4.PSE; without it bit 7 of a 4-byte entry is ignored */
  readonly pse: boolean;
  /** the CPU has PSE-36, which KVM always assumes */
  readonly pse36: boolean;
  /** EPT only: the largest page's level (1 = 4 KiB), and whether execute-only entries are allowed */
  readonly eptLargestLevel: number;
  readonly eptExecOnly: boolean;
}

/** The CPU with the fewest reserved bits; with the one below it bounds each that is known in part only. */
export const LENIENT: GuestCpu = {
  maxPhyAddr: 52,
  nx: true,
  gbPages: true,
  amd: false,
  pse: false,
  pse36: true,
  eptLargestLevel: 3,
  eptExecOnly: true,
};
/** The CPU with the most reserved bits. */
const STRICT: GuestCpu = {
  maxPhyAddr: 32,
  nx: false,
  gbPages: false,
  amd: true,
  pse: true,
  pse36: true,
  eptLargestLevel: 1,
  eptExecOnly: false,
};

/** Bits `low` to `high`, both included; none when `low` is above `high`. */
function bits(low: number, high: number): bigint {
  return low > high ? 0n : ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}

/**
 * Bits that must be 0 in a guest entry of a level [6.1 mmu.c:__reset_rsvds_bits_mask, __reset_rsvds_bits_mask_ept].
 *
 * @param large bit 7 is set in the entry
 */
export function reservedMask(mode: PagingMode, level: number, large: boolean, cpu: GuestCpu): bigint {
  if (isEpt(mode)) return reservedEpt(level, large, cpu);
  if (mode === '32') return reserved32(level, large, cpu);
  const noExec = cpu.nx ? 0n : NX;
  if (mode === 'pae') {
    if (isPdpte(mode, level)) return NX | bits(cpu.maxPhyAddr, 62) | bits(5, 8) | bits(1, 2);
    return bits(cpu.maxPhyAddr, 62) | noExec | (large && level === 2 ? bits(13, 20) : 0n);
  }
  const high = bits(cpu.maxPhyAddr, 51) | noExec;
  if (level >= 4) return high | PAGE_SIZE_BIT | (cpu.amd ? bits(8, 8) : 0n);
  if (level === 3) return high | (cpu.gbPages ? 0n : PAGE_SIZE_BIT) | (large ? bits(13, 29) : 0n);
  return high | (large && level === 2 ? bits(13, 20) : 0n);
}

function reserved32(level: number, large: boolean, cpu: GuestCpu): bigint {
  if (level !== 2 || !large || !cpu.pse) return 0n;
  return cpu.pse36 ? bits(17, 21) : bits(13, 21);
}

function reservedEpt(level: number, large: boolean, cpu: GuestCpu): bigint {
  const high = bits(cpu.maxPhyAddr, 51);
  if (level >= 4) return high | bits(3, 7);
  if (level === 1) return high;
  const noLarge = cpu.eptLargestLevel < level ? PAGE_SIZE_BIT : 0n;
  return high | noLarge | (large ? bits(12, 12 + 9 * (level - 1) - 1) : bits(3, 6));
}

/** EPT: a memory type that does not exist, or rights that no entry may have: write without read, execute only. */
function isBadEpt(gpte: bigint, execOnly: boolean): boolean {
  const type = Number((gpte >> 3n) & 7n);
  const rights = Number(gpte & 7n);
  return [2, 3, 7].includes(type) || rights === 2 || rights === 6 || (rights === 4 && !execOnly);
}

function isReserved(mode: PagingMode, level: number, gpte: bigint, cpu: GuestCpu): boolean {
  const large = (gpte & PAGE_SIZE_BIT) !== 0n;
  return (gpte & reservedMask(mode, level, large, cpu)) !== 0n || (isEpt(mode) && isBadEpt(gpte, cpu.eptExecOnly));
}

/**
 * Whether a present entry has reserved bits set [6.1 mmu.c:is_rsvd_bits_set]. A walk does not ask it of PDPTEs, which are checked
 * when they are loaded.
 *
 * @param cpu what is known of the guest's CPU
 * @returns undefined where something that is not known decides
 */
export function hasReservedBits(mode: PagingMode, level: number, gpte: bigint, cpu: Partial<GuestCpu>): boolean | undefined {
  if (isReserved(mode, level, gpte, { ...LENIENT, ...cpu })) return true;
  return isReserved(mode, level, gpte, { ...STRICT, ...cpu }) ? undefined : false;
}
