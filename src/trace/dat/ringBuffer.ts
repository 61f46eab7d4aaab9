import type { CpuData } from './container.js';
import type { NoteBook } from '../notes.js';
import type { ByteSource } from '../source.js';
import type { Unpack } from './compression.js';

/** How the kernel packs events into pages: all that the page header's description gives. */
export interface PageLayout {
  readonly little: boolean;
  readonly pageSize: number;
  /** `commit`: place and size (the kernel's long) */
  readonly commitAt: number;
  readonly longSize: number;
  /** where the events begin */
  readonly dataAt: number;
}

/** From the text of `events/header_page`. */
export function pageLayout(headerPage: string, little: boolean, pageSize: number): PageLayout {
  const field = (name: string): { offset: number; size: number } | undefined => {
    const match = new RegExp(`\\b${name};\\s*offset:(\\d+);\\s*size:(\\d+);`).exec(headerPage);
    return match ? { offset: Number(match[1]), size: Number(match[2]) } : undefined;
  };
  const commit = field('commit') ?? { offset: 8, size: 8 };
  const longSize = commit.size === 4 ? 4 : 8;
  const dataAt = field('data')?.offset ?? commit.offset + longSize;
  return { little, pageSize, commitAt: commit.offset, longSize, dataAt };
}

/** A page of the ring buffer, and where in the file it or its chunk begins. */
interface Page {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

const MISSED = 0x8000_0000;
const STORED = 0x4000_0000;
const LENGTH = 0x07ff_ffff;
const TWO_32 = 0x1_0000_0000;
const DELTA = 0x07ff_ffff;
const PAGES_AT_ONCE = 16;

const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;

/** The events of one CPU, one after the other. After {@link next} the fields describe the event found. */
export class CpuStream {
  readonly cpu: number;
  timeLow = 0;
  timeHigh = 0;
  /** the event's record: common fields and the event's own */
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  from = 0;
  to = 0;
  /** events lost directly before this one; -1: an unknown number */
  lost = 0;
  /** bytes of the file used so far */
  used = 0;

  readonly #layout: PageLayout;
  readonly #notes: NoteBook;
  readonly #pages: Generator<Page, void>;
  #at = 0;
  #end = 0;

  constructor(source: ByteSource, data: CpuData, layout: PageLayout, unpack: Unpack | undefined, notes: NoteBook) {
    this.cpu = data.cpu;
    this.#layout = layout;
    this.#notes = notes;
    this.#pages = unpack ? this.#packedPages(source, data, unpack) : this.#plainPages(source, data);
  }

  /** Goes to the next event; false at the end. */
  next(): boolean {
    this.lost = 0;
    for (;;) {
      while (this.#at + 4 <= this.#end) {
        if (this.#event()) return true;
      }
      if (!this.#page()) return false;
    }
  }

  /** Reads one header; whether it is one of an event. */
  #event(): boolean {
    const { little } = this.#layout;
    const header = this.view.getUint32(this.#at, little);
    const type = little ? header & 31 : header >>> 27;
    const delta = little ? header >>> 5 : header & DELTA;
    const more = this.#at + 4;
    const word = type === 0 || type >= PADDING ? (more + 4 <= this.#end ? this.view.getUint32(more, little) : 0) : 0;
    switch (type) {
      case PADDING:
        if (delta === 0) this.#at = this.#end;
        else {
          this.#pass(0, delta);
          this.#at = more + Math.max(4, word);
        }
        return false;
      case TIME_EXTEND:
        this.#pass(word >>> 5, (word & 31) * 0x800_0000 + delta);
        this.#at = more + 4;
        return false;
      case TIME_STAMP: {
        // Its 59 bits; the five above them stay as they were.
        this.timeLow = (word & 31) * 0x800_0000 + delta;
        this.timeHigh = ((this.timeHigh & 0xf800_0000) | (word >>> 5)) >>> 0;
        this.#at = more + 4;
        return false;
      }
      default: {
        this.#pass(0, delta);
        this.from = type === 0 ? more + 4 : more;
        const length = type === 0 ? (Math.max(4, word) - 4 + 3) & ~3 : type * 4;
        this.to = this.from + length;
        if (this.to > this.#end || length < 8) {
          this.#notes.damage(
            'record',
            { offset: this.used },
            (n) =>
              `${n} ring buffer page(s) of CPU ${this.cpu} hold a record that is too long or too short: the rest of the page is skipped`,
          );
          this.#at = this.#end;
          return false;
        }
        this.#at = this.to;
        return true;
      }
    }
  }

  /** Lets time pass: high is in 2^32, low below 2^32. */
  #pass(high: number, low: number): void {
    const sum = this.timeLow + low;
    this.timeLow = sum % TWO_32;
    this.timeHigh = (this.timeHigh + high + (sum >= TWO_32 ? 1 : 0)) % TWO_32;
  }

  #page(): boolean {
    const next = this.#pages.next();
    if (next.done) return false;
    const page = next.value;
    const { little, pageSize, commitAt, longSize, dataAt } = this.#layout;
    const { bytes } = page;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < dataAt + 4) {
      this.#at = this.#end = 0;
      return true;
    }
    const first = this.view.getUint32(0, little);
    const second = this.view.getUint32(4, little);
    this.timeLow = little ? first : second;
    this.timeHigh = little ? second : first;
    const commit = this.view.getUint32(commitAt + (little || longSize === 4 ? 0 : 4), little);
    const length = commit & LENGTH;
    this.#at = dataAt;
    this.#end = dataAt + length;
    if (commit & MISSED) {
      const countAt = this.#end;
      const fits = (commit & STORED) !== 0 && countAt + longSize <= bytes.length;
      // Only the low half: nobody loses four thousand million events between two pages.
      this.lost = fits ? this.view.getUint32(countAt + (little || longSize === 4 ? 0 : 4), little) : -1;
    }
    if (length > pageSize - dataAt || this.#end > bytes.length) {
      this.#end = Math.min(dataAt + length, bytes.length);
      this.#notes.damage(
        'page',
        { offset: page.offset },
        (n) => `${n} ring buffer page(s) are cut or say they are longer than a page: read as far as they go`,
      );
    }
    return true;
  }

  *#plainPages(source: ByteSource, data: CpuData): Generator<Page, void> {
    const { pageSize } = this.#layout;
    const end = Math.min(data.offset + data.size, source.size);
    if (end < data.offset + data.size) this.#cut(data, source.size);
    for (let offset = data.offset; offset < end; offset += pageSize * PAGES_AT_ONCE) {
      const bytes = source.read(offset, Math.min(pageSize * PAGES_AT_ONCE, end - offset));
      for (let at = 0; at < bytes.length; at += pageSize) {
        this.used = offset + at - data.offset;
        yield { bytes: bytes.subarray(at, at + pageSize), offset: offset + at };
      }
    }
    this.used = data.size;
  }

  /** Chunk count, which the size of the data leaves out; then of each chunk its packed size, its size, and the data: some pages. */
  *#packedPages(source: ByteSource, data: CpuData, unpack: Unpack): Generator<Page, void> {
    const { little, pageSize } = this.#layout;
    const end = Math.min(data.offset + 4 + data.size, source.size);
    const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, little);
    if (end - data.offset < 4) {
      if (data.size > 0) this.#cut(data, source.size);
      return;
    }
    let chunks = u32(source.read(data.offset, 4), 0);
    let offset = data.offset + 4;
    for (; chunks > 0 && offset + 8 <= end; chunks--) {
      const header = source.read(offset, 8);
      const packed = u32(header, 0);
      const size = u32(header, 4);
      const bytes = source.read(offset + 8, Math.min(packed, Math.max(0, end - offset - 8)));
      // No chunk is empty; damaged sizes must not make this a walk through the file in steps of eight bytes.
      if (packed === 0 || bytes.length < packed) break;
      let pages: Uint8Array | undefined;
      try {
        pages = unpack(bytes, size);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#notes.damage(
          'chunk',
          { offset },
          (n) => `${n} piece(s) of compressed trace data are damaged (${why}): their events are missing`,
        );
        this.lost = -1;
      }
      offset += 8 + packed;
      this.used = offset - data.offset;
      for (let at = 0; pages && at < pages.length; at += pageSize) {
        yield { bytes: pages.subarray(at, at + pageSize), offset };
      }
    }
    if (chunks > 0) this.#cut(data, offset);
  }

  #cut(data: CpuData, offset: number): void {
    this.#notes.damage('data', { offset }, () => {
      return `the trace data of CPU ${data.cpu} ends too early (it should go from byte ${data.offset} to ${data.offset + data.size}): the file is cut; copy or record it again, or work with what is there`;
    });
  }
}
