import { EntryState, Trust, entryState } from './entry.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from './ids.js';
import type { Kvm } from './kvm.js';
import { Life } from './pages.js';
import { roleField } from './role.js';
import { FRAME_MASK, PAGE_SIZE_BIT, isMmioSpte, pagesPerEntry, spteFrame } from './spte.js';

/** kvm_tdp_mmu_spte_changed. */
export interface TdpChange {
  readonly gfn: Gfn;
  readonly before: bigint;
  readonly after: bigint;
  readonly level: number;
}

/**
 * The TDP MMU of a VM: page tables of a direct MMU, told entry by entry [6.1 tdp_mmu.c:handle_changed_spte]. Answers the table that the
 * change cuts off, if it does.
 */
export function tdpSpteChanged(kvm: Kvm, change: TdpChange): PageId {
  const { mmu } = kvm;
  if (!kvm.usesTdpMmu) shown(kvm);
  const cut = isTable(kvm, change.before, change.level) ? mmu.pageAtFrame(spteFrame(change.before)) : NO_PAGE;
  apply(kvm, change);
  return isTable(kvm, change.after, change.level) && spteFrame(change.after) === spteFrame(change.before) ? NO_PAGE : cut;
}

/** The first such event shows which MMU a VM has; its pages so far were taken for ordinary ones. */
function shown(kvm: Kvm): void {
  const { mmu } = kvm;
  kvm.usesTdpMmu = true;
  for (const page of [...mmu.hashed()]) if (roleField(mmu.pages.role(mmu.state, page), 'direct')) mmu.moveToTdp(page);
}

function apply(kvm: Kvm, { gfn, before, after, level }: TdpChange): void {
  const { mmu } = kvm;
  const index = (Math.floor(gfn / pagesPerEntry(level)) % 512) as SpteIndex;
  const page = tableOf(kvm, gfn, level, index, before);
  if (page === NO_PAGE) return;
  if (isTable(kvm, after, level)) {
    const child = tables(kvm, gfn, level - 1).at(-1);
    if (child === undefined) return mmu.setUnknown(page, index);
    mmu.link(page, index, child, Trust.recorded);
    mmu.setFrame(child, spteFrame(after));
    if (isPresent(kvm, before)) split(kvm, child, gfn, level - 1, before);
  } else if (isMmioSpte(mmu.format, after)) mmu.setMmio(page, index, after, gfn, Trust.recorded);
  else if (isPresent(kvm, after)) mmu.setLeaf(page, index, after, gfn, Trust.recorded);
  else mmu.clear(page, index);
}

/** A large page is split: the new table maps the same with smaller pages [6.1 tdp_mmu.c:tdp_mmu_split_huge_page]. */
function split({ mmu }: Kvm, table: PageId, gfn: Gfn, level: number, large: bigint): void {
  const pages = pagesPerEntry(level);
  const spte = level === 1 ? large & ~PAGE_SIZE_BIT : large;
  for (let i = 0; i < 512; i++) {
    mmu.setLeaf(table, i as SpteIndex, spte + BigInt(i * pages * 4096), (gfn + i * pages) as Gfn, Trust.derived);
  }
}

/** Large pages, in the order in which they are split when dirty logging begins. */
export function largeLeaves({ mmu }: Kvm): { page: PageId; index: SpteIndex; gfn: Gfn }[] {
  const found: { page: PageId; index: SpteIndex; gfn: Gfn }[] = [];
  for (const page of mmu.tdpPages) {
    if (mmu.pages.level(page) === 1) continue;
    for (let i = 0; i < 512; i++) {
      const index = i as SpteIndex;
      const cell = mmu.pages.entryCell(page, index);
      if (entryState(mmu.state.tag(cell)) !== EntryState.leaf) continue;
      found.push({ page, index, gfn: mmu.state.number(mmu.pages.gfnCell(page, index)) as Gfn });
    }
  }
  return found.sort((a, b) => a.gfn - b.gfn);
}

/** The table whose entry changes: among those for this range the one with that entry. */
function tableOf(kvm: Kvm, gfn: Gfn, level: number, index: SpteIndex, before: bigint): PageId {
  const { pages, state } = kvm.mmu;
  const candidates = tables(kvm, gfn, level);
  const held = (page: PageId): boolean => {
    const cell = pages.entryCell(page, index);
    const kind = entryState(state.tag(cell));
    if (isTable(kvm, before, level))
      return kind === EntryState.link && pages.frame(state, state.number(cell) as PageId) === spteFrame(before);
    if (kind === EntryState.leaf) return ((state.word(cell) ^ before) & FRAME_MASK) === 0n;
    return kind !== EntryState.link && !isPresent(kvm, before);
  };
  return candidates.findLast(held) ?? candidates.at(-1) ?? NO_PAGE;
}

function tables({ mmu }: Kvm, gfn: Gfn, level: number): PageId[] {
  const base = (gfn - (gfn % pagesPerEntry(level + 1))) as Gfn;
  return mmu.livePages(base).filter((page) => mmu.tdpPages.has(page) && mmu.pages.level(page) === level);
}

function isPresent({ mmu }: Kvm, spte: bigint): boolean {
  const present = mmu.format.present | mmu.format.mmuPresent;
  return (spte & present) === present;
}

function isTable(kvm: Kvm, spte: bigint, level: number): boolean {
  return level > 1 && isPresent(kvm, spte) && !(spte & PAGE_SIZE_BIT);
}

/** All roots of the TDP MMU are given up [6.1 tdp_mmu.c:kvm_tdp_mmu_invalidate_all_roots]: none is found again. */
export function invalidateTdpRoots({ mmu }: Kvm): void {
  const { pages, state } = mmu;
  for (const page of mmu.tdpPages) if (pages.life(state, page) === Life.active && pages.rootCount(state, page) > 0) pages.pin(state, page);
}
