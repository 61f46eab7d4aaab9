import { KERNEL_FUNCTIONS, type KernelFunction } from '../engine/kernelFunctions.js';
import type { EventIndex } from '../engine/ids.js';

/** Functions that have been entered: around what happens now, and since the last event. By number: their places in `KERNEL_FUNCTIONS`. */
export interface Way {
  /** the outermost first */
  readonly open: readonly number[];
  /** bit by number of the function: begun since the last event */
  readonly begun: bigint;
}

/** Numbers of ways: 0 is none at all. */
export const NO_WAY = 0;
/** Deeper calls count as their caller; real ones are far from it. */
export const DEEPEST = 31;
export const MOST_WAYS = 0xffff;

export const NUMBERS: ReadonlyMap<KernelFunction, number> = new Map(KERNEL_FUNCTIONS.map((fn, number) => [fn, number]));

const PAGE_BITS = 15;
const PAGE_EVENTS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_EVENTS - 1;

/** Bytes of a way: {@link Way.begun}, how many are open, and which. */
const BEGUN_BYTES = 8;
const WAY_BYTES = BEGUN_BYTES + 1 + DEEPEST;
/** The number of ways stands before them. */
const COUNT_BYTES = 8;

/** What a reader of another store is told from time to time. */
export interface WayGrowth {
  readonly ways: SharedArrayBuffer;
  /** buffers of the column that it does not have yet */
  readonly pages: readonly SharedArrayBuffer[];
}

/**
 * The way to each event, two bytes an event, and what the ways are. Both lie in shared memory: another thread reads them where they are.
 * The way of an event may become another one after the event has been replayed, one that was not there before; so a way is written before
 * it is used, and one that is not known is looked for.
 */
export class WayStore {
  private definitions: DataView;
  private count: Int32Array;
  private readonly known: Way[] = [];
  private readonly pages: Uint16Array[] = [];

  constructor() {
    // As large as it can become: memory that is not touched is not there.
    [this.definitions, this.count] = viewsOf(new SharedArrayBuffer(COUNT_BYTES + (MOST_WAYS + 1) * WAY_BYTES));
    this.add([], 0n); // NO_WAY
  }

  /** Bytes held by the column. */
  get byteLength(): number {
    return this.pages.length * PAGE_EVENTS * 2;
  }

  /** Number of ways that can be asked for. */
  get size(): number {
    const count = Atomics.load(this.count, 0);
    for (let way = this.known.length; way < count; way++) this.known.push(this.read(way));
    return count;
  }

  way(number: number): Way {
    // Another thread's write of the number may be seen before that of its count.
    while (number >= this.known.length) void this.size;
    return this.known[number]!;
  }

  /** A new way; there must be less than {@link MOST_WAYS}. Answers its number. */
  add(open: readonly number[], begun: bigint): number {
    const way = this.known.push({ open, begun }) - 1;
    const at = COUNT_BYTES + way * WAY_BYTES;
    this.definitions.setBigUint64(at, begun);
    this.definitions.setUint8(at + BEGUN_BYTES, open.length);
    for (const [i, number] of open.entries()) this.definitions.setUint8(at + BEGUN_BYTES + 1 + i, number);
    Atomics.store(this.count, 0, way + 1);
    return way;
  }

  /** The number of the way to an event. */
  to(event: number): number {
    return this.pages[event >>> PAGE_BITS]?.[event & PAGE_MASK] ?? NO_WAY;
  }

  set(event: EventIndex, way: number): void {
    const page = event >>> PAGE_BITS;
    while (page >= this.pages.length) this.pages.push(new Uint16Array(new SharedArrayBuffer(2 * PAGE_EVENTS)));
    this.pages[page]![event & PAGE_MASK] = way;
  }

  /** What a reader that has the first `pages` pages needs to read on. */
  growth(pages: number): WayGrowth {
    return {
      ways: this.definitions.buffer as SharedArrayBuffer,
      pages: this.pages.slice(pages).map(({ buffer }) => buffer as SharedArrayBuffer),
    };
  }

  /** Reads on in another store, in its memory. */
  adopt({ ways, pages }: WayGrowth): void {
    [this.definitions, this.count] = viewsOf(ways);
    for (const buffer of pages) this.pages.push(new Uint16Array(buffer));
  }

  private read(way: number): Way {
    const at = COUNT_BYTES + way * WAY_BYTES;
    const open = Array.from({ length: this.definitions.getUint8(at + BEGUN_BYTES) }, (_, i) =>
      this.definitions.getUint8(at + BEGUN_BYTES + 1 + i),
    );
    return { open, begun: this.definitions.getBigUint64(at) };
  }
}

function viewsOf(buffer: SharedArrayBuffer): [DataView, Int32Array] {
  return [new DataView(buffer), new Int32Array(buffer, 0, 1)];
}
