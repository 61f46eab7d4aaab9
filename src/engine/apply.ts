import { Output, type Announcement, type Came } from './announcement.js';
import { Trust } from './entry.js';
import type { FaultPath } from './faultPath.js';
import { NO_PAGE, type Gfn } from './ids.js';
import { mmioEntry } from './mmioEntry.js';
import type { Mmu } from './mmu.js';
import { FRAME_MASK, isMmioSpte } from './spte.js';
import type { Vcpu } from './vcpu.js';

const NOTHING: Came = { page: NO_PAGE, index: -1 };

/** Where an announced event takes place. */
export interface Place {
  readonly mmu: Mmu;
  readonly vcpu: Vcpu | undefined;
  /** the way of the fault in hand */
  readonly path: FaultPath | undefined;
}

/** The effect of an event by what was announced of it: for one that a trace does not show, and where there is no trace at all. */
export function apply({ mmu, vcpu, path }: Place, announced: Announcement, trust: Trust): Came {
  const { pages, state } = mmu;
  switch (announced.output) {
    case Output.getPage: {
      const { gfn, role, generation } = announced.fields;
      if (gfn === undefined || role === undefined) return NOTHING;
      if (announced.page !== NO_PAGE) mmu.lookedUp(gfn, announced.page);
      const page = announced.page !== NO_PAGE ? announced.page : mmu.create({ gfn, role, generation, before: false });
      if (announced.slot === undefined) path?.took(pages.level(page), page, false, trust);
      else vcpu?.setRoot(announced.slot, page, pages.rootCount(state, page) + 1, trust);
      return { page, index: -1 };
    }
    case Output.prepareZap:
      if (pages.isLive(state, announced.page)) mmu.zap(announced.page, announced.fields.rootCount ?? 0);
      return { page: announced.page, index: -1 };
    case Output.unsyncPage:
      mmu.unsync(announced.page);
      return { page: announced.page, index: -1 };
    case Output.syncPage:
      if (pages.isLive(state, announced.page)) mmu.sync(announced.page);
      return { page: announced.page, index: -1 };
    case Output.setSpte: {
      const { page, index, gfn, spte, level } = announced;
      if (index === undefined || gfn === undefined) return NOTHING;
      path?.provenDownTo(level);
      // A frame that no event showed is not made up: that something is mapped is all that is known.
      if ((~spte.mask & FRAME_MASK) !== 0n) {
        mmu.clear(page, index);
        mmu.setUnknown(page, index, trust);
      } else if (isMmioSpte(mmu.format, spte.value)) mmu.setMmio(page, index, spte.value, gfn, trust);
      else mmu.setLeaf(page, index, spte.value, gfn, trust, announced.rights);
      return { page, index };
    }
    case Output.markMmio: {
      const { page, index, gfn, access, generation } = announced;
      if (gfn === undefined || access === undefined) return NOTHING;
      path?.provenDownTo(1);
      const spte = mmioEntry(mmu, gfn, access, generation ?? 0);
      mmu.setMmio(page, index, spte, gfn, generation === undefined ? Trust.assumed : trust);
      return { page, index };
    }
    case Output.spteRequested:
      return { ...NOTHING, level: announced.level };
    case Output.fastPageFault: {
      const { leaf, after, fixed } = announced;
      if (!leaf) return NOTHING;
      const { page, index } = leaf;
      const gfn = state.number(pages.gfnCell(page, index)) as Gfn;
      if (fixed) mmu.setLeaf(page, index, after.value, gfn, trust, mmu.leafRights(page, index));
      return { page, index };
    }
    case Output.zapAllFast:
      mmu.flipGeneration(announced.generation);
      return NOTHING;
    default:
      return NOTHING;
  }
}
