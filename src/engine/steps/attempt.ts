import type { Came, Steps } from '../announcement.js';
import type { Kvm } from '../kvm.js';
import type { Reason } from '../reasons.js';

/**
 * A function of the kernel that may not run at all: nothing of it must come before its first event has. Answers whether it ran, as
 * far as events show; after the first event it is as certain as ever.
 *
 * @param least events that must have come until it is certain that it runs
 */
export function* attempt({ mmu }: Kvm, steps: Steps<unknown>, why: Reason, least = 1): Steps<boolean> {
  const before = mmu.trail?.mark();
  let result = steps.next();
  let came = 0;
  while (!result.done) {
    const announced = result.value;
    const isCertain = !announced.maybe;
    if (isCertain && came < least) announced.maybe = why;
    const its: Came | undefined = yield announced;
    if (!its && came < least && isCertain) {
      mmu.trail?.undo(before!);
      return false;
    }
    if (its) came++;
    result = steps.next(its);
  }
  return came > 0;
}
