import type { Announcement, Came, Steps } from '../announcement.js';
import type { Reason } from '../reasons.js';

/**
 * A function of the kernel that may not run at all: nothing of it must come before its first event has. Answers whether it ran, as
 * far as events show; after the first event it is as certain as ever.
 */
export function* attempt(steps: Steps<unknown>, why: Reason): Steps<boolean> {
  let result = steps.next();
  let ran = false;
  while (!result.done) {
    const announced = result.value;
    const came: Came | undefined = yield ran || announced.maybe ? announced : withReserve(announced, why);
    if (!came && !ran && !announced.maybe) return false;
    ran ||= came !== undefined;
    result = steps.next(came);
  }
  return ran;
}

function withReserve(announced: Announcement, why: Reason): Announcement {
  return { ...announced, maybe: why };
}
