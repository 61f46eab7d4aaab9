import type { EventIndex, PageId } from '../engine/ids.js';
import type { ShadowPages } from '../engine/pages.js';
import type { State } from '../engine/state.js';

/** Pages of a block: as many look-ups as one long-lived page among many short-lived ones costs. */
const BLOCK = 64;
/** Some page of the block lives yet. */
const OPEN = Infinity;

/**
 * Which pages live at a position, without a look at every page ever born: pages are numbered in order of birth, so those that are born
 * later are left out together, and of those before, a block that was gone by then is.
 */
export class LivePages {
  /** by block: the event after which all of its pages are gone */
  private readonly gone: number[] = [];

  constructor(private readonly pages: ShadowPages) {}

  /** Live pages in order of birth. */
  *at(state: State): Generator<PageId> {
    const { pages } = this;
    for (let block = 0; block * BLOCK <= pages.last && this.bornIn(block) <= state.event; block++) {
      if (this.goneAfter(block) < state.event) continue;
      const end = Math.min((block + 1) * BLOCK - 1, pages.last);
      for (let id = Math.max(1, block * BLOCK) as PageId; id <= end && pages.born(id) <= state.event; id++) {
        if (pages.died(id) >= state.event && pages.isLive(state, id)) yield id;
      }
    }
  }

  /** When the first page of a block was born. */
  private bornIn(block: number): EventIndex {
    return this.pages.born(Math.max(1, block * BLOCK) as PageId);
  }

  private goneAfter(block: number): number {
    const known = this.gone[block];
    if (known !== undefined) return known;
    const end = (block + 1) * BLOCK;
    if (end > this.pages.last) return OPEN;
    let last = 0;
    for (let id = Math.max(1, block * BLOCK); id < end; id++) last = Math.max(last, this.pages.died(id as PageId));
    if (last !== Infinity) this.gone[block] = last;
    return last;
  }
}
