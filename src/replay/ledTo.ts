import { KERNEL_FUNCTIONS, type KernelFunction } from '../engine/kernelFunctions.js';
import type { Call, Calls } from '../engine/trail.js';
import type { EventIndex } from '../engine/ids.js';
import type { LedTo } from './history.js';

/** Functions that have been entered: around what happens now, and since the last event. */
interface Way {
  /** the outermost first */
  readonly open: readonly number[];
  /** bit by number of the function: begun since the last event */
  readonly begun: bigint;
}

const FUNCTIONS = KERNEL_FUNCTIONS.length;
const NUMBERS = new Map(KERNEL_FUNCTIONS.map((fn, number) => [fn, number]));
/** Deeper calls count as their caller; real ones are far from it. */
const DEEPEST = 31;
const MOST_WAYS = 0xffff;
/** Numbers of ways: 0 is none at all. */
export const NO_WAY = 0;
export const START = 1;

/**
 * The way to each event of a recording, two bytes an event. Ways are numbered, and what a call makes of one is looked up: going along costs
 * the engine next to nothing. Which work goes along is for the caller to say ({@link at}).
 */
export class Ways implements Calls, LedTo {
  /** the way of the work in hand */
  at = START;
  private readonly ways: Way[] = [
    { open: [], begun: 0n },
    { open: [], begun: 0n },
  ];
  private readonly numbers = new Map<string, number>([[keyOf([], 0n), START]]);
  /** by way: the way after entering a function, and after returning to a depth; 0 where nobody has asked yet */
  private entered: Uint16Array[] = [];
  private returned: Uint16Array[] = [];
  private readonly goneOn: number[] = [];
  /** by way of an event and way since: both together */
  private readonly joined = new Map<number, number>();
  private column = new Uint16Array(1 << 12);

  enter(fn: KernelFunction): Call {
    const before = this.at;
    const number = NUMBERS.get(fn)!;
    const known = (this.entered[before] ??= new Uint16Array(FUNCTIONS))[number]!;
    this.at = known || (this.entered[before][number] = this.wayInto(before, number));
    return before;
  }

  leave(call: Call): void {
    const { at } = this;
    const depth = this.ways[call]!.open.length;
    const known = (this.returned[at] ??= new Uint16Array(DEEPEST + 1))[depth]!;
    this.at = known || (this.returned[at][depth] = this.wayBack(at, depth));
  }

  mark(): Call {
    return this.at;
  }

  undo(call: Call): void {
    this.at = call;
  }

  /** The way of a work led to an event. Answers its way on. */
  led(event: EventIndex, way: number): number {
    this.set(event, way);
    return (this.goneOn[way] ??= this.number(this.ways[way]!.open, 0n));
  }

  /** A work is over: what it did since its last event belongs to that. */
  ended(event: EventIndex, way: number): void {
    if (way === START || event < 0) return;
    const before = this.column[event] ?? NO_WAY;
    const both = before * (MOST_WAYS + 1) + way;
    let joined = this.joined.get(both);
    if (joined === undefined) this.joined.set(both, (joined = this.join(before, way)));
    this.set(event, joined);
  }

  private join(before: number, way: number): number {
    const { open, begun } = this.ways[before]!;
    return this.number(open, begun | this.ways[way]!.begun);
  }

  framesOf(event: EventIndex): KernelFunction[] {
    return this.wayOf(event)
      .open.map((number) => KERNEL_FUNCTIONS[number]!)
      .reverse();
  }

  has(event: EventIndex, fn: KernelFunction): boolean {
    return (this.wayOf(event).begun & (1n << BigInt(NUMBERS.get(fn)!))) !== 0n;
  }

  private wayOf(event: EventIndex): Way {
    return this.ways[this.column[event] ?? NO_WAY]!;
  }

  private wayInto(way: number, fn: number): number {
    const { open, begun } = this.ways[way]!;
    return this.number(open.length < DEEPEST ? [...open, fn] : open, begun | (1n << BigInt(fn)));
  }

  private wayBack(way: number, depth: number): number {
    const { open, begun } = this.ways[way]!;
    return this.number(open.slice(0, depth), begun);
  }

  private number(open: readonly number[], begun: bigint): number {
    const key = keyOf(open, begun);
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    if (this.ways.length > MOST_WAYS) return START;
    const number = this.ways.push({ open, begun }) - 1;
    this.numbers.set(key, number);
    return number;
  }

  private set(event: EventIndex, way: number): void {
    if (event >= this.column.length) {
      const larger = new Uint16Array(Math.max(event + 1, this.column.length * 2));
      larger.set(this.column);
      this.column = larger;
    }
    this.column[event] = way;
  }
}

function keyOf(open: readonly number[], begun: bigint): string {
  return `${open.join()}|${begun.toString(36)}`;
}
