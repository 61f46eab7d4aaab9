import { Output, type Steps } from '../announcement.js';
import { EntryState, Trust, entryState } from '../entry.js';
import { accessedMask, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import type { Gfn, PageId, Role, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import { spteFrame } from '../spte.js';
import { doubtOf } from './doubt.js';
import { gpteAddress, leafRights } from './prefetch.js';
import { markMmioSpte, refreshedSpte } from './setSpte.js';

const ENTRIES = 512;

/** Which SPTEs of a page are certain: to be asked before the event of a sync, which puts all of them in doubt. */
export function certainEntries(kvm: Kvm, page: PageId): ReadonlySet<SpteIndex> {
  const { pages, state } = kvm.mmu;
  const certain = new Set<SpteIndex>();
  for (let at = 0; at < ENTRIES; at++) {
    const index = at as SpteIndex;
    const kind = entryState(state.tag(pages.entryCell(page, index)));
    if ((kind === EntryState.leaf || kind === EntryState.mmio) && !doubtOf(kvm, page, index)) certain.add(index);
  }
  return certain;
}

/**
 * [6.1 mmu.c:sync_mmio_spte]: an MMIO SPTE whose guest entry still names the frame is marked again, whether a memory slot holds that by now
 * or not.
 */
export function* remarkMmio(kvm: Kvm, page: PageId, certain: ReadonlySet<SpteIndex>): Steps {
  for (const index of entriesOf(kvm, page, EntryState.mmio)) {
    const guest = guestEntry(kvm, page, index, certain);
    if (guest?.kept === false) kvm.mmu.clear(page, index);
    else if (!kvm.mmu.has('mmio-sptes')) continue;
    else if (guest) yield* markMmioSpte(kvm, page, index, guest.gfn, guest.access);
    else yield* remarkUnknown(kvm, page, index);
  }
}

/**
 * [6.1 paging_tmpl.h:sync_page]: every leaf is held against its guest entry (spec/getpage.md §8). What becomes of it is known where it was
 * certain before and its guest entry is; the others stay in doubt.
 */
export function syncLeaves(kvm: Kvm, page: PageId, certain: ReadonlySet<SpteIndex>): void {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  for (const index of entriesOf(kvm, page, EntryState.leaf)) {
    const guest = guestEntry(kvm, page, index, certain);
    if (guest?.kept === false) mmu.clear(page, index);
    if (!guest?.kept) continue;
    const rights = mmu.leafRights(page, index);
    // From 6.4 on an SPTE whose noted rights are still right is left alone, and no event shows them.
    if (!mmu.has('sync-clears-accessed') && rights === undefined) continue;
    const { gfn, access } = guest;
    mmu.setLeaf(page, index, state.word(pages.entryCell(page, index)), gfn, Trust.derived, rights);
    if (mmu.has('sync-clears-accessed') || rights !== access) remakeLeaf(kvm, page, index, gfn, access);
  }
}

/** A leaf is made again from the frame that it has, with the rights of its guest entry. */
export function remakeLeaf(kvm: Kvm, page: PageId, index: SpteIndex, gfn: Gfn, access: number): void {
  const { mmu } = kvm;
  const before = mmu.state.word(mmu.pages.entryCell(page, index));
  const hostWritable = mmu.format.hostWritable === 0n || (before & mmu.format.hostWritable) !== 0n;
  const leaf = { page, index, level: 1, gfn, access, pfn: spteFrame(before), hostWritable, prefetch: true, refused: false };
  mmu.setLeaf(page, index, refreshedSpte(kvm, leaf), gfn, Trust.derived, access);
}

/** Indexes of the SPTEs of one kind. */
function entriesOf({ mmu: { pages, state } }: Kvm, page: PageId, kind: EntryState): SpteIndex[] {
  const indexes: SpteIndex[] = [];
  for (let at = 0; at < ENTRIES; at++) {
    if (entryState(state.tag(pages.entryCell(page, at as SpteIndex))) === kind) indexes.push(at as SpteIndex);
  }
  return indexes;
}

/** What the guest's own entry says of an SPTE, and whether a sync keeps it; undefined where that is not known. */
function guestEntry(
  kvm: Kvm,
  page: PageId,
  index: SpteIndex,
  certain: ReadonlySet<SpteIndex>,
): { kept: boolean; gfn: Gfn; access: number } | undefined {
  const { pages, state } = kvm.mmu;
  const mode = tableMode(pages.birth(page).role);
  const gpte = mode && certain.has(index) ? kvm.guest.at(gpteAddress(kvm, page, index, mode), gpteBytes(mode)) : undefined;
  if (!mode || gpte === undefined) return undefined;
  const gfn = state.number(pages.gfnCell(page, index)) as Gfn;
  const kept = isPresentGpte(mode, gpte) && (gpte & accessedMask(mode)) !== 0n && gpteFrame(mode, gpte) === gfn;
  return { kept, gfn, access: leafRights(kvm, page, gpte, mode) };
}

/** The guest entry of an MMIO SPTE is not known. */
function* remarkUnknown(kvm: Kvm, page: PageId, index: SpteIndex): Steps {
  yield {
    output: Output.markMmio,
    page,
    index,
    gfn: undefined,
    access: undefined,
    generation: kvm.slotGeneration,
    maybe: 'gpte',
    open: ['gpte', 'pointer'],
  };
}

/** Format of the guest table behind a page of level 1; undefined for a nested guest, whose tables may be EPT's. */
function tableMode(role: Role): PagingMode | undefined {
  if (roleField(role, 'has4ByteGpte')) return '32';
  return roleField(role, 'guest_mode') ? undefined : '4-level';
}
