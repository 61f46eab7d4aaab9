import { bothHold, eitherHolds, type Verdict } from '../../replay/query/index.js';

/** Numbers of events, in trace order, that can be asked from both sides. Sets may grow at their end while a trace is loading. */
export interface EventSet {
  /** the first one after `after` and before `limit` */
  next(after: number, limit: number): number | undefined;
  /** the last one before `before` and after `floor` */
  previous(before: number, floor: number): number | undefined;
  /** of a set that the columns of the trace tell: how a scan of them goes along it */
  readonly members?: Members | undefined;
}

/** The members of a set, for a scan that looks at every event. */
export interface Members {
  /** which of the events like one are members: of the same kind and name, with the same arguments given */
  like(sample: number): Verdict;
  /** before this event, from `from` on, there is none; `Infinity`: there is none at all */
  ahead(from: number): number;
  /** behind this event, down from `from`, there is none; -1: there is none at all */
  behind(from: number): number;
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
  const members = sets.flatMap((set) => set.members ?? []);
  return {
    members: members.length === sets.length ? membersOfAny(members) : undefined,
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
  const { members } = set;
  return {
    members: members && {
      like: (sample) => bothHold(members.like(sample), test),
      ahead: (from) => members.ahead(from),
      behind: (from) => members.behind(from),
    },
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

function membersOfAny(all: readonly Members[]): Members {
  return {
    like: (sample) => all.reduce((any: Verdict, members) => eitherHolds(any, members.like(sample)), false),
    ahead: (from) => all.reduce((first, members) => (first <= from ? first : Math.min(first, members.ahead(from))), Infinity),
    behind: (from) => all.reduce((last, members) => (last >= from ? last : Math.max(last, members.behind(from))), -1),
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
