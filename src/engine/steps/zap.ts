import { Output, type PageAnnouncement, type Steps } from '../announcement.js';
import type { PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import type { Vcpu } from '../vcpu.js';
import { unsyncBelow } from './unsync.js';

/** What the events about a live page say of it now. */
export function pageEvent(kvm: Kvm, output: PageAnnouncement['output'], page: PageId, next?: PageId): PageAnnouncement {
  const { pages, state } = kvm.mmu;
  const fields = {
    gfn: pages.birth(page).gfn,
    role: pages.role(state, page),
    generation: pages.birth(page).generation,
    rootCount: pages.rootCount(state, page),
    unsync: pages.isUnsync(state, page),
  };
  return { output, page, fields, ...(next === undefined ? {} : { next }) };
}

/**
 * [6.1 mmu.c:__kvm_mmu_prepare_zap_page]: the page's own event, then the unsync pages below it, then its own return to sync. Answers
 * how many pages went (spec/zap.md §2).
 */
export function* prepareZap(kvm: Kvm, page: PageId): Steps<number> {
  const { pages, state } = kvm.mmu;
  const wasUnsync = pages.isUnsync(state, page);
  const below = unsyncBelow(kvm, page);
  const gone = pages.rootCount(state, page) === 0 ? 1 : 0;
  const synced = wasUnsync ? pageEvent(kvm, Output.syncPage, page) : undefined;
  yield pageEvent(kvm, Output.prepareZap, page);
  let zapped = gone;
  for (const child of below) if (pages.life(state, child) === Life.active) zapped += yield* prepareZap(kvm, child);
  if (synced) yield synced;
  return zapped;
}

/** [6.1 mmu.c:kvm_zap_obsolete_pages]: pages of the old generation, from the tail of the active list: the oldest first. */
export function* zapObsolete(kvm: Kvm): Steps {
  const { mmu } = kvm;
  for (const page of activeList(kvm)) {
    if (mmu.pages.life(mmu.state, page) !== Life.active) continue;
    if (mmu.pages.birth(page).generation === mmu.generation()) return;
    yield* prepareZap(kvm, page);
  }
}

/** [6.1 mmu.c:kvm_mmu_zap_all]: when a VM is torn down every page goes, from the head of the active list: the newest first. */
export function* zapAll(kvm: Kvm, vcpus: readonly Vcpu[]): Steps {
  const { mmu } = kvm;
  for (const page of activeList(kvm).reverse()) if (mmu.pages.life(mmu.state, page) === Life.active) yield* prepareZap(kvm, page);
  for (const vcpu of vcpus) yield* freeRoots(kvm, vcpu);
}

/** [6.1 mmu.c:kvm_mmu_zap_all_fast]. */
export function* zapAllFast(kvm: Kvm): Steps {
  yield {
    output: Output.zapAllFast,
    generation: kvm.mmu.generation(),
    usedPages: kvm.mmu.usedPages(),
    maybe: 'trigger',
  };
  yield* zapObsolete(kvm);
}

/** `active_mmu_pages` from the tail: pages in the order of their birth. */
export function activeList({ mmu }: Kvm): PageId[] {
  return mmu.activePages();
}

/**
 * [6.1 mmu.c:kvm_mmu_free_roots]: a vCPU lets its roots go, the previous ones first, then the slots in order. A zapped page that loses
 * its last root_count is zapped a second time.
 */
export function* freeRoots(kvm: Kvm, vcpu: Vcpu): Steps {
  const { pages, state } = kvm.mmu;
  const held = vcpu.heldRoots();
  const isLast = (page: PageId): boolean =>
    pages.life(state, page) === Life.pinned && pages.rootCount(state, page) <= held.filter((other) => other === page).length;
  const going = new Set(held.filter(isLast));
  while (going.size) {
    const gone = yield* freeOne(kvm, [...going], vcpu.isRootCertain());
    going.delete(gone);
  }
}

/** Which of the cached roots is in use, and so goes last, is not known after a silent switch. Answers which one went. */
function* freeOne(kvm: Kvm, going: readonly PageId[], ordered: boolean): Steps<PageId> {
  const last = ordered ? 0 : going.length - 1;
  for (const [i, page] of going.slice(0, last + 1).entries()) {
    const event = pageEvent(kvm, Output.prepareZap, page);
    const came = yield { ...event, fields: { ...event.fields, rootCount: 0 }, ...(i === last ? {} : { maybe: 'root' as const }) };
    if (came) return page;
  }
  return going[last]!;
}
