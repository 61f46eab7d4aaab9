import type { EventIndex } from './ids.js';

/** A place that holds one value of the state: a number or a 64-bit word. Cells are numbered from 0 and never given back. */
export type CellId = number;
/** One write, numbered from 1 in order of time. 0 stands for "never written". */
export type RecordIndex = number;

const PAGE_BITS = 14;
const PAGE_RECORDS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_RECORDS - 1;
/** Bytes of a record: value, cell, previous record, event, tag. */
const RECORD_BYTES = 8 + 4 + 4 + 4 + 1;

/** A stretch of the journal. The value's two views have the same bytes: a double must not pass through where a word's bits count. */
class Page {
  readonly numbers: Float64Array;
  readonly words: BigUint64Array;
  readonly cells: Uint32Array;
  readonly previous: Uint32Array;
  readonly events: Int32Array;
  readonly tags: Uint8Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.numbers = new Float64Array(buffer, 0, PAGE_RECORDS);
    this.words = new BigUint64Array(buffer, 0, PAGE_RECORDS);
    this.cells = new Uint32Array(buffer, 8 * PAGE_RECORDS, PAGE_RECORDS);
    this.previous = new Uint32Array(buffer, 12 * PAGE_RECORDS, PAGE_RECORDS);
    this.events = new Int32Array(buffer, 16 * PAGE_RECORDS, PAGE_RECORDS);
    this.tags = new Uint8Array(buffer, 20 * PAGE_RECORDS, PAGE_RECORDS);
  }
}

/** What a reader of another journal's records is told from time to time. */
export interface JournalGrowth {
  /** buffers that it does not have yet */
  readonly pages: readonly SharedArrayBuffer[];
  /** records that can be read by now, the "never written" one included */
  readonly length: number;
  readonly cells: number;
}

/**
 * Every write the engine ever made, in columns. A record knows its cell, the value written, how it is known (the tag), the event,
 * and the record it replaced, so that undo, redo, "who wrote this" and "what was it at event N" are all walks over the same data.
 * A position in time is a {@link State}: for each cell the record that is in force.
 *
 * Records only come at the end and never change. They lie in pages of shared memory, so that another thread reads them where they are.
 */
export class Journal {
  private readonly pages: Page[] = [];
  private cells = 0;
  /** the pages are those of another journal */
  private reads = false;
  /** Records so far, the "never written" one included. */
  length = 1;

  constructor() {
    this.addPage(new SharedArrayBuffer(PAGE_RECORDS * RECORD_BYTES));
    this.pages[0]!.events[0] = -1;
  }

  /** Number of cells allocated. */
  get cellCount(): number {
    return this.cells;
  }

  /** Bytes held by the columns. */
  get byteLength(): number {
    return this.pages.length * PAGE_RECORDS * RECORD_BYTES;
  }

  /** Makes `count` new cells and returns the first. */
  allocate(count: number): CellId {
    const first = this.cells;
    this.cells += count;
    return first;
  }

  appendNumber(cell: CellId, value: number, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.append(cell, tag, event, previous);
    this.pages[record >>> PAGE_BITS]!.numbers[record & PAGE_MASK] = value;
    return record;
  }

  appendWord(cell: CellId, value: bigint, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.append(cell, tag, event, previous);
    this.pages[record >>> PAGE_BITS]!.words[record & PAGE_MASK] = value;
    return record;
  }

  cell(record: RecordIndex): CellId {
    return this.pages[record >>> PAGE_BITS]!.cells[record & PAGE_MASK]!;
  }
  previous(record: RecordIndex): RecordIndex {
    return this.pages[record >>> PAGE_BITS]!.previous[record & PAGE_MASK]!;
  }
  event(record: RecordIndex): EventIndex {
    return this.pages[record >>> PAGE_BITS]!.events[record & PAGE_MASK] as EventIndex;
  }
  tag(record: RecordIndex): number {
    return this.pages[record >>> PAGE_BITS]!.tags[record & PAGE_MASK]!;
  }
  number(record: RecordIndex): number {
    return this.pages[record >>> PAGE_BITS]!.numbers[record & PAGE_MASK]!;
  }
  word(record: RecordIndex): bigint {
    return this.pages[record >>> PAGE_BITS]!.words[record & PAGE_MASK]!;
  }
  /** Same bits and same tag: nothing but the event differs. */
  sameValue(a: RecordIndex, b: RecordIndex): boolean {
    return this.tag(a) === this.tag(b) && this.word(a) === this.word(b);
  }

  /** The first record written after the given event; `length` when there is none. */
  firstAfter(event: EventIndex): RecordIndex {
    let low = 1;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.event(middle) <= event) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The next cells are to be those from `cell` on, in a journal that follows another. */
  allocateFrom(cell: CellId): void {
    this.cells = cell;
  }

  /** What a reader that has the first `pages` pages needs to read on. */
  get pageCount(): number {
    return this.pages.length;
  }
  growth(pages: number): JournalGrowth {
    return { pages: this.pages.slice(pages).map(({ buffer }) => buffer), length: this.length, cells: this.cells };
  }

  /** Reads on in another journal, in its memory. From then on this one is not to be written. */
  adopt({ pages, length, cells }: JournalGrowth): void {
    if (!this.reads) this.pages.length = 0;
    this.reads = true;
    for (const buffer of pages) this.addPage(buffer);
    this.length = length;
    this.cells = cells;
  }

  private append(cell: CellId, tag: number, event: EventIndex, previous: RecordIndex): RecordIndex {
    const record = this.length;
    const at = record & PAGE_MASK;
    if (at === 0) this.addPage(new SharedArrayBuffer(PAGE_RECORDS * RECORD_BYTES));
    this.length = record + 1;
    const page = this.pages[record >>> PAGE_BITS]!;
    page.cells[at] = cell;
    page.previous[at] = previous;
    page.events[at] = event;
    page.tags[at] = tag;
    return record;
  }

  private addPage(buffer: SharedArrayBuffer): void {
    this.pages.push(new Page(buffer));
  }
}
