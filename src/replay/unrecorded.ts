import { Output, type Announcement, type Came } from '../engine/announcement.js';
import { Trust } from '../engine/entry.js';
import { NO_PAGE } from '../engine/ids.js';
import type { Task } from './task.js';

const NOTHING: Came = { page: NO_PAGE, index: -1 };

/** An announced event that was not recorded took place all the same: the state goes on as announced. */
export function applyUnrecorded(task: Task, announced: Announcement): Came {
  const { mmu } = task;
  switch (announced.output) {
    case Output.getPage: {
      const { gfn, role, generation } = announced.fields;
      if (gfn === undefined || role === undefined) return NOTHING;
      const page = announced.page !== NO_PAGE ? announced.page : mmu.create({ gfn, role, generation, before: false });
      if (announced.slot === undefined) task.path?.took(mmu.pages.level(page), page);
      else task.vcpu?.setRoot(announced.slot, page, mmu.pages.rootCount(mmu.state, page) + 1, Trust.derived);
      return { page, index: -1 };
    }
    case Output.prepareZap:
      mmu.zap(announced.page, announced.fields.rootCount ?? 0);
      return { page: announced.page, index: -1 };
    case Output.unsyncPage:
      mmu.unsync(announced.page);
      return { page: announced.page, index: -1 };
    case Output.syncPage:
      if (mmu.pages.isLive(mmu.state, announced.page)) mmu.sync(announced.page);
      return { page: announced.page, index: -1 };
    case Output.setSpte:
      if (announced.index === undefined) return NOTHING;
      if (announced.gfn !== undefined) mmu.setLeaf(announced.page, announced.index, announced.spte.value, announced.gfn, Trust.assumed);
      return { page: announced.page, index: announced.index };
    case Output.spteRequested:
      return { ...NOTHING, level: announced.level };
    case Output.zapAllFast:
      mmu.flipGeneration(announced.generation);
      return NOTHING;
    default:
      return NOTHING;
  }
}
