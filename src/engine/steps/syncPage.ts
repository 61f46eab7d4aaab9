import { Output, type Steps } from '../announcement.js';
import { EntryState, Unseen, entryState } from '../entry.js';
import { accessedMask, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import type { Gfn, PageId, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import type { Reason } from '../reasons.js';
import { attempt } from './attempt.js';
import { doubtOf } from './doubt.js';
import { gpteAddress } from './prefetch.js';
import { certainEntries, remarkMmio, syncLeaves } from './syncEntries.js';
import { unsyncBelow } from './unsync.js';
import { pageEvent, prepareZap } from './zap.js';

const ENTRIES = 512;

/**
 * [6.1 mmu.c:kvm_sync_page]: an unsync page is held against its guest table. Answers whether that was done.
 *
 * @param next the page that is synced after it
 */
export function* syncPage(kvm: Kvm, page: PageId, next: PageId | undefined, maybe?: Reason): Steps<boolean> {
  const keeps = kvm.mmu.has('sync-zaps-empty') ? keepsAny(kvm, page) : true;
  const certain = certainEntries(kvm, page);
  const event = pageEvent(kvm, Output.syncPage, page, next);
  const call = kvm.mmu.trail?.enter('syncPage', page);
  const came = yield maybe ? { ...event, maybe } : event;
  if (!came) {
    kvm.mmu.trail?.undo(call!);
    return false;
  }
  yield* remarkMmio(kvm, page, certain);
  syncLeaves(kvm, page, certain);
  yield* zapEmptied(kvm, page, keeps);
  kvm.mmu.trail?.leave(call!);
  return true;
}

/**
 * [6.1 mmu.c:mmu_sync_children]: every unsync page below one is brought back in sync; `maybe` until the first of them came. Answers whether any was.
 */
export function* syncChildren(kvm: Kvm, top: PageId, maybe?: Reason): Steps<boolean> {
  const below = unsyncBelow(kvm, top);
  if (below.length === 0) return false;
  const { trail } = kvm.mmu;
  const call = trail?.enter('syncChildren', top);
  const synced = yield* syncAll(kvm, top, below, maybe);
  if (synced) trail?.leave(call!);
  else trail?.undo(call!);
  return synced;
}

function* syncAll(kvm: Kvm, top: PageId, below: readonly PageId[], maybe: Reason | undefined): Steps<boolean> {
  const later: PageId[] = [];
  let unsure = maybe;
  for (const [i, page] of below.entries()) {
    if (!kvm.mmu.pages.isUnsync(kvm.mmu.state, page)) continue;
    const doubt = unsure ? undefined : doubtOfWay(kvm, page, top);
    const came = yield* syncPage(kvm, page, below[i + 1], unsure ?? doubt);
    if (came) unsure = undefined;
    else if (unsure) return false;
    else later.push(page);
  }
  // Its turn is another one where the link that came first is gone.
  for (const page of later) {
    if (kvm.mmu.pages.isUnsync(kvm.mmu.state, page)) yield* syncPage(kvm, page, undefined, doubtOfWay(kvm, page, top) ?? 'gpte');
  }
  return true;
}

/** Why no link on any way from the top to a page is certain; undefined where one is. */
function doubtOfWay(kvm: Kvm, page: PageId, top: PageId): Reason | undefined {
  if (page === top) return undefined;
  let why: Reason | undefined;
  for (const parent of kvm.mmu.parents(page)) {
    const doubt = doubtOf(kvm, parent.page, parent.index)?.reason ?? doubtOfWay(kvm, parent.page, top);
    if (doubt === undefined) return undefined;
    why ??= doubt;
  }
  return why ?? 'gpte';
}

/** [5.10 mmu.c:__kvm_sync_page]: a page that a sync left without any SPTE is zapped. Answers whether it was. */
export function* zapEmptied(kvm: Kvm, page: PageId, keeps: boolean | undefined, maybe?: Reason): Steps<boolean> {
  if (keeps) return false;
  if (keeps === undefined || maybe) return yield* attempt(kvm, prepareZap(kvm, page), maybe ?? 'gpte');
  yield* prepareZap(kvm, page);
  return true;
}

/** Whether a sync leaves any SPTE of a page; undefined when its guest entries do not tell. */
export function keepsAny(kvm: Kvm, page: PageId): boolean | undefined {
  const mode: PagingMode = roleField(kvm.mmu.pages.birth(page).role, 'has4ByteGpte') ? '32' : '4-level';
  let unsure = kvm.mmu.incomplete;
  for (let index = 0; index < ENTRIES; index++) {
    const keeps = keepsEntry(kvm, page, index as SpteIndex, mode);
    if (keeps) return true;
    unsure ||= keeps === undefined;
  }
  return unsure ? undefined : false;
}

function keepsEntry(kvm: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): boolean | undefined {
  const { pages, state } = kvm.mmu;
  const kind = entryState(state.tag(pages.entryCell(page, index)));
  if (kind === EntryState.empty) return false;
  const doubt = doubtOf(kvm, page, index);
  const gpte = kvm.guest.at(gpteAddress(kvm, page, index, mode), gpteBytes(mode));
  if (kind === EntryState.unknown || gpte === undefined || (doubt && doubt.what !== Unseen.write)) return undefined;
  if (!isPresentGpte(mode, gpte) || !(gpte & accessedMask(mode))) return false;
  return gpteFrame(mode, gpte) === (state.number(pages.gfnCell(page, index)) as Gfn);
}
