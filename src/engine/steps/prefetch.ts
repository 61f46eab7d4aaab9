import type { Steps } from '../announcement.js';
import { EntryState, Unseen, entryState } from '../entry.js';
import type { Gfn, PageId, Pfn, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { ACC_WRITE, roleField } from '../role.js';
import type { Reason } from '../reasons.js';
import { accessedMask, dirtyMask, gpteAccess, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import { doubtOf } from './doubt.js';
import { mmuSetSpte, type Leaf } from './setSpte.js';

/** PTE_PREFETCH_NUM */
const GROUP = 8;

/**
 * [6.1 paging_tmpl.h:pte_prefetch]: after a fault at level 1 the absent neighbours in the aligned group of 8 SPTEs are filled from their
 * guest entries, until one fails (spec/fault.md §5.2).
 */
export function* prefetch(kvm: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): Steps {
  const { trail } = kvm.mmu;
  const call = trail?.enter('prefetch', page, index);
  yield* prefetchGroup(kvm, page, index, mode);
  trail?.leave(call!);
}

function* prefetchGroup(kvm: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): Steps {
  const first = index - (index % GROUP);
  let unsure: Reason | undefined;
  for (let at = first as SpteIndex; at < first + GROUP; at++) {
    if (at === index) continue;
    const there = presence(kvm, page, at);
    if (there === true) continue;
    const outcome = yield* prefetchGpte(kvm, page, at, mode, there || unsure);
    if (outcome === 'stop') {
      // With the neighbour perhaps there, the walk may have gone on past it.
      if (!there && !unsure) return;
      unsure ??= there || undefined;
    } else if (outcome !== 'set') unsure ??= outcome;
  }
}

/** true: present; false: absent; a reason when one cannot tell. */
function presence(kvm: Kvm, page: PageId, index: SpteIndex): boolean | Reason {
  const { pages, state } = kvm.mmu;
  const kind = entryState(state.tag(pages.entryCell(page, index)));
  if (kind === EntryState.empty || kind === EntryState.mmio) return false;
  if (kind === EntryState.unknown) return 'mid-life';
  const doubt = doubtOf(kvm, page, index);
  return doubt && doubt.what !== Unseen.write ? doubt.reason : true;
}

/**
 * [6.1 paging_tmpl.h:prefetch_gpte]. Answers whether the SPTE was set, the walk over the group stops here, or why it may stop.
 */
export function* prefetchGpte(
  kvm: Kvm,
  page: PageId,
  index: SpteIndex,
  mode: PagingMode,
  maybe: Reason | false | undefined,
): Steps<'set' | 'stop' | Reason> {
  const { mmu, host } = kvm;
  const gpte = kvm.guest.at(gpteAddress(kvm, page, index, mode), gpteBytes(mode));
  if (gpte === undefined) {
    const came = yield* mmuSetSpte(kvm, prefetchedLeaf(page, index, undefined, undefined, undefined, maybe || 'gpte'));
    return came ? 'set' : 'gpte';
  }
  if (!isPresentGpte(mode, gpte) || !(gpte & accessedMask(mode))) {
    if (!maybe) mmu.clear(page, index);
    return 'stop';
  }
  const gfn = gpteFrame(mode, gpte);
  const access = leafRights(kvm, page, gpte, mode);
  // No page is brought in for it [6.1 mmu.c:gfn_to_pfn_prefetch].
  const backed = host.isAtHand(gfn) === false ? undefined : host.at(gfn);
  if (host.isAbsent(gfn) || host.isAtHand(gfn) === false || (backed && !backed.writable)) return 'stop';
  const reason = maybe || (backed ? undefined : 'host-page');
  const came = yield* mmuSetSpte(kvm, prefetchedLeaf(page, index, gfn, access, backed?.pfn, reason));
  if (came) return 'set';
  return backed ? 'stop' : 'host-page';
}

function prefetchedLeaf(
  page: PageId,
  index: SpteIndex,
  gfn: Gfn | undefined,
  access: number | undefined,
  pfn: Pfn | undefined,
  maybe: Reason | undefined,
): Leaf {
  return { page, index, level: 1, gfn, access, pfn, hostWritable: true, prefetch: true, refused: false, maybe };
}

/** Rights of the SPTE that a guest entry of level 1 gets without a fault: a page that is not dirty yet must fault on its first write. */
export function leafRights({ mmu }: Kvm, page: PageId, gpte: bigint, mode: PagingMode): number {
  const access = roleField(mmu.pages.role(mmu.state, page), 'access') & gpteAccess(mode, gpte);
  return gpte & dirtyMask(mode) ? access : access & ~ACC_WRITE;
}

/** Guest physical address of the entry behind an SPTE of level 1. */
export function gpteAddress({ mmu }: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): number {
  const { gfn, role } = mmu.pages.birth(page);
  if (mode === '32') return gfn * 4096 + (roleField(role, 'quadrant') * 512 + index) * 4;
  return gfn * 4096 + index * 8;
}

/**
 * [6.1 mmu.c:direct_pte_prefetch]: in a direct page every run of absent SPTEs of the group is filled as far as the host has its pages at
 * hand, mapped writable.
 */
export function* directPrefetch(kvm: Kvm, page: PageId, index: SpteIndex): Steps {
  const { mmu, host } = kvm;
  const { gfn, role } = mmu.pages.birth(page);
  const logged = kvm.dirtyLog.runsAt((gfn + index) as Gfn);
  if (logged || kvm.usesTdpMmu) return;
  const first = index - (index % GROUP);
  let unsure: Reason | undefined = logged === undefined ? 'trigger' : undefined;
  let stopped = false;
  for (let at = first as SpteIndex; at < first + GROUP; at++) {
    const there = at === index || presence(kvm, page, at);
    if (there === true) {
      // A run that came to nothing ends the prefetch at its end.
      if (stopped) return;
      continue;
    }
    if (stopped) continue;
    const its = (gfn + at) as Gfn;
    const backed = host.isAtHand(its) === false ? undefined : host.at(its);
    if (host.isAbsent(its) || host.isAtHand(its) === false || (backed && !backed.writable)) {
      if (!unsure) stopped = true;
      continue;
    }
    const came = yield* mmuSetSpte(kvm, {
      page,
      index: at,
      level: 1,
      gfn: its,
      access: roleField(role, 'access'),
      pfn: backed?.pfn,
      hostWritable: true,
      prefetch: true,
      refused: false,
      maybe: there || unsure || (backed ? undefined : 'host-page'),
    });
    if (!came) unsure ??= 'host-page';
  }
}
