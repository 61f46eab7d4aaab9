import type { Steps } from '../announcement.js';
import type { FaultPath } from '../faultPath.js';
import { NO_PAGE, type Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import type { Vcpu } from '../vcpu.js';
import { attempt } from './attempt.js';
import { invalidateUnknown } from './invlpg.js';
import { isObsolete, loadUnknown, reload } from './roots.js';
import { unseenDirectFault } from './unseenDirect.js';
import { outsideGuest } from './userspace.js';
import { freeRoots } from './zap.js';

/**
 * What a vCPU may do at any time where no event shows its exits: zapped roots go and are loaded anew, CR3 or another control register
 * is written, the TLB is flushed; and its thread may leave KVM, change the slots or end the VM.
 */
export function* atAnyTime(kvm: Kvm, vcpu: Vcpu, pathOf: (gfn: Gfn) => FaultPath | undefined): Steps {
  const { pages, state } = kvm.mmu;
  const roots = vcpu.roots();
  const zapped = vcpu.heldRoots().some((page) => pages.life(state, page) === Life.pinned);
  const obsolete = roots.some((page) => page !== NO_PAGE && isObsolete(kvm, page));
  if (zapped) yield* attempt(kvm, freeRoots(kvm, vcpu), 'no-kvm-events');
  if (obsolete && (yield* attempt(kvm, reload(kvm, vcpu, roots), 'no-kvm-events'))) return;
  yield* loadUnknown(kvm, vcpu, 'unseen', false);
  yield* invalidateUnknown(kvm, vcpu);
  yield* unseenDirectFault(kvm, vcpu, pathOf);
  yield* outsideGuest(kvm, 2);
}
