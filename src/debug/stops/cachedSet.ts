import type { EventSet } from './eventSet.js';

/** A stretch of events, both ends excluded, in which a set is known to have none. */
interface Gap {
  readonly after: number;
  readonly before: number;
}

/**
 * Remembers the gap around the last answer. A search asks every set again and again from places between two of its events, while
 * another set supplies the candidates; a set that has to look through a journal for its answer need do so only once. The set may
 * grow at its end, provided that no question reached beyond what was there.
 */
export function cached(set: EventSet): EventSet {
  let gap: Gap = { after: 0, before: 0 };
  return {
    next(after, limit) {
      let from = after;
      if (from >= gap.after && from < gap.before) {
        if (gap.before >= limit) return undefined;
        from = gap.before - 1;
      }
      const e = set.next(from, limit);
      gap = { after: from === after ? after : gap.after, before: e ?? limit };
      return e;
    },
    previous(before, floor) {
      let from = before;
      if (from <= gap.before && from > gap.after) {
        if (gap.after <= floor) return undefined;
        from = gap.after + 1;
      }
      const e = set.previous(from, floor);
      gap = { after: e ?? floor, before: from === before ? before : gap.before };
      return e;
    },
  };
}
