import type { Steps } from '../announcement.js';
import { NO_PAGE, type PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Vcpu } from '../vcpu.js';
import { syncChildren, syncPage } from './syncPage.js';
import { unsyncBelow } from './unsync.js';

/** A root that may be the one in use, with the unsync pages below it in the order of their sync. */
interface Candidate {
  readonly root: PageId;
  readonly below: readonly PageId[];
}

/** [6.1 mmu.c:kvm_mmu_sync_roots] */
export function* syncRoots(kvm: Kvm, vcpu: Vcpu): Steps {
  const { trail } = kvm.mmu;
  const call = trail?.enter('syncRoots', vcpu.id);
  for (const root of vcpu.roots()) if (root !== NO_PAGE) yield* syncChildren(kvm, root);
  trail?.leave(call!);
}

/**
 * The TLB was flushed, and which of the cached roots is in use is not known: the pages that are synced tell. Answers whether any was.
 *
 * @param previous the root may have given way to a previous one
 */
export function* syncAnyRoot(kvm: Kvm, vcpu: Vcpu, previous: boolean): Steps<boolean> {
  if (vcpu.shape() !== 'single') return yield* syncSlots(kvm, vcpu);
  const roots = previous || !vcpu.isRootCertain() ? [...vcpu.roots(), ...vcpu.previousRoots()] : vcpu.roots();
  let left: Candidate[] = roots.map((root) => ({ root, below: unsyncBelow(kvm, root) }));
  for (let at = 0; left.some(({ below }) => at < below.length); at++) {
    const page = yield* syncNext(kvm, left, at);
    if (page === undefined && at === 0) return false;
    left = left.filter(({ below }) => below[at] === page);
    if (page === undefined) break;
  }
  if (left.length === 1) vcpu.switchTo(left[0]!.root);
  return left.some(({ below }) => below.length > 0);
}

/** The page that one of the candidates needs next; undefined when none came. */
function* syncNext(kvm: Kvm, left: readonly Candidate[], at: number): Steps<PageId | undefined> {
  const wanted = new Map(left.map(({ below }) => [below[at], below[at + 1]]));
  const must = at > 0 && wanted.size === 1;
  for (const [page, next] of wanted) {
    if (page === undefined) continue;
    if (yield* syncPage(kvm, page, next, must ? undefined : 'root')) return page;
  }
  return undefined;
}

/** A flush that may not have been one: once the first page is synced, all must be. */
function* syncSlots(kvm: Kvm, vcpu: Vcpu): Steps<boolean> {
  let synced = false;
  for (const root of vcpu.roots()) {
    if (root === NO_PAGE || unsyncBelow(kvm, root).length === 0) continue;
    const came = yield* syncChildren(kvm, root, synced ? undefined : 'root');
    if (!came) return false;
    synced = true;
  }
  return synced;
}
