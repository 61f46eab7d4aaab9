import type { FaultPath } from '../faultPath.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
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
export function hitsTrackedTable({ kvm, error }: Fault, gfn: Gfn): boolean {
  const cause = error & (PferrBit.write | PferrBit.present | PferrBit.reserved);
  return cause === (PferrBit.write | PferrBit.present) && kvm.mmu.isTracked(gfn);
}

export const isWrite = (fault: Fault): boolean => (fault.error & 2) !== 0;
export const isPresent = (fault: Fault): boolean => (fault.error & 1) !== 0;
