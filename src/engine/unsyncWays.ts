import type { PageId } from './ids.js';
import type { SptePlace } from './places.js';

/**
 * Pages that are out of sync, and the pages from which links lead to them (`unsync_children`), in the newest state. The latter are found
 * when they are asked for, and again only after such a link, or an unsync page, came or went.
 */
export class UnsyncWays implements Iterable<PageId> {
  private readonly pages = new Set<PageId>();
  private above: Set<PageId> | undefined;

  constructor(private readonly parents: (page: PageId) => Iterable<SptePlace>) {}

  has(page: PageId): boolean {
    return this.pages.has(page);
  }

  add(page: PageId): void {
    if (this.pages.has(page)) return;
    this.pages.add(page);
    this.above = undefined;
  }

  /** Answers whether the page was out of sync. */
  delete(page: PageId): boolean {
    if (!this.pages.delete(page)) return false;
    this.above = undefined;
    return true;
  }

  /** A link to a page came or went. */
  linkChanged(child: PageId): void {
    if (this.above && (this.pages.has(child) || this.above.has(child))) this.above = undefined;
  }

  /** Whether links lead from a page to one that is out of sync. */
  leadsThere(page: PageId): boolean {
    if (this.pages.size === 0) return false;
    return (this.above ??= this.find()).has(page);
  }

  [Symbol.iterator](): Iterator<PageId> {
    return this.pages.values();
  }

  private find(): Set<PageId> {
    const above = new Set<PageId>();
    const mark = (page: PageId): void => {
      for (const { page: parent } of this.parents(page)) {
        if (above.has(parent)) continue;
        above.add(parent);
        mark(parent);
      }
    };
    for (const page of this.pages) mark(page);
    return above;
  }
}
