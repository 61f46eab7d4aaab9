import { NO_PAGE, type PageId } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import type { Kind } from '../trace/vocabulary.js';
import { fittingPages } from './pageMatch.js';
import type { GetPageRecord } from './pageRecords.js';
import type { Task } from './task.js';

/** Events in a row of which each may be about any of the same pages. */
interface Group {
  readonly kind: Kind;
  readonly pages: readonly PageId[];
  count: number;
}

/**
 * Events that do not say which page they are about (`isAnonymous`). One is taken to be about a page where it can be about no other: the
 * page whose turn it is, the only one that fits, or all that fit once there were as many events.
 */
export class AnonymousEvents {
  private readonly groups = new Map<Mmu, Group>();

  /** The pages that are now known to have met the event's fate, each once; none where it may be one of several. */
  pagesOf(kind: Kind, record: GetPageRecord, { mmu, work, zappedUnsync }: Task, roleMask: number): readonly PageId[] {
    if (!mmu.ambiguous) {
      const foreseen = work.foreseenPage !== NO_PAGE ? work.foreseenPage : zappedUnsync;
      if (foreseen !== NO_PAGE) return [foreseen];
    }
    const fitting = fittingPages(mmu, record, roleMask);
    if (fitting.length === 1) return fitting;
    mmu.ambiguous = true;
    if (fitting.length === 0) return [];
    const group = this.groupOf(mmu, kind, fitting);
    group.count++;
    if (group.count < fitting.length) {
      for (const page of fitting) mmu.confuse(page);
      return [];
    }
    this.groups.delete(mmu);
    return fitting;
  }

  private groupOf(mmu: Mmu, kind: Kind, pages: readonly PageId[]): Group {
    const last = this.groups.get(mmu);
    if (last?.kind === kind && last.pages.length === pages.length && last.pages.every((page, i) => page === pages[i])) return last;
    const group = { kind, pages, count: 0 };
    this.groups.set(mmu, group);
    return group;
  }
}
