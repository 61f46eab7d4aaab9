import type { FaultPath } from '../faultPath.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { leavesNoMmio } from '../mmioEntry.js';
import { PferrBit } from '../permission.js';
import type { Vcpu } from '../vcpu.js';
import type { GuestWalk } from '../walk.js';

/** A page fault as KVM handles it (`struct kvm_page_fault`). */
export interface Fault {
  readonly kvm: Kvm;
  readonly vcpu: Vcpu;
  readonly path: FaultPath;
  /** undefined for a direct MMU */
  readonly walk: GuestWalk | undefined;
  readonly address: bigint;
  /** error code as of a #PF */
  readonly error: number;
}

/** A fault that went through a guest walk. */
export type ShadowFault = Fault & { readonly walk: GuestWalk };

/** [6.1 mmu.c:page_fault_handle_page_track]: a write to something present that is a guest table of level 2 or higher is emulated. */
export function hitsTrackedTable(fault: Fault, gfn: Gfn): boolean {
  const { kvm, error } = fault;
  if (!kvm.mmu.has('page-track') || isUnprotected(fault)) return false;
  const cause = error & (PferrBit.write | PferrBit.present | PferrBit.reserved);
  return cause === (PferrBit.write | PferrBit.present) && kvm.mmu.isTracked(gfn);
}

/** MMIO that is emulated before the lock is taken (seed 003). */
export function endsAsMmio({ kvm }: Fault, gfn: Gfn): boolean {
  return kvm.host.isAbsent(gfn) && leavesNoMmio(kvm.mmu);
}

/** Where no event has shown what is behind a frame, it may be MMIO. */
export function mayEndAsMmio({ kvm }: Fault, gfn: Gfn): boolean {
  return leavesNoMmio(kvm.mmu) && !kvm.host.isAbsent(gfn) && kvm.host.at(gfn) === undefined;
}

/** A guest without paging writes where it likes, guest tables or not [2.6.24 mmu.c:nonpaging_map]. */
export function isUnprotected({ kvm, walk }: Fault): boolean {
  return walk === undefined && !kvm.mmu.has('nonpaging-write-protection');
}

/** What a user writes to is no page table [2.6.24 mmu.c:mmu_unshadow]. */
export function unshadows({ kvm, walk, error }: Fault): boolean {
  const byUser = PferrBit.write | PferrBit.user;
  return walk !== undefined && (error & byUser) === byUser && kvm.mmu.has('user-write-unshadows');
}

export const isWrite = (fault: Fault): boolean => (fault.error & 2) !== 0;
export const isPresent = (fault: Fault): boolean => (fault.error & 1) !== 0;
