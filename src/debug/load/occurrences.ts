import type { EventSet, Members } from '../stops/eventSet.js';

/** Events of a block: few enough to look through in microseconds, many enough that what is kept of blocks is next to nothing. */
const BLOCK_BITS = 12;
const BLOCK = 1 << BLOCK_BITS;

/** The blocks that are full, and the events after them, as far as they have been taken in. */
export interface Extent {
  /** events in full blocks */
  readonly closed: number;
  readonly end: number;
}

/**
 * The events of a trace for which something holds: those of one kind, one name, one task. Kept are only the blocks of the trace that have
 * any, and how many came before each: eight bytes a block. Which they are, the columns of the trace say.
 */
export class Occurrences implements EventSet {
  #blocks = new Uint32Array(4);
  /** by place in {@link #blocks}: how many there are before the block */
  #before = new Uint32Array(4);
  #listed = 0;
  #closed = 0;
  /** how many there are after the full blocks */
  #open = 0;

  constructor(
    private readonly extent: Extent,
    private readonly holds: (event: number) => boolean,
    /** it holds of all events of a form or of none */
    private readonly ofShapes = false,
  ) {}

  /** In whose block there is one, or there are any. */
  readonly members: Members = {
    like: (sample) => (this.ofShapes ? this.holds(sample) : this.holds),
    ahead: (from) => {
      const i = this.#firstListed(from >>> BLOCK_BITS);
      if (i < this.#listed) return Math.max(from, this.#blocks[i]! << BLOCK_BITS);
      return this.#open > 0 ? Math.max(from, this.extent.closed) : Infinity;
    },
    behind: (from) => {
      if (this.#open > 0 && from >= this.extent.closed) return from;
      const i = this.#firstListed((from >>> BLOCK_BITS) + 1) - 1;
      return i >= 0 ? Math.min(from, (this.#blocks[i]! << BLOCK_BITS) + BLOCK - 1) : -1;
    },
  };

  /** Counts an event of the block that is being filled; answers whether it is the first one there. */
  add(): boolean {
    return this.#open++ === 0;
  }

  /** The block that was being filled is full. */
  close(block: number): void {
    if (this.#listed === this.#blocks.length) {
      this.#blocks = twice(this.#blocks);
      this.#before = twice(this.#before);
    }
    this.#blocks[this.#listed] = block;
    this.#before[this.#listed++] = this.#closed;
    this.#closed += this.#open;
    this.#open = 0;
  }

  get length(): number {
    return this.#closed + this.#open;
  }

  has(event: number): boolean {
    return event >= 0 && event < this.extent.end && this.holds(event);
  }

  next(after: number, limit: number): number | undefined {
    const from = Math.max(0, after + 1);
    const end = Math.min(limit, this.extent.end);
    for (let i = this.#firstListed(from >>> BLOCK_BITS); i < this.#listed; i++) {
      const start = this.#blocks[i]! << BLOCK_BITS;
      if (start >= end) return undefined;
      const e = this.#forwards(Math.max(from, start), Math.min(start + BLOCK, end));
      if (e !== undefined) return e;
    }
    return this.#open > 0 ? this.#forwards(Math.max(from, this.extent.closed), end) : undefined;
  }

  previous(before: number, floor: number): number | undefined {
    const last = Math.min(before, this.extent.end) - 1;
    const first = Math.max(0, floor + 1);
    if (this.#open > 0) {
      const e = this.#backwards(last, Math.max(first, this.extent.closed));
      if (e !== undefined) return e;
    }
    for (let i = this.#firstListed((last >>> BLOCK_BITS) + 1) - 1; i >= 0 && last >= first; i--) {
      const start = this.#blocks[i]! << BLOCK_BITS;
      if (start + BLOCK <= first) return undefined;
      const e = this.#backwards(Math.min(last, start + BLOCK - 1), Math.max(first, start));
      if (e !== undefined) return e;
    }
    return undefined;
  }

  /** How many are at or before `event`. */
  rank(event: number): number {
    if (event < 0) return 0;
    if (event >= this.extent.end) return this.length;
    if (event >= this.extent.closed) return this.#closed + (this.#open > 0 ? this.#count(this.extent.closed, event) : 0);
    const block = event >>> BLOCK_BITS;
    const i = this.#firstListed(block);
    if (i === this.#listed) return this.#closed;
    return this.#before[i]! + (this.#blocks[i] === block ? this.#count(block << BLOCK_BITS, event) : 0);
  }

  /** The first one; undefined while there is none. */
  first(): number | undefined {
    return this.next(-1, Infinity);
  }

  #count(from: number, to: number): number {
    let count = 0;
    for (let e = from; e <= to; e++) if (this.holds(e)) count++;
    return count;
  }

  #forwards(from: number, end: number): number | undefined {
    for (let e = from; e < end; e++) if (this.holds(e)) return e;
    return undefined;
  }

  #backwards(from: number, first: number): number | undefined {
    for (let e = from; e >= first; e--) if (this.holds(e)) return e;
    return undefined;
  }

  /** The place of the first listed block from `block` on. */
  #firstListed(block: number): number {
    let low = 0;
    let high = this.#listed;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#blocks[middle]! < block) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether a block ends with this event. */
export function endsBlock(event: number): boolean {
  return (event & (BLOCK - 1)) === BLOCK - 1;
}

/** The number of the block that an event is in. */
export function blockOf(event: number): number {
  return event >>> BLOCK_BITS;
}

function twice(old: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(old.length * 2);
  larger.set(old);
  return larger;
}
