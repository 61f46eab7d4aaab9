import type { PageId, SpteIndex } from './ids.js';
import { Places } from './places.js';

const NONE: readonly SpteIndex[] = [];

/** The SPTEs that lead to each shadow page (`parent_ptes`), and the pages from which they lead to one that is out of sync. */
export class ParentSptes extends Places<PageId> {
  readonly unsync = new UnsyncWays(this);

  override add(child: PageId, page: PageId, index: SpteIndex): void {
    super.add(child, page, index);
    this.unsync.linkChanged(child);
  }

  override remove(child: PageId, page: PageId, index: SpteIndex): void {
    super.remove(child, page, index);
    this.unsync.linkChanged(child);
  }

  override drop(child: PageId): void {
    super.drop(child);
    this.unsync.linkChanged(child);
  }
}

/**
 * Pages that are out of sync, and the pages from which links lead to them (`unsync_children`), in the newest state. The latter are found
 * when they are asked for, and again only after such a link, or an unsync page, came or went.
 */
export class UnsyncWays implements Iterable<PageId> {
  private readonly pages = new Set<PageId>();
  /** by page: the indexes of its SPTEs that lead there, in order */
  private above: Map<PageId, SpteIndex[]> | undefined;

  constructor(private readonly parents: Places<PageId>) {}

  has(page: PageId): boolean {
    return this.pages.has(page);
  }

  /** Answers whether the page was in sync. */
  add(page: PageId): boolean {
    if (this.pages.has(page)) return false;
    this.pages.add(page);
    this.above = undefined;
    return true;
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
    return this.from(page).length > 0;
  }

  /** Indexes of the SPTEs of a page that lead to one that is out of sync, in order. */
  from(page: PageId): readonly SpteIndex[] {
    if (this.pages.size === 0) return NONE;
    return (this.above ??= this.find()).get(page) ?? NONE;
  }

  [Symbol.iterator](): Iterator<PageId> {
    return this.pages.values();
  }

  private find(): Map<PageId, SpteIndex[]> {
    const above = new Map<PageId, SpteIndex[]>();
    const marked = new Set<PageId>();
    const mark = (page: PageId): void => {
      if (marked.has(page)) return;
      marked.add(page);
      for (const { page: parent, index } of this.parents.of(page)) {
        const indexes = above.get(parent);
        if (indexes) indexes.push(index);
        else above.set(parent, [index]);
        mark(parent);
      }
    };
    for (const page of this.pages) mark(page);
    for (const indexes of above.values()) indexes.sort((a, b) => a - b);
    return above;
  }
}
