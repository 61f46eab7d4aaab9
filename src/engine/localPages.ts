import { EntryState, entryState } from './entry.js';
import { NO_PAGE, type PageId, type Pfn, type Role, type SpteIndex } from './ids.js';
import type { Mmu } from './mmu.js';

/**
 * Local shadow pages, as posted in 2022 and never merged (seed 001; spec/roots.md §8). The tables above the page directories of a
 * 32-bit guest are shadow pages with a header, so that links, parent pointers and unsync bits reach them; but they shadow no guest
 * table: no hash, no list and no count has them, they have gfn 0, and they live and die with the root of one vCPU.
 */

/** PT32E_ROOT_LEVEL: the PDPT, the lowest level that is local */
export const LOCAL_LEVEL = 3;
const PAE_ROOT_ENTRIES = 4;

/**
 * Whether a vCPU walks from a local root [RFC mmu.c:using_local_root_page]: without paging, with a 32-bit guest, and where the nested
 * page tables of a 32-bit hypervisor are shadowed, whose root is of level 4 or 5.
 *
 * @param guestLevel paging levels of the CPU role; 0 for a direct MMU
 */
export function usingLocalRootPage(direct: boolean, guestLevel: number, rootLevel: number): boolean {
  return direct ? rootLevel === LOCAL_LEVEL : guestLevel <= LOCAL_LEVEL;
}

/**
 * [RFC mmu.c:kvm_mmu_alloc_local_shadow_page]: without a look into the hash, and without an event.
 *
 * @param rootLevel of the vCPU's root: only a root of level 3 lies in the preallocated `pae_root`, which a CR3 of 32 bits can name
 */
export function allocLocalPage(mmu: Mmu, role: Role, rootLevel: number, frameOf: (local: 'pae_root' | 'table') => Pfn | undefined): PageId {
  const local = rootLevel === LOCAL_LEVEL ? 'pae_root' : 'table';
  const page = mmu.createLocal(role, local);
  const frame = frameOf(local);
  if (frame !== undefined) mmu.setFrame(page, frame);
  return page;
}

/**
 * [RFC mmu.c:mmu_free_local_root_page]: level by level, from the top. Roots of level 5 and 4 lead on by entry 0 alone; where that is not
 * present, there is nothing below. What hung below the last one stays in the hash, without a parent.
 */
export function freeLocalRoot(mmu: Mmu, root: PageId): void {
  const call = mmu.trail?.enter('freeLocalRoot', root);
  freeLevels(mmu, root);
  mmu.trail?.leave(call!);
}

function freeLevels(mmu: Mmu, root: PageId): void {
  let page = root;
  while (mmu.pages.level(page) > LOCAL_LEVEL) {
    const below = linkedAt(mmu, page, 0);
    zapPte(mmu, page, 0);
    mmu.freeLocal(page);
    if (below === NO_PAGE) return;
    page = below;
  }
  for (let slot = 0; slot < PAE_ROOT_ENTRIES; slot++) zapPte(mmu, page, slot);
  mmu.freeLocal(page);
}

/** Page directories that a local root leads to, in the order of their addresses. */
export function directoriesOf(mmu: Mmu, root: PageId): PageId[] {
  let page = root;
  while (page !== NO_PAGE && mmu.pages.level(page) > LOCAL_LEVEL) page = linkedAt(mmu, page, 0);
  if (page === NO_PAGE) return [];
  return [0, 1, 2, 3].map((slot) => linkedAt(mmu, page, slot)).filter((child) => child !== NO_PAGE);
}

/** [6.1 mmu.c:mmu_page_zap_pte] without a list: a child that loses its last parent stays. */
function zapPte(mmu: Mmu, page: PageId, index: number): void {
  const call = mmu.trail?.enter('zapPte', page, index);
  mmu.clear(page, index as SpteIndex);
  mmu.trail?.leave(call!);
}

function linkedAt({ pages, state }: Mmu, page: PageId, index: number): PageId {
  const cell = pages.entryCell(page, index as SpteIndex);
  return entryState(state.tag(cell)) === EntryState.link ? (state.number(cell) as PageId) : NO_PAGE;
}
