import type { Steps } from '../announcement.js';
import type { Kvm } from '../kvm.js';
import { attempt } from './attempt.js';
import { zapAll, zapAllFast } from './zap.js';

/**
 * What the process that owns the VM may do to the MMU while it runs its own code: delete or move memory slots, each with a fast zap of
 * everything (spec/zap.md §7), or end the VM. Neither has an event of its own.
 *
 * @param least zaps that look like the end until it is certain: one where it is known that the process runs its own code
 */
export function* outsideGuest(kvm: Kvm, least = 1): Steps {
  let zapped: boolean;
  do zapped = yield* zapAllFast(kvm);
  while (zapped);
  yield* attempt(zapAll(kvm), 'trigger', least);
}
