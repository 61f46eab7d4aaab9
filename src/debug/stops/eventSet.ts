/** Numbers of events, in trace order, that can be asked from both sides. Sets may grow at their end while a trace is loading. */
export interface EventSet {
  /** the first one after `after` and before `limit` */
  next(after: number, limit: number): number | undefined;
  /** the last one before `before` and after `floor` */
  previous(before: number, floor: number): number | undefined;
}

export const NOTHING: EventSet = { next: () => undefined, previous: () => undefined };

/** One event. */
export function single(event: number): EventSet {
  return {
    next: (after, limit) => (event > after && event < limit ? event : undefined),
    previous: (before, floor) => (event < before && event > floor ? event : undefined),
  };
}

/** Those of several sets. */
export function union(sets: readonly EventSet[]): EventSet {
  return {
    next(after, limit) {
      let best: number | undefined;
      for (const set of sets) best = set.next(after, best ?? limit) ?? best;
      return best;
    },
    previous(before, floor) {
      let best: number | undefined;
      for (const set of sets) best = set.previous(before, best ?? floor) ?? best;
      return best;
    },
  };
}

/** Those of a set for which a cheap test holds. */
export function only(set: EventSet, test: (event: number) => boolean): EventSet {
  return {
    next(after, limit) {
      let e = set.next(after, limit);
      while (e !== undefined && !test(e)) e = set.next(e, limit);
      return e;
    },
    previous(before, floor) {
      let e = set.previous(before, floor);
      while (e !== undefined && !test(e)) e = set.previous(e, floor);
      return e;
    },
  };
}

/** A growing, sorted list of event numbers: four bytes each. */
export class EventList implements EventSet {
  private events: Int32Array | Float64Array;
  private count = 0;

  /** @param fractions spots between events are in it, too: eight bytes each */
  constructor(fractions = false) {
    this.events = fractions ? new Float64Array(16) : new Int32Array(16);
  }

  get length(): number {
    return this.count;
  }

  /** `event` is higher than all before. */
  push(event: number): void {
    if (this.count === this.events.length) {
      const larger = this.events instanceof Int32Array ? new Int32Array(this.count * 2) : new Float64Array(this.count * 2);
      larger.set(this.events);
      this.events = larger;
    }
    this.events[this.count++] = event;
  }

  at(position: number): number | undefined {
    return position >= 0 && position < this.count ? this.events[position] : undefined;
  }

  /** How many are at or before `event`. */
  rank(event: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.events[middle]! <= event) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many are before `limit`. */
  private below(limit: number): number {
    const before = this.rank(limit);
    return before > 0 && this.events[before - 1] === limit ? before - 1 : before;
  }

  has(event: number): boolean {
    return this.at(this.rank(event) - 1) === event;
  }

  next(after: number, limit: number): number | undefined {
    const e = this.at(this.rank(after));
    return e !== undefined && e < limit ? e : undefined;
  }

  previous(before: number, floor: number): number | undefined {
    const e = this.at(this.below(before) - 1);
    return e !== undefined && e > floor ? e : undefined;
  }
}
