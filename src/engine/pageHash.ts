import { hashBucket } from './hash.js';
import type { Gfn, PageId } from './ids.js';

/** `mmu_page_hash` of one VM, in the newest state: each bucket's pages in the order in which they were put at its head. */
export class PageHash {
  private readonly buckets = new Map<number, Gfn[]>();
  private readonly byGfn = new Map<Gfn, PageId[]>();

  /** Its pages of a gfn, oldest first. */
  of(gfn: Gfn): readonly PageId[] {
    return this.byGfn.get(gfn) ?? [];
  }

  *all(): Generator<PageId> {
    for (const pages of this.byGfn.values()) yield* pages;
  }

  add(page: PageId, gfn: Gfn): void {
    const pages = this.byGfn.get(gfn);
    if (pages) pages.push(page);
    else {
      this.byGfn.set(gfn, [page]);
      const bucket = this.buckets.get(hashBucket(gfn));
      if (bucket) bucket.push(gfn);
      else this.buckets.set(hashBucket(gfn), [gfn]);
    }
  }

  remove(page: PageId, gfn: Gfn): void {
    const pages = this.of(gfn).filter((other) => other !== page);
    if (pages.length) this.byGfn.set(gfn, pages);
    else {
      this.byGfn.delete(gfn);
      this.buckets.set(
        hashBucket(gfn),
        this.buckets.get(hashBucket(gfn))!.filter((other) => other !== gfn),
      );
    }
  }

  /**
   * Pages of other gfns that the search for a page goes past: from the head of the bucket to the page, or to the end when it is not
   * there. Obsolete pages do not count [6.1 mmu.c:kvm_mmu_find_shadow_page].
   */
  collisions(gfn: Gfn, found: PageId, isObsolete: (page: PageId) => boolean): number {
    let count = 0;
    for (const other of this.buckets.get(hashBucket(gfn)) ?? []) {
      if (other === gfn) continue;
      // Pages are numbered in the order of their birth, and the newest is at the head.
      for (const page of this.of(other)) if (page > found && !isObsolete(page)) count++;
    }
    return count;
  }
}
