import type { Steps } from '../announcement.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import { activeList, prepareZap } from './zap.js';

/** KVM_MIN_FREE_MMU_PAGES and KVM_REFILL_PAGES */
const LEAST_FREE = 5;
const REFILL = 25;

/**
 * [6.1 mmu.c:make_mmu_pages_available]: at the page limit the oldest pages without a root_count go (spec/zap.md §6). The limit has no
 * event; the first recycling shows it.
 */
export function* makeMmuPagesAvailable(kvm: Kvm): Steps {
  const { mmu } = kvm;
  if (kvm.maxPages !== undefined) {
    const available = Math.max(0, kvm.maxPages - mmu.usedPages());
    if (available >= LEAST_FREE) return;
    yield* zapOldest(kvm, REFILL - available);
  }
}

/** [6.1 mmu.c:kvm_mmu_zap_oldest_mmu_pages] */
function* zapOldest(kvm: Kvm, wanted: number): Steps {
  const { pages, state } = kvm.mmu;
  let zapped = 0;
  for (const page of activeList(kvm)) {
    if (zapped >= wanted) return;
    if (pages.life(state, page) !== Life.active || pages.rootCount(state, page) > 0) continue;
    const count = yield* prepareZap(kvm, page);
    zapped += count;
    kvm.mmu.statistics.add('mmu_recycled', count);
  }
}
