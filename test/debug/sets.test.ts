import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { cached } from '../../src/debug/stops/cachedSet.js';
import { EventList, only, single, union, type EventSet } from '../../src/debug/stops/eventSet.js';

const END = 60;
const events = fc.uniqueArray(fc.nat({ max: END - 1 })).map((list) => list.sort((a, b) => a - b));
const listOf = (members: number[]): EventList => {
  const list = new EventList();
  for (const e of members) list.push(e);
  return list;
};
const queries = fc.array(
  fc.record({ forward: fc.boolean(), from: fc.integer({ min: -1, max: END }), bound: fc.integer({ min: -1, max: END }) }),
);

/** Asks a set the same questions as a plain list of its members. */
function agrees(set: EventSet, members: readonly number[], asked: { forward: boolean; from: number; bound: number }[]): void {
  for (const { forward, from, bound } of asked) {
    if (forward) {
      assert.equal(
        set.next(from, bound),
        members.find((e) => e > from && e < bound),
      );
    } else {
      assert.equal(
        set.previous(from, bound),
        members.findLast((e) => e < from && e > bound),
      );
    }
  }
}

describe('sets of events', () => {
  it('lists answer from both sides', () => {
    fc.assert(fc.property(events, queries, (members, asked) => agrees(listOf(members), members, asked)));
  });

  it('unions, filters and single events do', () => {
    fc.assert(
      fc.property(events, events, fc.nat({ max: END - 1 }), queries, (a, b, one, asked) => {
        const all = [...new Set([...a, ...b, one])].sort((x, y) => x - y);
        const set = union([listOf(a), listOf(b), single(one)]);
        agrees(set, all, asked);
        agrees(
          only(set, (e) => e % 3 === 0),
          all.filter((e) => e % 3 === 0),
          asked,
        );
      }),
    );
  });

  it('remembering an answer changes none', () => {
    fc.assert(fc.property(events, queries, (members, asked) => agrees(cached(listOf(members)), members, asked)));
  });

  it('remembering holds while the set grows at its end', () => {
    fc.assert(
      fc.property(events, fc.array(fc.nat({ max: END })), (members, places) => {
        const list = new EventList();
        const set = cached(list);
        let end = 0;
        for (const place of places) {
          end = Math.min(END, end + 7);
          const from = Math.min(place, end); // nobody asks about what is not there yet
          while (list.length < members.length && members[list.length]! < end) list.push(members[list.length]!);
          const known = members.filter((e) => e < end);
          agrees(set, known, [
            { forward: true, from, bound: end },
            { forward: false, from, bound: -1 },
          ]);
        }
      }),
    );
  });
});
