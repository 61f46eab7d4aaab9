import { KERNEL_FUNCTIONS, type KernelFunction } from '../engine/kernelFunctions.js';
import type { Call, Calls } from '../engine/trail.js';
import type { EventIndex } from '../engine/ids.js';
import { DEEPEST, MOST_WAYS, NUMBERS, type WayStore } from './wayStore.js';

const FUNCTIONS = KERNEL_FUNCTIONS.length;
/** Number of the way that has not begun anything. */
export const START = 1;

/**
 * Finds the way to each event of a recording while the engine goes along it. Ways are numbered, and what a call makes of one is looked up:
 * going along costs the engine next to nothing. Which work goes along is for the caller to say ({@link at}).
 */
export class Ways implements Calls {
  /** the way of the work in hand */
  at = START;
  private readonly numbers = new Map<string, number>();
  /** by way: the way after entering a function, and after returning to a depth; 0 where nobody has asked yet */
  private entered: Uint16Array[] = [];
  private returned: Uint16Array[] = [];
  private readonly goneOn: number[] = [];
  /** by way of an event and way since: both together */
  private readonly joined = new Map<number, number>();

  constructor(private readonly store: WayStore) {
    this.number([], 0n); // START
  }

  enter(fn: KernelFunction): Call {
    const before = this.at;
    const number = NUMBERS.get(fn)!;
    const known = (this.entered[before] ??= new Uint16Array(FUNCTIONS))[number]!;
    this.at = known || (this.entered[before][number] = this.wayInto(before, number));
    return before;
  }

  leave(call: Call): void {
    const { at } = this;
    const depth = this.store.way(call).open.length;
    const known = (this.returned[at] ??= new Uint16Array(DEEPEST + 1))[depth]!;
    this.at = known || (this.returned[at][depth] = this.wayBack(at, depth));
  }

  mark(): Call {
    return this.at;
  }

  undo(call: Call): void {
    this.at = call;
  }

  /** The way of a work that begins, in a function that calls it. */
  begin(within: KernelFunction | undefined): number {
    this.at = START;
    if (within) this.enter(within);
    const way = this.at;
    this.at = START;
    return way;
  }

  /** The way of a work led to an event. Answers its way on. */
  led(event: EventIndex, way: number): number {
    this.store.set(event, way);
    return (this.goneOn[way] ??= this.number(this.store.way(way).open, 0n));
  }

  /** A work is over: what it did since its last event belongs to that. */
  ended(event: EventIndex, way: number): void {
    if (this.store.way(way).begun === 0n || event < 0) return;
    const before = this.store.to(event);
    const both = before * (MOST_WAYS + 1) + way;
    let joined = this.joined.get(both);
    if (joined === undefined) this.joined.set(both, (joined = this.join(before, way)));
    this.store.set(event, joined);
  }

  private join(before: number, way: number): number {
    const { open, begun } = this.store.way(before);
    return this.number(open, begun | this.store.way(way).begun);
  }

  private wayInto(way: number, fn: number): number {
    const { open, begun } = this.store.way(way);
    return this.number(open.length < DEEPEST ? [...open, fn] : open, begun | (1n << BigInt(fn)));
  }

  private wayBack(way: number, depth: number): number {
    const { open, begun } = this.store.way(way);
    return this.number(open.slice(0, depth), begun);
  }

  private number(open: readonly number[], begun: bigint): number {
    const key = `${open.join()}|${begun.toString(36)}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    if (this.store.size > MOST_WAYS) return START;
    const number = this.store.add(open, begun);
    this.numbers.set(key, number);
    return number;
  }
}
