import type { Steps } from '../announcement.js';
import { EntryState, entryState } from '../entry.js';
import { NO_PAGE } from '../ids.js';
import type { ShadowFault } from './fault.js';
import { prefetchGpte } from './prefetch.js';

/**
 * [6.1 paging_tmpl.h:invlpg]: the entry of an address in an unsync page is dropped, and made anew from the guest entry when that is
 * present and accessed. A #PF that is injected with P=1 does this for its address first (spec/fault.md §11.1).
 */
export function* invalidate(fault: ShadowFault): Steps {
  const { kvm, path, walk } = fault;
  const { pages, state } = kvm.mmu;
  const page = path.at(1);
  if (page === NO_PAGE || !pages.isUnsync(state, page)) return;
  const index = path.indexAt(1);
  const before = entryState(state.tag(pages.entryCell(page, index)));
  if (before === EntryState.leaf || before === EntryState.mmio) kvm.mmu.clear(page, index);
  yield* prefetchGpte(kvm, page, index, walk.mode, undefined);
}
