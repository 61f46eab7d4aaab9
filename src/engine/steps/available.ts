import type { Steps } from '../announcement.js';
import type { Kvm } from '../kvm.js';
import { LEAST_RECYCLED } from '../pageLimit.js';
import type { Reason } from '../reasons.js';
import type { Vcpu } from '../vcpu.js';
import { NOT_CALLED, prepareZap } from './zap.js';

/**
 * [6.1 mmu.c:make_mmu_pages_available, kvm_mmu_zap_oldest_mmu_pages]: at the page limit the oldest pages without a root_count go
 * (spec/zap.md §6). The limit has no event; what is recycled shows it. Answers whether anything was.
 *
 * @param maybe why it is not certain that the pages are asked for at all
 * @param loading the vCPU loads a root, and so may have let its old one go
 */
export function* makeMmuPagesAvailable(kvm: Kvm, maybe?: Reason, loading?: Vcpu): Steps<boolean> {
  const { mmu, pageLimit } = kvm;
  const used = mmu.usedPages();
  const wanted = pageLimit.wanted(used);
  if (wanted.most === 0) return false;
  const call = mmu.trail?.enter('zapOldest', wanted.least);
  let zapped = 0;
  let last = 0;
  for (const page of mmu.active) {
    if (zapped >= wanted.most) break;
    const held = mmu.pages.rootCount(mmu.state, page);
    if (held > 0 && loading?.heldRoots().filter((root) => root === page).length !== held) continue;
    const least = zapped > 0 ? Math.max(wanted.least, LEAST_RECYCLED) : wanted.least;
    const unsure = zapped >= least ? 'trigger' : zapped === 0 ? maybe : undefined;
    const gone: number = yield* prepareZap(kvm, page, { maybe: held > 0 ? 'root' : unsure, released: held > 0 });
    if (gone === NOT_CALLED && held > 0) continue;
    if (gone === NOT_CALLED) break;
    if (held > 0) loading!.release();
    last = gone;
    zapped += gone;
    mmu.statistics.add('mmu_recycled', gone);
  }
  // Where nothing but roots is left, more may have been asked for.
  const most = zapped < wanted.least ? wanted.most : zapped;
  if (zapped > 0) mmu.trail?.leave(call!, zapped);
  else mmu.trail?.undo(call!);
  if (zapped > 0) pageLimit.recycled(used, { least: zapped - last + 1, most });
  return zapped > 0;
}

/** [6.1 mmu.c:kvm_mmu_zap_oldest_mmu_pages] as user space or the shrinker asks for it: the oldest pages that are no root go. */
export function* zapOldest(kvm: Kvm, count: number): Steps {
  const { mmu } = kvm;
  const call = mmu.trail?.enter('zapOldest', count);
  let zapped = 0;
  for (const page of mmu.active) {
    if (zapped >= count) break;
    if (mmu.pages.rootCount(mmu.state, page) === 0) zapped += yield* prepareZap(kvm, page);
  }
  mmu.statistics.add('mmu_recycled', zapped);
  mmu.trail?.leave(call!, zapped);
}
