import type { EventIndex } from './ids.js';

/** A place that holds one value of the state: a number or a 64-bit word. Cells are numbered from 0 and never given back. */
export type CellId = number;
/** One write, numbered from 1 in order of time. 0 stands for "never written". */
export type RecordIndex = number;

const FIRST_CAPACITY = 1 << 14;

/**
 * Every write the engine ever made, in columns. A record knows its cell, the value written, how it is known (the tag), the event,
 * and the record it replaced, so that undo, redo, "who wrote this" and "what was it at event N" are all walks over the same data.
 * A position in time is a {@link State}: for each cell the record that is in force.
 */
export class Journal {
  private numbers = new Float64Array(FIRST_CAPACITY);
  private words = new BigUint64Array(this.numbers.buffer);
  private cellOf = new Uint32Array(FIRST_CAPACITY);
  private previousOf = new Uint32Array(FIRST_CAPACITY);
  private eventOf = new Int32Array(FIRST_CAPACITY);
  private tagOf = new Uint8Array(FIRST_CAPACITY);
  private cells = 0;
  /** Records so far, the "never written" one included. */
  length = 1;

  constructor() {
    this.eventOf[0] = -1;
  }

  /** Number of cells allocated. */
  get cellCount(): number {
    return this.cells;
  }

  /** Bytes held by the columns. */
  get byteLength(): number {
    return this.numbers.byteLength + this.cellOf.byteLength * 3 + this.tagOf.byteLength;
  }

  /** Makes `count` new cells and returns the first. */
  allocate(count: number): CellId {
    const first = this.cells;
    this.cells += count;
    return first;
  }

  appendNumber(cell: CellId, value: number, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.append(cell, tag, event, previous);
    this.numbers[record] = value;
    return record;
  }

  appendWord(cell: CellId, value: bigint, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.append(cell, tag, event, previous);
    this.words[record] = value;
    return record;
  }

  cell(record: RecordIndex): CellId {
    return this.cellOf[record]!;
  }
  previous(record: RecordIndex): RecordIndex {
    return this.previousOf[record]!;
  }
  event(record: RecordIndex): EventIndex {
    return this.eventOf[record] as EventIndex;
  }
  tag(record: RecordIndex): number {
    return this.tagOf[record]!;
  }
  number(record: RecordIndex): number {
    return this.numbers[record]!;
  }
  word(record: RecordIndex): bigint {
    return this.words[record]!;
  }
  /** Same bits and same tag: nothing but the event differs. */
  sameValue(a: RecordIndex, b: RecordIndex): boolean {
    return this.tagOf[a] === this.tagOf[b] && this.words[a] === this.words[b];
  }

  /** The first record written after the given event; `length` when there is none. */
  firstAfter(event: EventIndex): RecordIndex {
    let low = 1;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.eventOf[middle]! <= event) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private append(cell: CellId, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.length;
    if (record === this.cellOf.length) this.grow();
    this.length = record + 1;
    this.cellOf[record] = cell;
    this.previousOf[record] = previous;
    this.eventOf[record] = event;
    this.tagOf[record] = tag;
    return record;
  }

  private grow(): void {
    const capacity = this.cellOf.length * 2;
    const numbers = new Float64Array(capacity);
    this.words = new BigUint64Array(numbers.buffer);
    // Copied as words: a copy as doubles may change the bits of an SPTE that looks like a NaN.
    this.words.set(new BigUint64Array(this.numbers.buffer));
    this.numbers = numbers;
    this.cellOf = copyInto(new Uint32Array(capacity), this.cellOf);
    this.previousOf = copyInto(new Uint32Array(capacity), this.previousOf);
    this.eventOf = copyInto(new Int32Array(capacity), this.eventOf);
    this.tagOf = copyInto(new Uint8Array(capacity), this.tagOf);
  }
}

function copyInto<T extends Uint32Array | Int32Array | Uint8Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
