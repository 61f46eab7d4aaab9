import { eventPage, GROUP_BITS, PAGE_BITS, PAGE_MASK, UNIT_PAGE_BITS, UNIT_PAGE_MASK, type UpperColumn } from './pages.js';
import type { Batch } from './batch.js';

type Uppers = (Uint32Array | undefined)[];

/**
 * The columns of the events, on the pages that the reader shares. One array of pages for each column: a column access is the hottest
 * line of the program, and V8 keeps it a few machine instructions only where it sees one element type.
 */
export class EventColumns {
  readonly #forms: Uint16Array[] = [];
  readonly #contexts: Uint16Array[] = [];
  readonly #times: Uint32Array[] = [];
  readonly #timeBases: Uint32Array[] = [];
  readonly #places: Uint16Array[] = [];
  readonly #groups: Uint32Array[] = [];
  readonly #units: Uint32Array[] = [];
  /** by page; almost always empty */
  readonly #uppers: Record<UpperColumn, Uppers> = { times: [], contexts: [], places: [] };
  /** of the pages */
  byteLength = 0;
  #wideContexts = false;
  #widePlaces = false;
  #wideTimes = false;

  append({ newPages, newUnitPages, newUppers }: Batch): void {
    for (const buffer of [...newPages, ...newUnitPages, ...newUppers.map((upper) => upper.buffer)]) this.byteLength += buffer.byteLength;
    for (const buffer of newPages) {
      const page = eventPage(buffer);
      this.#forms.push(page.forms);
      this.#contexts.push(page.contexts);
      this.#times.push(page.times);
      this.#timeBases.push(page.timeBase);
      this.#places.push(page.places);
      this.#groups.push(page.groups);
    }
    for (const buffer of newUnitPages) this.#units.push(new Uint32Array(buffer));
    for (const { page, column, buffer } of newUppers) this.#uppers[column][page] = new Uint32Array(buffer);
    this.#wideContexts = this.#uppers.contexts.length > 0;
    this.#wideTimes = this.#uppers.times.length > 0;
    this.#widePlaces = this.#uppers.places.length > 0;
  }

  /** Number of the event's form. */
  form(e: number): number {
    return this.#forms[e >>> PAGE_BITS]![e & PAGE_MASK]!;
  }

  /** The form column of a page of 2^16 events. */
  formPage(page: number): Uint16Array {
    return this.#forms[page]!;
  }

  context(e: number): number {
    const page = e >>> PAGE_BITS;
    const low = this.#contexts[page]![e & PAGE_MASK]!;
    return this.#wideContexts ? upperOf(this.#uppers.contexts, page, e) * 0x1_0000 + low : low;
  }

  /** 64 bits. */
  time(e: number): bigint {
    const page = e >>> PAGE_BITS;
    const base = this.#timeBases[page]!;
    const upper = this.#wideTimes ? upperOf(this.#uppers.times, page, e) : 0;
    const offset = join(upper, this.#times[page]![e & PAGE_MASK]!);
    return BigInt.asUintN(64, join(base[1]!, base[0]!) + offset);
  }

  /** {@link time} as a double, exact below 2^53; undefined above, and where it takes more to know. */
  shortTime(e: number): number | undefined {
    const page = e >>> PAGE_BITS;
    if (this.#wideTimes && this.#uppers.times[page]) return undefined;
    const base = this.#timeBases[page]!;
    const time = base[1]! * 0x1_0000_0000 + base[0]! + this.#times[page]![e & PAGE_MASK]!;
    return time <= Number.MAX_SAFE_INTEGER ? time : undefined;
  }

  /** Where the units that the event stores begin. */
  place(e: number): number {
    const page = e >>> PAGE_BITS;
    const i = e & PAGE_MASK;
    const at = this.#groups[page]![i >>> GROUP_BITS]! + this.#places[page]![i]!;
    return this.#widePlaces ? at + upperOf(this.#uppers.places, page, e) * 0x1_0000 : at;
  }

  unit(at: number): number {
    return this.#units[at >>> UNIT_PAGE_BITS]![at & UNIT_PAGE_MASK]!;
  }
}

function upperOf(uppers: Uppers, page: number, e: number): number {
  return uppers[page]?.[e & PAGE_MASK] ?? 0;
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
