import type { Shape } from './shape.js';

/**
 * A shape of which some units always have the same value. Half of what events say are upper halves of addresses, levels, roles, reasons:
 * few values and fewer combinations. Each combination is a form, and an event stores only the units that its form leaves open.
 * Plain data: forms travel from the reader to other threads.
 */
export interface Form {
  /** number of the shape */
  readonly shape: number;
  /** the shape's units that each event stores, ascending */
  readonly stored: readonly number[];
  /** by unit of the shape: what the other ones are */
  readonly values: readonly number[];
}

/** Forms of one shape at a time. When more are needed, the units which differ most are stored instead. */
const MOST_AT_ONCE = 1024;
/** Nor may there be more than this many and few events of each: a form takes room too. */
const FEW_FORMS = 64;
const WORTH_EVENTS = 32;
/** Forms have 16-bit numbers, and each one costs a look-up table; shapes that come when there are so many store all their units. */
const MOST_FORMS = 20_000;

/** Gives forms their numbers. One per trace. */
export class Forms {
  readonly #shapes: FormsOfShape[] = [];
  #fresh: Form[] = [];
  #count = 0;

  /** Begins the forms of the next shape. */
  shape({ units }: Shape): void {
    const shape = this.#shapes.length;
    const add = (stored: readonly number[], values: readonly number[]): number => {
      if (this.#count > 0xffff) throw new Error('a trace with more than 65536 forms of events');
      this.#fresh.push({ shape, stored, values });
      return this.#count++;
    };
    this.#shapes.push(new FormsOfShape(units, add, () => this.#count >= MOST_FORMS));
  }

  of(shape: number): FormsOfShape {
    return this.#shapes[shape]!;
  }

  /** The forms that are new since the last time. */
  take(): readonly Form[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }
}

/** Finds the forms of the events of one shape. */
export class FormsOfShape {
  /** units of the fixed part */
  readonly units: number;
  /** units that events store by now */
  stored: Int32Array;
  /** units that are part of the form */
  #fixed: Int32Array;
  readonly #add: (stored: readonly number[], values: readonly number[]) => number;
  readonly #full: () => boolean;
  #count = 0;
  /** since the forms began anew */
  #events = 0;
  /** by hash: index of a form, from 1 */
  readonly #slots: Int32Array;
  #numbers = new Uint16Array(8);
  /** by index: values of the fixed units */
  #values: Uint32Array;

  constructor(units: number, add: (stored: readonly number[], values: readonly number[]) => number, full: () => boolean) {
    this.units = units;
    this.#add = add;
    this.#full = full;
    this.stored = new Int32Array(0);
    this.#fixed = Int32Array.from({ length: units }, (_, unit) => unit);
    this.#values = new Uint32Array(8 * units);
    this.#slots = new Int32Array(units === 0 ? 2 : 2 * MOST_AT_ONCE);
  }

  /** The number of the form of the event in units[0..]; what is {@link stored} may change with it. */
  number(units: Uint32Array): number {
    this.#events++;
    const fixed = this.#fixed;
    const n = fixed.length;
    let hash = 0;
    for (let i = 0; i < n; i++) hash = Math.imul(hash ^ units[fixed[i]!]!, 0x9e3779b1) ^ (hash >>> 15);
    const slots = this.#slots;
    const mask = slots.length - 1;
    const values = this.#values;
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot]! - 1;
      if (index < 0) return this.#unknown(units, slot);
      const base = index * n;
      let i = 0;
      while (i < n && values[base + i] === units[fixed[i]!]) i++;
      if (i === n) return this.#numbers[index]!;
    }
  }

  #unknown(units: Uint32Array, slot: number): number {
    const n = this.#fixed.length;
    if (n > 0 && this.#tooMany()) {
      this.#store();
      return this.number(units);
    }
    if (this.#count === this.#numbers.length) {
      this.#numbers = enlarged(this.#numbers, new Uint16Array(2 * this.#count));
      this.#values = enlarged(this.#values, new Uint32Array(2 * this.#count * n));
    }
    const index = this.#count++;
    this.#slots[slot] = index + 1;
    const values = new Array<number>(this.units).fill(0);
    this.#fixed.forEach((unit, i) => {
      values[unit] = units[unit]!;
      this.#values[index * n + i] = units[unit]!;
    });
    return (this.#numbers[index] = this.#add([...this.stored], values));
  }

  #tooMany(): boolean {
    const count = this.#count;
    return count === MOST_AT_ONCE || (count >= FEW_FORMS && count * WORTH_EVENTS > this.#events) || this.#full();
  }

  /** Too many combinations: events store the units that make most of them, and the forms begin anew. */
  #store(): void {
    const fixed = [...this.#fixed];
    const n = fixed.length;
    const different = fixed.map((_, i) => {
      const seen = new Set<number>();
      for (let index = 0; index < this.#count; index++) seen.add(this.#values[index * n + i]!);
      return seen.size;
    });
    const most = this.#full() ? 0 : Math.min(Math.max(...different), this.#count / 4);
    this.#fixed = Int32Array.from(fixed.filter((_, i) => different[i]! < most));
    this.stored = Int32Array.from({ length: this.units }, (_, unit) => unit).filter((unit) => !this.#fixed.includes(unit));
    this.#values = new Uint32Array(8 * this.#fixed.length);
    this.#numbers = new Uint16Array(8);
    this.#slots.fill(0);
    this.#count = 0;
    this.#events = 0;
  }
}

function enlarged<T extends Uint16Array | Uint32Array>(old: T, room: T): T {
  room.set(old);
  return room;
}
