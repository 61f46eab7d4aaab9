import type { PageId } from './ids.js';

/** Gone pages that the order may have beside as many as there are live ones, before they are swept out. */
const SLACK = 64;

/** `active_mmu_pages`: from its tail the oldest page comes first, from its head the newest. */
export class ActiveList implements Iterable<PageId> {
  private readonly pages = new Set<PageId>();
  /** from the tail to the head; pages that are gone stay in it for a while */
  private order: PageId[] = [];

  get size(): number {
    return this.pages.size;
  }

  has(page: PageId): boolean {
    return this.pages.has(page);
  }

  /** A page is put at the head; it is not in the list. */
  add(page: PageId): void {
    this.pages.add(page);
    this.order.push(page);
  }

  delete(page: PageId): void {
    if (!this.pages.delete(page)) return;
    if (this.order.at(-1) === page) this.order.pop();
    else if (this.order.length > 2 * this.pages.size + SLACK) this.order = [...this.pages];
  }

  /** A page is put at the head again. */
  moveToHead(page: PageId): void {
    this.pages.delete(page);
    this.order = [...this.pages];
    this.add(page);
  }

  /** From the tail. */
  [Symbol.iterator](): Iterator<PageId> {
    return this.pages.values();
  }

  /** From the head. */
  *newestFirst(): Generator<PageId> {
    const { order } = this;
    for (let at = order.length - 1; at >= 0; at--) if (this.pages.has(order[at]!)) yield order[at]!;
  }
}
