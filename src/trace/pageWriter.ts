import {
  eventPage,
  GROUP_BITS,
  newEventPage,
  newUnitPage,
  newUpper,
  PAGE_BITS,
  PAGE_MASK,
  UNIT_PAGE_MASK,
  UNIT_PAGE_UNITS,
  type EventPage,
  type Upper,
  type UpperColumn,
} from './pages.js';
import type { FormsOfShape } from './forms.js';

const GROUP_MASK = (1 << GROUP_BITS) - 1;

/** The pages that were begun since the last batch. */
interface NewPages {
  readonly newPages: readonly SharedArrayBuffer[];
  readonly newUnitPages: readonly SharedArrayBuffer[];
  readonly newUppers: readonly Upper[];
}

/** Fills the shared pages, event by event. */
export class PageWriter {
  /** events written so far */
  events = 0;
  #page!: EventPage;
  #baseLow = 0;
  #baseHigh = 0;
  #groupAt = 0;
  /** of the page being written */
  #uppers: Partial<Record<UpperColumn, Uint32Array>> = {};
  /** units written so far */
  #unitAt = 0;
  #units: Uint32Array = new Uint32Array(0);
  #newPages: SharedArrayBuffer[] = [];
  #newUnitPages: SharedArrayBuffer[] = [];
  #newUppers: Upper[] = [];

  /** Adds the event of units[0..count). */
  add(forms: FormsOfShape, context: number, timeLow: number, timeHigh: number, units: Uint32Array, count: number): void {
    const i = this.events & PAGE_MASK;
    if (i === 0) this.#begin(timeLow, timeHigh);
    const page = this.#page;
    page.forms[i] = forms.number(units);

    page.contexts[i] = context;
    if (context > 0xffff) this.#upper('contexts', i, context >>> 16);

    page.times[i] = timeLow - this.#baseLow;
    if (timeHigh !== this.#baseHigh || timeLow < this.#baseLow) {
      const upper = timeHigh - this.#baseHigh - (timeLow < this.#baseLow ? 1 : 0);
      if (upper !== 0) this.#upper('times', i, upper);
    }

    if ((i & GROUP_MASK) === 0) page.groups[i >>> GROUP_BITS] = this.#groupAt = this.#unitAt;
    const place = this.#unitAt - this.#groupAt;
    page.places[i] = place;
    if (place > 0xffff) this.#upper('places', i, place >>> 16);

    this.#store(forms, units, count);
    this.events++;
  }

  /** Hands over the pages begun since the last time. */
  take(): NewPages {
    const taken: NewPages = { newPages: this.#newPages, newUnitPages: this.#newUnitPages, newUppers: this.#newUppers };
    this.#newPages = [];
    this.#newUnitPages = [];
    this.#newUppers = [];
    return taken;
  }

  #store({ stored, units: fixed }: FormsOfShape, units: Uint32Array, count: number): void {
    const n = stored.length;
    const total = n + count - fixed;
    const at = this.#unitAt & UNIT_PAGE_MASK;
    if (at === 0 || at + total > UNIT_PAGE_UNITS) {
      for (let u = 0; u < n; u++) this.#unit(units[stored[u]!]!);
      for (let u = fixed; u < count; u++) this.#unit(units[u]!);
      return;
    }
    const page = this.#units;
    for (let u = 0; u < n; u++) page[at + u] = units[stored[u]!]!;
    for (let u = fixed, to = at + n; u < count; u++) page[to++] = units[u]!;
    this.#unitAt += total;
  }

  /** Stores one unit; an event may go on in the next page. */
  #unit(value: number): void {
    const at = this.#unitAt & UNIT_PAGE_MASK;
    if (at === 0) {
      const buffer = newUnitPage();
      this.#newUnitPages.push(buffer);
      this.#units = new Uint32Array(buffer);
    }
    this.#units[at] = value;
    this.#unitAt++;
  }

  #begin(timeLow: number, timeHigh: number): void {
    const buffer = newEventPage();
    this.#newPages.push(buffer);
    this.#page = eventPage(buffer);
    this.#page.timeBase[0] = this.#baseLow = timeLow;
    this.#page.timeBase[1] = this.#baseHigh = timeHigh;
    this.#uppers = {};
  }

  /** Sets the upper bits of a value. Those of the events before it are 0, as a new buffer is. */
  #upper(column: UpperColumn, i: number, bits: number): void {
    let upper = this.#uppers[column];
    if (!upper) {
      const fresh = newUpper(this.events >>> PAGE_BITS, column);
      this.#newUppers.push(fresh);
      upper = this.#uppers[column] = new Uint32Array(fresh.buffer);
    }
    upper[i] = bits;
  }
}
