import type { Gfn } from './ids.js';
import { pagesPerEntry } from './spte.js';

/**
 * Where dirty logging is known to run, by 2 MiB of guest memory: user space switches it by memory slot, which has no event. An SPTE that
 * lost its W shows it. While it runs a slot is mapped by small pages, and nothing writable is prefetched [6.1 mmu.c:kvm_mmu_max_mapping_level,
 * gfn_to_memslot_dirty_bitmap].
 */
export class DirtyLog {
  private readonly shown = new Map<number, 'runs' | 'ran'>();

  /** A write to a frame hit an SPTE that had lost W, or was not let through by a large one. */
  shownAt(gfn: Gfn): void {
    this.shown.set(regionOf(gfn), 'runs');
  }

  /** User space may have switched it off. */
  mayHaveEnded(): void {
    for (const region of this.shown.keys()) this.shown.set(region, 'ran');
  }

  /** User space switched it off. */
  ended(gfn: Gfn): void {
    this.shown.delete(regionOf(gfn));
  }

  /** Whether it runs for a frame; undefined where it did, and user space ran since. */
  runsAt(gfn: Gfn): boolean | undefined {
    const state = this.shown.get(regionOf(gfn));
    return state === undefined ? false : state === 'runs' ? true : undefined;
  }
}

function regionOf(gfn: Gfn): number {
  return Math.floor(gfn / pagesPerEntry(2));
}
