import { KERNEL_FUNCTIONS, type KernelFunction } from '../engine/kernelFunctions.js';
import type { EventIndex } from '../engine/ids.js';
import type { LedTo } from './history.js';
import { NUMBERS, type Way, type WayStore } from './wayStore.js';

/** The kernel functions that led to the events of a recording. */
export class RecordedLedTo implements LedTo {
  private readonly wanted = new Map<KernelFunction, Uint8Array>();

  /** @param nameOf what the kernel calls a function; '' where it has none of its own */
  constructor(
    private readonly store: WayStore,
    private readonly nameOf: (fn: KernelFunction) => string,
  ) {}

  framesOf(event: EventIndex): string[] {
    return this.store
      .way(this.store.to(event))
      .open.map((number) => this.nameOf(KERNEL_FUNCTIONS[number]!))
      .filter((name) => name !== '')
      .reverse();
  }

  has(event: EventIndex, fn: KernelFunction): boolean {
    return begins(this.store.way(this.store.to(event)), NUMBERS.get(fn)!);
  }

  next(fn: KernelFunction, after: number, limit: number): EventIndex | undefined {
    let wanted = this.waysWith(fn);
    for (let e = after + 1; e < limit; e++) {
      const way = this.store.to(e);
      if (way >= wanted.length) wanted = this.waysWith(fn);
      if (wanted[way]) return e as EventIndex;
    }
    return undefined;
  }

  previous(fn: KernelFunction, before: number, floor: number): EventIndex | undefined {
    let wanted = this.waysWith(fn);
    for (let e = before - 1; e > floor; e--) {
      const way = this.store.to(e);
      if (way >= wanted.length) wanted = this.waysWith(fn);
      if (wanted[way]) return e as EventIndex;
    }
    return undefined;
  }

  /** By way: 1 where the function began on it. */
  private waysWith(fn: KernelFunction): Uint8Array {
    const { size } = this.store;
    const known = this.wanted.get(fn);
    if (known?.length === size) return known;
    const number = NUMBERS.get(fn)!;
    const wanted = Uint8Array.from({ length: size }, (_, way) => (begins(this.store.way(way), number) ? 1 : 0));
    this.wanted.set(fn, wanted);
    return wanted;
  }
}

function begins({ begun }: Way, fn: number): boolean {
  return (begun & (1n << BigInt(fn))) !== 0n;
}
