import { EntryState, entryState } from '../entry.js';
import { Output, type Steps } from '../announcement.js';
import { NO_PAGE, type Gfn, type PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { pageEvent } from './zap.js';

/**
 * [6.1 mmu.c:mmu_try_to_unsync_pages]: whether an SPTE of a guest frame may be writable. A frame that holds guest tables of level 1 only
 * is let go out of sync, all its pages at once, newest first (spec/fault.md §5.1).
 */
export function* tryToUnsync(kvm: Kvm, gfn: Gfn, canUnsync: boolean, prefetch: boolean): Steps<boolean> {
  const { trail } = kvm.mmu;
  const call = trail?.enter('tryToUnsync', gfn);
  const mayWrite = yield* unsyncAll(kvm, gfn, canUnsync, prefetch);
  trail?.leave(call!, mayWrite ? 1 : 0);
  return mayWrite;
}

function* unsyncAll(kvm: Kvm, gfn: Gfn, canUnsync: boolean, prefetch: boolean): Steps<boolean> {
  const { mmu } = kvm;
  if (mmu.isTracked(gfn)) return false;
  const all = mmu.shadowsOf(gfn);
  if (all.length && !(canUnsync && mmu.has('unsync'))) return false;
  // In 2.6.28 a table with pages of several roles stays in sync [2.6.28 mmu.c:kvm_unsync_page].
  if (!mmu.has('unsync-many') && new Set(all.map((page) => mmu.pages.role(mmu.state, page))).size > 1) return false;
  const shadows = all.filter((page) => !mmu.pages.isUnsync(mmu.state, page));
  if (shadows.length && prefetch && !mmu.has('prefetch-unsyncs')) return false;
  for (let i = 0; i < shadows.length; i++) {
    const call = mmu.trail?.enter('unsyncPage', shadows[i]);
    yield pageEvent(kvm, Output.unsyncPage, shadows[i]!, shadows[i + 1]);
    mmu.trail?.leave(call!);
  }
  return true;
}

/** Unsync pages below a page, in the order in which `mmu_unsync_walk` finds them: by index, depth first. */
export function unsyncBelow(kvm: Kvm, top: PageId): PageId[] {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  if (top === NO_PAGE || pages.level(top) === 1) return [];
  if (!mmu.unsyncNow.leadsThere(top)) return [];
  const found = new Set<PageId>();
  const walk = (page: PageId): void => {
    for (const index of mmu.unsyncNow.from(page)) {
      const cell = pages.entryCell(page, index);
      if (entryState(state.tag(cell)) !== EntryState.link) continue;
      const child = state.number(cell) as PageId;
      if (pages.isUnsync(state, child)) found.add(child);
      else walk(child);
    }
  };
  walk(top);
  return [...found];
}
