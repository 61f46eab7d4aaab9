import { highHalf, isEpt, isPdpte, lowHalf, type PagingMode } from './gpte.js';
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
function isBadEpt(low: number, execOnly: boolean): boolean {
  const type = (low >>> 3) & 7;
  const rights = low & 7;
  return type === 2 || type === 3 || type === 7 || rights === 2 || rights === 6 || (rights === 4 && !execOnly);
}

/** Bits that are reserved on one CPU, by mode, level and bit 7: halves of the masks, each made when it is first asked for. */
class ReservedBits {
  private readonly masks = new Map<PagingMode, (readonly [low: number, high: number] | undefined)[]>();

  constructor(private readonly cpu: GuestCpu) {}

  areIn(mode: PagingMode, level: number, low: number, high: number): boolean {
    const large = low & LARGE;
    const [maskLow, maskHigh] = this.maskOf(mode, level, large !== 0);
    return ((low & maskLow) | (high & maskHigh)) !== 0 || (isEpt(mode) && isBadEpt(low, this.cpu.eptExecOnly));
  }

  private maskOf(mode: PagingMode, level: number, large: boolean): readonly [number, number] {
    let ofMode = this.masks.get(mode);
    if (!ofMode) this.masks.set(mode, (ofMode = []));
    const at = level * 2 + (large ? 1 : 0);
    const known = ofMode[at];
    if (known) return known;
    const mask = reservedMask(mode, level, large, this.cpu);
    return (ofMode[at] = [lowHalf(mask), highHalf(mask)]);
  }
}
const LARGE = Number(PAGE_SIZE_BIT);

/** What is known of the reserved bits of a guest whose CPU is known in part: those of the CPUs between which it lies. */
export class KnownReservedBits {
  private readonly certain: ReservedBits;
  private readonly possible: ReservedBits;

  /** @param cpu what is known of the guest's CPU */
  constructor(cpu: Partial<GuestCpu>) {
    this.certain = new ReservedBits({ ...LENIENT, ...cpu });
    this.possible = new ReservedBits({ ...STRICT, ...cpu });
  }

  /**
   * Whether a present entry, given by its halves, has reserved bits set [6.1 mmu.c:is_rsvd_bits_set]. A walk does not ask it of PDPTEs,
   * which are checked when they are loaded.
   *
   * @returns undefined where something that is not known decides
   */
  areIn(mode: PagingMode, level: number, low: number, high: number): boolean | undefined {
    if (!this.possible.areIn(mode, level, low, high)) return false;
    return this.certain.areIn(mode, level, low, high) ? true : undefined;
  }
}
