import type { Steps } from '../announcement.js';
import { EntryState, Trust, Unseen, entryState } from '../entry.js';
import { accessedMask, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Reason } from '../reasons.js';
import { ACC_EXEC, ACC_USER, ACC_WRITE } from '../role.js';
import { NX } from '../spte.js';
import { attempt } from './attempt.js';
import { doubtOf } from './doubt.js';
import type { ShadowFault } from './fault.js';
import { gpteAddress, leafRights, prefetchGpte } from './prefetch.js';
import { markMmio } from './setSpte.js';
import { remakeLeaf } from './syncEntries.js';

/**
 * [6.1 paging_tmpl.h:invlpg]: the entry of an address in an unsync page is dropped, and made anew from the guest entry when that is
 * present and accessed. A #PF that is injected with P=1 does this for its address first (spec/fault.md §11.1).
 */
export function* invalidate(fault: ShadowFault): Steps {
  const { kvm, address } = fault;
  const call = kvm.mmu.trail?.enter('invalidate', address);
  const reached = reachesTable(fault);
  if (reached === true) yield* invalidateLast(fault);
  else if (reached) yield* attempt(kvm, invalidateLast(fault), reached);
  kvm.mmu.trail?.leave(call!);
}

/** Whether links lead down to level 1; a reason where one cannot tell. */
function reachesTable({ kvm, vcpu, path }: ShadowFault): boolean | Reason {
  const { pages, state } = kvm.mmu;
  let unsure: Reason | undefined;
  for (let level = vcpu.rootLevel(); level > 1; level--) {
    const page = path.at(level);
    if (page === NO_PAGE) break;
    const kind = entryState(state.tag(pages.entryCell(page, path.indexAt(level))));
    if (kind === EntryState.unknown) unsure ??= 'root';
    else if (kind === EntryState.link) {
      if (state.number(pages.entryCell(page, path.indexAt(level))) !== path.at(level - 1)) return false;
    } else if (!kvm.mmu.incomplete || !pages.birth(page).before) return false;
    unsure ??= doubtOf(kvm, page, path.indexAt(level))?.reason;
  }
  return unsure ?? true;
}

function* invalidateLast({ kvm, path, walk }: ShadowFault): Steps {
  const { pages, state } = kvm.mmu;
  const page = path.at(1);
  if (page === NO_PAGE || !pages.isUnsync(state, page)) return;
  const index = path.indexAt(1);
  const before = entryState(state.tag(pages.entryCell(page, index)));
  if (kvm.mmu.has('invalidate-syncs')) return yield* syncSpte(kvm, page, index, walk.mode);
  if (before === EntryState.leaf || before === EntryState.mmio) kvm.mmu.clear(page, index);
  yield* prefetchGpte(kvm, page, index, walk.mode, undefined);
}

/**
 * [6.12 paging_tmpl.h:sync_spte]: the SPTE is held against its guest entry. It goes when that leads elsewhere, is made anew when the
 * rights are others, and stays as it is otherwise.
 */
function* syncSpte(kvm: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): Steps {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  const kind = entryState(state.tag(pages.entryCell(page, index)));
  if (kind === EntryState.empty || doubtOf(kvm, page, index)) return;
  const gpte = kvm.guest.at(gpteAddress(kvm, page, index, mode), gpteBytes(mode));
  if (gpte === undefined) return mmu.doubt(page, index, Unseen.any);
  const gfn = state.number(pages.gfnCell(page, index)) as Gfn;
  if (!isPresentGpte(mode, gpte) || !(gpte & accessedMask(mode)) || gpteFrame(mode, gpte) !== gfn) return mmu.clear(page, index);
  const access = leafRights(kvm, page, gpte, mode);
  if (kind === EntryState.mmio) yield* markMmio(kvm, page, index, gfn, access);
  else if (kind === EntryState.leaf) {
    const rights = mmu.leafRights(page, index);
    if (rights === undefined) remake(kvm, page, index, gfn, access);
    else if (rights !== access) remakeLeaf(kvm, page, index, gfn, access);
  }
}

/** An SPTE whose rights are no longer those of its guest entry; one that shows no W may have been write-protected, with W in its rights. */
function remake({ mmu }: Kvm, page: PageId, index: SpteIndex, gfn: Gfn, access: number): void {
  const { format } = mmu;
  const before = mmu.state.word(mmu.pages.entryCell(page, index));
  const rights = (before & NX ? 0 : ACC_EXEC) | (before & format.user ? ACC_USER : 0) | (before & format.writable ? ACC_WRITE : 0);
  const changed = (rights ^ access) & (ACC_EXEC | ACC_USER | ACC_WRITE);
  if (changed === 0) return;
  if (access & ~rights & ACC_WRITE) return mmu.doubt(page, index, Unseen.any);
  const volatile = NX | format.user | format.accessed | (access & ACC_WRITE ? 0n : format.writable | format.mmuWritable | format.dirty);
  const spte = (before & ~volatile) | (access & ACC_EXEC ? 0n : NX) | (access & ACC_USER ? format.user : 0n);
  mmu.setLeaf(page, index, spte, gfn, Trust.derived);
}
