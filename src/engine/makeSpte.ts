import type { Pfn } from './ids.js';
import { ACC_EXEC, ACC_USER, ACC_WRITE } from './role.js';
import { PAGE_SIZE_BIT, frameBits, type SpteFormat } from './spte.js';

/** A/D type, bits 52-53 (spec/spte.md §1.2). 0: the host's accessed and dirty bits are used. */
const AD_DISABLED = 1n << 52n;
const AD_WRITE_PROTECT_ONLY = 2n << 52n;
/** An access-tracked SPTE keeps R and X (bits 0 and 2) this much higher. */
const SAVED_RIGHTS = 5n;
const SAVED_RIGHTS_UP = 54n;
/** EPT: write-back, and the guest's own memory type ignored [6.1 vmx.c:vmx_get_mt_mask]. */
const EPT_WRITE_BACK = 0x70n;
const PDPTE_PRESENT = 1n;

/** What goes into a leaf SPTE. */
export interface SpteRequest {
  readonly pfn: Pfn;
  /** 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB */
  readonly level: number;
  /** ACC_* bits of the mapping, with the effects of CR0.WP and of clean guest entries in them */
  readonly access: number;
  /** slot and host mapping allow writes (default true) */
  readonly hostWritable?: boolean;
  /** the guest page is a page table that could not go unsync: no write may go unseen */
  readonly writeProtected?: boolean;
  /** no access was seen yet: A stays clear */
  readonly prefetch?: boolean;
  /** `role.ad_disabled`: accesses are tracked in software */
  readonly adDisabled?: boolean;
  /** writes are logged although the host has dirty bits: a nested guest under PML */
  readonly writeProtectOnly?: boolean;
  /** the SPTE that is replaced was a writable leaf: nothing is asked, and kernels before 6.12 do not set D */
  readonly wasWritable?: boolean;
  /** feature `resetting-keeps-dirty`: D is set nevertheless (6.12) */
  readonly keepsDirty?: boolean;
  /** large pages are not executable (the NX huge page mitigation) */
  readonly noExecLarge?: boolean;
  /** memory type bits (default: none for PT64, write-back for EPT), and the C-bit of encrypted memory */
  readonly memoryType?: bigint;
  readonly encrypted?: bigint;
  /** EPT on a host with execute-only entries: R comes from the access alone */
  readonly execOnly?: boolean;
}

/** A leaf SPTE by KVM's recipe ([6.1 spte.c:make_spte]; spec/spte.md §2). */
export function makeSpte(format: SpteFormat, request: SpteRequest): bigint {
  const { pfn, level, hostWritable = true, writeProtected = false, prefetch = false, adDisabled = false, wasWritable = false } = request;
  const large = level > 1;
  const access = request.noExecLarge && large ? request.access & ~ACC_EXEC : request.access;
  const accessed = adDisabled ? 0n : format.accessed;
  const ept = format.name === 'ept';

  let spte = format.mmuPresent | adType(request) | frameBits(pfn) | guestCopies(format, access);
  spte |= ept ? (request.execOnly ? 0n : format.user) : format.present;
  spte |= accessed;
  spte |= access & ACC_EXEC ? format.executable : format.noExec;
  if (access & ACC_USER) spte |= format.user;
  if (large) spte |= PAGE_SIZE_BIT;
  spte |= request.memoryType ?? (ept ? EPT_WRITE_BACK : 0n);
  if (hostWritable) spte |= format.hostWritable;
  spte |= request.encrypted ?? 0n;
  if (access & ACC_WRITE && hostWritable && (wasWritable || !writeProtected)) {
    spte |= format.writable | format.mmuWritable;
    if ((!wasWritable || request.keepsDirty) && !adDisabled) spte |= format.dirty;
  }
  return (prefetch ? withoutAccess(format, spte, adDisabled) : spte) | (format.always ?? 0n);
}

/** To 2.6.22 an SPTE has copies of the guest's own rights. */
function guestCopies({ guestWritable = 0n, guestUser = 0n }: SpteFormat, access: number): bigint {
  return (access & ACC_WRITE ? guestWritable : 0n) | (access & ACC_USER ? guestUser : 0n);
}

function adType({ adDisabled, writeProtectOnly }: SpteRequest): bigint {
  return adDisabled ? AD_DISABLED : writeProtectOnly ? AD_WRITE_PROTECT_ONLY : 0n;
}

/** [6.1 spte.c:mark_spte_for_access_track]: A goes; without A bits the rights go instead, R and X to where they are saved. */
function withoutAccess(format: SpteFormat, spte: bigint, adDisabled: boolean): bigint {
  if (!adDisabled) return spte & ~format.accessed;
  if (format.accessTrack === 0n) return spte;
  return (spte | ((spte & SAVED_RIGHTS) << SAVED_RIGHTS_UP)) & ~format.accessTrack;
}

/** A link to a shadow page: its rights are always maximal, the page's own role restricts [6.1 spte.c:make_nonleaf_spte]. */
export function makeLinkSpte(format: SpteFormat, child: Pfn, adDisabled = false): bigint {
  const flags = adDisabled ? (format.link & ~format.accessed) | AD_DISABLED : format.link;
  return frameBits(child) | flags;
}

/** An entry of a PAE root: the CPU allows little more than P there (spec/spte.md §1.3). */
export function makePdpte(child: Pfn, encrypted = 0n): bigint {
  return frameBits(child) | PDPTE_PRESENT | encrypted;
}

/** What an entry of a local PAE root has besides the frame: of the bits of software only 9 to 11 are free there (spec/roots.md §8.4). */
export function localPdpteFlags(format: SpteFormat): bigint {
  return PDPTE_PRESENT | format.mmuPresent;
}

/** An entry of a PAE root below the special roots of a 4- or 5-level table: an ordinary link to the CPU. */
export function makeSpecialRootPdpte(format: SpteFormat, child: Pfn, encrypted = 0n): bigint {
  return makePdpte(child, encrypted) | format.accessed | format.writable | format.user;
}

/**
 * Takes the right to write from an SPTE ([6.1 mmu.c:spte_write_protect]; spec/getpage.md §4.1).
 *
 * @param forTable a guest page table: nobody may set W again without a fault. Otherwise it is for dirty logging
 */
export function writeProtectSpte(format: SpteFormat, spte: bigint, forTable: boolean): bigint {
  if (!forTable) return spte & ~format.writable;
  return spte & ~(format.writable | format.mmuWritable);
}
