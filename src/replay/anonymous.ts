import { NO_PAGE, type PageId } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { Kind } from '../trace/vocabulary.js';
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
  /** tasks whose last event was the zap of an unsync page, it is not known which: its return to sync comes next */
  private readonly zappedUnknown = new Set<Task>();

  /** The pages that are now known to have met the event's fate, each once; none where it may be one of several. */
  pagesOf(kind: Kind, record: GetPageRecord, task: Task, roleMask: number): readonly PageId[] {
    const { mmu, zappedUnsync } = task;
    const ofUnknown = this.zappedUnknown.delete(task) && kind === Kind.syncPage;
    if (ofUnknown) return [];
    if (kind === Kind.syncPage && zappedUnsync !== NO_PAGE) return [zappedUnsync];
    const pages = this.candidates(kind, record, task, roleMask);
    if (pages.length === 1) {
      if (this.groups.get(mmu)?.pages.includes(pages[0]!)) this.groups.delete(mmu);
      return pages;
    }
    mmu.ambiguous = true;
    let met: readonly PageId[] = [];
    if (pages.length > 0) {
      const group = this.groupOf(mmu, kind, pages);
      const all = ++group.count === pages.length;
      if (all) this.groups.delete(mmu);
      else for (const page of pages) mmu.confuse(page);
      met = all ? pages : [];
    }
    if (kind === Kind.prepareZap && record.unsync) this.zappedUnknown.add(task);
    return met;
  }

  private candidates(kind: Kind, record: GetPageRecord, { mmu, work: { foreseenPage } }: Task, roleMask: number): readonly PageId[] {
    if (!mmu.ambiguous && foreseenPage !== NO_PAGE) return [foreseenPage];
    const { pages, state } = mmu;
    const fitting = fittingPages(mmu, record, roleMask);
    // Pages go out of sync for a gfn that was just requested: which one is recorded [6.1 mmu.c:mmu_try_to_unsync_pages].
    if (kind !== Kind.unsyncPage || foreseenPage === NO_PAGE) return fitting;
    return fitting.filter((page) => pages.gfn(state, page) === pages.gfn(state, foreseenPage));
  }

  private groupOf(mmu: Mmu, kind: Kind, pages: readonly PageId[]): Group {
    const last = this.groups.get(mmu);
    if (last?.kind === kind && last.pages.length === pages.length && last.pages.every((page, i) => page === pages[i])) return last;
    const group = { kind, pages, count: 0 };
    this.groups.set(mmu, group);
    return group;
  }
}
