import type { EventIndex, PageId } from './ids.js';

/** One thing of a kind that was noticed: when, about which page, and a number that says more. */
export interface Notice {
  readonly event: EventIndex;
  readonly page: PageId;
  readonly detail: number;
}

/** What one who follows another's list is told from time to time. */
export interface NoticeGrowth {
  readonly events: Int32Array;
  readonly pages: Uint32Array;
  readonly details: Float64Array;
}

/** What the algorithm did in passing: nothing of it has an event or changes the state. In order of time; sixteen bytes each. */
export class NoticeList {
  private events = new Int32Array(64);
  private pages = new Uint32Array(64);
  private details = new Float64Array(64);
  length = 0;

  push(event: EventIndex, page: PageId, detail: number): void {
    if (this.length === this.events.length) this.grow();
    this.events[this.length] = event;
    this.pages[this.length] = page;
    this.details[this.length] = detail;
    this.length++;
  }

  eventAt(position: number): EventIndex | undefined {
    return position >= 0 && position < this.length ? (this.events[position] as EventIndex) : undefined;
  }

  /** How many were at or before an event. */
  rank(event: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle]! <= event) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** All at one event. */
  at(event: EventIndex): Notice[] {
    const found: Notice[] = [];
    for (let i = this.rank(event - 1); i < this.length && this.events[i] === event; i++) {
      found.push({ event, page: this.pages[i] as PageId, detail: this.details[i]! });
    }
    return found;
  }

  /** What came after the first `length`. */
  growth(length: number): NoticeGrowth {
    return {
      events: this.events.slice(length, this.length),
      pages: this.pages.slice(length, this.length),
      details: this.details.slice(length, this.length),
    };
  }

  /** Follows another list. */
  adopt({ events, pages, details }: NoticeGrowth): void {
    events.forEach((event, i) => this.push(event as EventIndex, pages[i] as PageId, details[i]!));
  }

  private grow(): void {
    const capacity = this.events.length * 2;
    const [events, pages, details] = [new Int32Array(capacity), new Uint32Array(capacity), new Float64Array(capacity)];
    events.set(this.events);
    pages.set(this.pages);
    details.set(this.details);
    [this.events, this.pages, this.details] = [events, pages, details];
  }
}

/** What is noticed in the shadow MMU of a VM. */
export class Notices {
  /** a guest write passed a page over, since the entry written lies in another quadrant of the table; detail: its gpa, bytes */
  readonly quadrantSkips = new NoticeList();
  /** the search for a page went past pages of other gfns in its bucket; the page that came of it; detail: how many */
  readonly collisions = new NoticeList();
}
