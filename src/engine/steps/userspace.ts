import type { Steps } from '../announcement.js';
import type { Kvm } from '../kvm.js';
import { zapAll, zapAllFast } from './zap.js';

/**
 * What the process that owns the VM may do to the MMU while it runs its own code: delete or move memory slots, each with a fast zap of
 * everything (spec/zap.md §7), or end the VM. Neither has an event of its own.
 */
export function* outsideGuest(kvm: Kvm): Steps {
  let zapped: boolean;
  do zapped = yield* zapAllFast(kvm);
  while (zapped);
  yield* zapAll(kvm);
}
