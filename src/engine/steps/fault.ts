import type { FaultPath } from '../faultPath.js';
import type { Kvm } from '../kvm.js';
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

export const isWrite = (fault: Fault): boolean => (fault.error & 2) !== 0;
export const isPresent = (fault: Fault): boolean => (fault.error & 1) !== 0;
