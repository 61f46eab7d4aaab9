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
  private readonly wanted = new Map<KernelFunction, Uint8Array>();

  /** @param nameOf what the kernel calls a function; '' where it has none of its own */
  constructor(private readonly nameOf: (fn: KernelFunction) => string) {}

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
    this.set(event, way);
    return (this.goneOn[way] ??= this.number(this.ways[way]!.open, 0n));
  }

  /** A work is over: what it did since its last event belongs to that. */
  ended(event: EventIndex, way: number): void {
    if (this.ways[way]!.begun === 0n || event < 0) return;
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

  framesOf(event: EventIndex): string[] {
    return this.wayOf(event)
      .open.map((number) => this.nameOf(KERNEL_FUNCTIONS[number]!))
      .filter((name) => name !== '')
      .reverse();
  }

  has(event: EventIndex, fn: KernelFunction): boolean {
    return begins(this.wayOf(event), NUMBERS.get(fn)!);
  }

  next(fn: KernelFunction, after: number, limit: number): EventIndex | undefined {
    const wanted = this.waysWith(fn);
    const end = Math.min(limit, this.column.length);
    for (let e = after + 1; e < end; e++) if (wanted[this.column[e]!]) return e as EventIndex;
    return undefined;
  }

  previous(fn: KernelFunction, before: number, floor: number): EventIndex | undefined {
    const wanted = this.waysWith(fn);
    for (let e = Math.min(before, this.column.length) - 1; e > floor; e--) if (wanted[this.column[e]!]) return e as EventIndex;
    return undefined;
  }

  /** By way: 1 where the function began on it. */
  private waysWith(fn: KernelFunction): Uint8Array {
    const known = this.wanted.get(fn);
    if (known?.length === this.ways.length) return known;
    const number = NUMBERS.get(fn)!;
    const wanted = Uint8Array.from(this.ways, (way) => (begins(way, number) ? 1 : 0));
    this.wanted.set(fn, wanted);
    return wanted;
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

function begins({ begun }: Way, fn: number): boolean {
  return (begun & (1n << BigInt(fn))) !== 0n;
}

function keyOf(open: readonly number[], begun: bigint): string {
  return `${open.join()}|${begun.toString(36)}`;
}
