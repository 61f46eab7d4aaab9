import type { Gfn } from './ids.js';
import { pagesPerEntry } from './spte.js';

/** Where guest tables are shadowed, by 2 MiB region: no larger page than 4 KiB may be mapped there (`disallow_lpage`). */
export class LargePages {
  private readonly tables = new Map<number, number>();

  /** A guest table came to be shadowed, or is no longer [6.1 mmu.c:account_shadowed, unaccount_shadowed]. */
  account(gfn: Gfn, by: 1 | -1): void {
    this.tables.set(region(gfn), (this.tables.get(region(gfn)) ?? 0) + by);
  }

  /** How many guest tables are shadowed in all (`indirect_shadow_pages`). */
  get shadowed(): number {
    let count = 0;
    for (const tables of this.tables.values()) count += tables;
    return count;
  }

  disallowed(gfn: Gfn): boolean {
    return (this.tables.get(region(gfn)) ?? 0) > 0;
  }
}

function region(gfn: Gfn): number {
  return Math.floor(gfn / pagesPerEntry(2));
}
