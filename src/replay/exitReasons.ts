import type { RootChange } from '../engine/steps/roots.js';

/** What the name of an exit's reason says. */
export interface ExitReason {
  readonly isInterrupt: boolean;
  readonly isInvlpg: boolean;
  /** CR3 may be written: write_cr3 and cr3_write_trap of SVM, CR_ACCESS of VMX. With nested paging CR3 is the guest's own */
  readonly mayWriteCr3: boolean;
  /** CR0, CR4 or an MSR is written: a root load that follows comes after a reset of the MMU */
  readonly resetsMmu: boolean;
  /** what becomes of the root, as far as the reason alone tells */
  readonly change: RootChange;
  /** slot of kvm_exit that names the event which was being delivered */
  readonly deliverySlot: number;
}

const known = new Map<string, ExitReason>();

/** A trace has a few reasons and millions of exits: each name is looked into once. */
export function exitReason(name: string): ExitReason {
  const before = known.get(name);
  if (before) return before;
  const reason = read(name);
  known.set(name, reason);
  return reason;
}

function read(name: string): ExitReason {
  const mayWriteCr3 = /cr3|cr_access/i.test(name);
  return {
    isInterrupt: name === 'interrupt',
    isInvlpg: /^invlpg/i.test(name),
    mayWriteCr3,
    resetsMmu: /cr0|cr4|msr/i.test(name),
    change: mayWriteCr3 ? 'cr3' : /cr4/i.test(name) ? 'cr4' : /cr0|msr/i.test(name) ? 'reset' : 'none',
    deliverySlot: name === 'EXCEPTION_NMI' ? 3 : 4,
  };
}
