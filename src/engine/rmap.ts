import type { Gfn, PageId, SpteIndex } from './ids.js';
import { EntryState, entryState } from './entry.js';
import type { ShadowPages } from './pages.js';
import { Places, type SptePlace } from './places.js';
import type { State } from './state.js';

/** The reverse map: leaves by the first guest frame that they map. */
export class ReverseMap extends Places<Gfn> {
  /**
   * @param writable W of an SPTE
   * @param all every leaf is in it; before 2.6.25 only the writable ones are [2.6.24 mmu.c:is_rmap_pte]
   */
  constructor(
    private readonly writable: bigint,
    private readonly all: boolean,
  ) {
    super();
  }

  addLeaf(gfn: Gfn, page: PageId, index: SpteIndex, spte: bigint): void {
    if (this.all || spte & this.writable) this.add(gfn, page, index);
  }

  /** A leaf lost its W. */
  protect(gfn: Gfn, page: PageId, index: SpteIndex): void {
    if (!this.all) this.remove(gfn, page, index);
  }
}

/** Whether a leaf maps from a gfn on: a pointer of the reverse map may lead nowhere, where an SPTE was overwritten. */
export function mapsFrom({ pages, state }: { pages: ShadowPages; state: State }, { page, index }: SptePlace, gfn: Gfn): boolean {
  const isLeaf = entryState(state.tag(pages.entryCell(page, index))) === EntryState.leaf;
  return isLeaf && state.number(pages.gfnCell(page, index)) === gfn && pages.isLive(state, page);
}
