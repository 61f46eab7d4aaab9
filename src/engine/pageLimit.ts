/** KVM_MIN_ALLOC_MMU_PAGES: no limit is lower [6.1 x86.c:kvm_vm_ioctl_set_nr_mmu_pages]. */
const LOWEST = 64;
/** KVM_MIN_FREE_MMU_PAGES: fewer free pages than this start the recycling */
const LEAST_FREE = 5;
/** KVM_REFILL_PAGES: what it makes free */
const REFILL = 25;
/** Once one page goes, so many do. */
export const LEAST_RECYCLED = REFILL - LEAST_FREE + 1;

/** How many pages have to go; the exact number while `least` and `most` are the same. */
export interface Wanted {
  readonly least: number;
  readonly most: number;
}

/** `n_max_mmu_pages`, which no event gives: the bounds within which recycling has shown it to be. */
export class PageLimit {
  private least = LOWEST;
  private most = Infinity;

  /** What the page limit asks for at a number of used pages [6.1 mmu.c:make_mmu_pages_available]. */
  wanted(used: number): Wanted {
    return { least: wantedAt(this.most, used), most: wantedAt(this.least, used) };
  }

  /**
   * Pages were recycled at a number of used pages.
   *
   * @param wanted how many were asked for, by what was seen to go
   */
  recycled(used: number, wanted: Wanted): void {
    const least = used + Math.max(0, REFILL - wanted.most);
    const most = used + Math.min(LEAST_FREE - 1, REFILL - wanted.least);
    // Bounds that exclude each other tell of a new limit.
    const same = least <= this.most && most >= this.least;
    this.least = same ? Math.max(least, this.least) : least;
    this.most = same ? Math.min(most, this.most) : most;
  }

  /** The limit is known. */
  set(limit: number): void {
    this.least = this.most = limit;
  }

  /** The number of pages in the memory slots changed, and with it perhaps the limit [6.1 x86.c:kvm_arch_commit_memory_region]. */
  forget(): void {
    this.least = LOWEST;
    this.most = Infinity;
  }
}

function wantedAt(limit: number, used: number): number {
  const free = Math.max(0, limit - used);
  return free < LEAST_FREE ? REFILL - free : 0;
}
