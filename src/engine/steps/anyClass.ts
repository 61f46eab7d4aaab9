import type { Announcement, Steps } from '../announcement.js';
import { classOf, inClass } from '../hiddenClasses.js';
import { NO_PAGE } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Vcpu } from '../vcpu.js';
import { attempt } from './attempt.js';
import { findPage } from './getPage.js';

/**
 * What a vCPU does while the class of its root is one of several (`HiddenClasses`): the first event that only one of them explains tells.
 */
export function* inAnyClass(kvm: Kvm, vcpu: Vcpu, make: () => Steps<unknown>): Steps {
  const likely = classOf(kvm, vcpu);
  const classes = [likely, ...vcpu.otherClasses];
  if (classes.length === 1) {
    yield* make();
    return;
  }
  const before = kvm.mmu.trail?.mark();
  const first = classes.map((hidden) => {
    useClass(kvm, vcpu, hidden);
    const { value, done } = make().next();
    return done ? '' : looksOf(value);
  });
  kvm.mmu.trail?.undo(before!);
  for (const [at, hidden] of classes.entries()) {
    if (first.indexOf(first[at]!) < at) continue;
    useClass(kvm, vcpu, hidden);
    if (!(yield* attempt(kvm, make(), 'hidden-role'))) continue;
    if (hidden !== likely && vcpu.madeUndecided) kvm.hidden!.mixed = true;
    vcpu.otherClasses = classes.filter((other, i) => other !== hidden && first[i] === first[at]);
    return;
  }
  useClass(kvm, vcpu, likely);
}

/** The root's pages are those of a class. */
function useClass(kvm: Kvm, vcpu: Vcpu, hidden: number): void {
  const { pages } = kvm.mmu;
  vcpu.roots().forEach((root, slot) => {
    if (root === NO_PAGE) return;
    const { gfn, role } = pages.birth(root);
    const wanted = findPage(kvm, gfn, inClass(role, hidden));
    if (wanted !== NO_PAGE && wanted !== root) vcpu.exchangeRoot(slot, root, wanted);
  });
}

/** What the event would say, for comparing. */
function looksOf(announced: Announcement): string {
  const { output } = announced;
  if ('fields' in announced) {
    const { gfn, role, created, unsync, rootCount } = announced.fields;
    return [output, gfn, role === undefined ? '' : inClass(role, 0), created, unsync, rootCount].join();
  }
  if ('spte' in announced && 'index' in announced && 'frame' in announced) return [output, announced.frame, announced.index].join();
  return String(output);
}
