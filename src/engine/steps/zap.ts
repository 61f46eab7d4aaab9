import { Output, type Identity, type PageAnnouncement, type Steps } from '../announcement.js';
import type { PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import type { Reason } from '../reasons.js';
import type { Vcpu } from '../vcpu.js';
import { unsyncBelow } from './unsync.js';

/** The answer of {@link prepareZap} where the event did not come. */
export const NOT_CALLED = -1;

/** What the events about a live page say of it now. */
export function pageEvent(kvm: Kvm, output: PageAnnouncement['output'], page: PageId, next?: PageId): PageAnnouncement {
  const { pages, state } = kvm.mmu;
  const fields = {
    gfn: pages.gfn(state, page),
    role: pages.role(state, page),
    generation: pages.birth(page).generation,
    rootCount: kvm.doubtedRoots.has(page) ? undefined : pages.rootCount(state, page),
    unsync: pages.isUnsync(state, page),
  };
  const open = fields.rootCount === undefined ? { open: ['root'] as const } : {};
  const other = pages.disputed(state, page);
  return { output, page, fields, ...open, ...(next === undefined ? {} : { next: identityOf(kvm, next) }), ...(other ? { other } : {}) };
}

function identityOf({ mmu }: Kvm, page: PageId): Identity {
  return { gfn: mmu.pages.gfn(mmu.state, page), role: mmu.pages.role(mmu.state, page) };
}

/** What a zap is told about its surroundings. */
export interface ZapPlace {
  /** it may not be called at all; {@link NOT_CALLED} is the answer then */
  readonly maybe?: Reason | undefined;
  /** the page that goes after it and what goes with it, where that is known */
  readonly next?: PageId | undefined;
  /** the vCPUs that held it as a root have let it go */
  readonly released?: boolean;
}

/**
 * [6.1 mmu.c:__kvm_mmu_prepare_zap_page]: the page's own event, then the unsync pages below it, then its own return to sync. Answers
 * how many pages went (spec/zap.md §2).
 */
export function* prepareZap(kvm: Kvm, page: PageId, { maybe, next, released = false }: ZapPlace = {}): Steps<number> {
  const { pages, state } = kvm.mmu;
  const wasUnsync = pages.isUnsync(state, page);
  const below = unsyncBelow(kvm, page);
  const gone = released || pages.rootCount(state, page) === 0 ? 1 : 0;
  const synced = wasUnsync ? pageEvent(kvm, Output.syncPage, page) : undefined;
  const held = pageEvent(kvm, Output.prepareZap, page, below[0] ?? next);
  const event = released ? { ...held, fields: { ...held.fields, rootCount: 0 } } : held;
  const { trail } = kvm.mmu;
  const call = trail?.enter('prepareZap', page);
  const came = yield maybe ? { ...event, maybe } : event;
  if (!came && maybe) {
    trail?.undo(call!);
    return NOT_CALLED;
  }
  let zapped = gone;
  const children = below.length > 0 ? trail?.enter('zapUnsyncChildren', page) : undefined;
  for (const [i, child] of below.entries()) {
    if (pages.life(state, child) === Life.active) zapped += yield* prepareZap(kvm, child, { next: below[i + 1] ?? next });
  }
  if (children !== undefined) trail?.leave(children, zapped - gone);
  if (synced) yield synced;
  trail?.leave(call!);
  return zapped;
}

/** [6.1 mmu.c:kvm_zap_obsolete_pages]: pages of the old generation, from the tail of the active list: the oldest first. */
export function* zapObsolete(kvm: Kvm): Steps {
  const { mmu } = kvm;
  const isObsolete = (page: PageId): boolean =>
    mmu.pages.life(mmu.state, page) === Life.active && mmu.pages.birth(page).generation !== mmu.generation();
  const call = mmu.trail?.enter('zapObsolete');
  yield* zapList(kvm, [...mmu.active].values(), isObsolete);
  mmu.trail?.leave(call!);
}

/**
 * [6.1 mmu.c:kvm_mmu_zap_all]: when a VM is torn down every page goes, from the head of the active list: the newest first. The end of a
 * VM has no event, so that the first page may not come.
 */
export function* zapAll(kvm: Kvm): Steps {
  const { mmu, vcpus } = kvm;
  const isActive = (page: PageId): boolean => mmu.pages.life(mmu.state, page) === Life.active;
  // A root in use would stay for ever: the vCPUs go first [2.6.24 mmu.c:free_mmu_pages].
  const released = !mmu.has('invalid-roots');
  const call = mmu.trail?.enter('zapAll');
  if (!(yield* zapList(kvm, mmu.active.newestFirst(), isActive, 'trigger', released))) return mmu.trail?.undo(call!);
  mmu.trail?.leave(call!);
  for (const vcpu of vcpus) {
    yield* freeRoots(kvm, vcpu);
    vcpu.release();
  }
}

/** [6.1 mmu.c:kvm_mmu_zap_all_fast]. Answers whether it came: a slot change has no event. */
export function* zapAllFast(kvm: Kvm): Steps<boolean> {
  const { mmu } = kvm;
  const call = mmu.trail?.enter('zapAllFast');
  const came = yield {
    output: Output.zapAllFast,
    generation: mmu.generation(),
    usedPages: mmu.incomplete ? undefined : mmu.usedPages(),
    maybe: 'trigger',
    open: mmu.incomplete ? ['mid-life'] : [],
  };
  if (came) yield* zapObsolete(kvm);
  if (came) mmu.trail?.leave(call!);
  else mmu.trail?.undo(call!);
  return came !== undefined;
}

/** One page after the other, as long as it is there. Answers false if the first did not come; `maybe` is its reservation. */
function* zapList(kvm: Kvm, list: Iterator<PageId>, isWanted: (page: PageId) => boolean, maybe?: Reason, released = false): Steps<boolean> {
  const after = (): PageId | undefined => {
    const result = list.next();
    return result.done ? undefined : result.value;
  };
  const following = (from?: PageId): PageId | undefined => {
    let page = from ?? after();
    while (page !== undefined && !isWanted(page)) page = after();
    return page;
  };
  let unsure = maybe;
  for (let page = following(); page !== undefined;) {
    const next = following();
    const zapped: number = yield* prepareZap(kvm, page, { maybe: unsure, next, released });
    if (zapped === NOT_CALLED) return false;
    unsure = undefined;
    // It may have gone with the page before it.
    page = next && following(next);
  }
  return unsure === undefined;
}

/**
 * [6.1 mmu.c:kvm_mmu_free_roots]: a vCPU lets its roots go, the previous ones first, then the slots in order. A zapped page that loses
 * its last root_count is zapped a second time.
 */
export function* freeRoots(kvm: Kvm, vcpu: Vcpu): Steps {
  const { pages, state } = kvm.mmu;
  const held = vcpu.heldRoots();
  // The TDP MMU lets a root go without an event of its own.
  const isLast = (page: PageId): boolean =>
    !kvm.mmu.tdpPages.has(page) &&
    pages.life(state, page) === Life.pinned &&
    pages.rootCount(state, page) <= held.filter((other) => other === page).length;
  const going = new Set(held.filter(isLast));
  const call = going.size ? kvm.mmu.trail?.enter('freeRoots', vcpu.id) : undefined;
  while (going.size) {
    const gone = yield* freeOne(kvm, [...going], vcpu.isRootCertain());
    going.delete(gone);
  }
  if (call !== undefined) kvm.mmu.trail?.leave(call);
}

/** Which of the cached roots is in use, and so goes last, is not known after a silent switch. Answers which one went. */
function* freeOne(kvm: Kvm, going: readonly PageId[], ordered: boolean): Steps<PageId> {
  const last = ordered ? 0 : going.length - 1;
  for (const [i, page] of going.slice(0, last + 1).entries()) {
    const event = pageEvent(kvm, Output.prepareZap, page, going[i + 1]);
    const call = kvm.mmu.trail?.enter('prepareZap', page);
    const came = yield { ...event, fields: { ...event.fields, rootCount: 0 }, ...(i === last ? {} : { maybe: 'root' as const }) };
    if (came) kvm.mmu.trail?.leave(call!);
    else kvm.mmu.trail?.undo(call!);
    if (came) return page;
  }
  return going[last]!;
}
