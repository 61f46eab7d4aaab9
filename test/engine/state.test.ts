import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { EventIndex } from '../../src/engine/ids.js';
import { Journal } from '../../src/engine/journal.js';
import { State, WritableState } from '../../src/engine/state.js';

const CELLS = 8;

interface Write {
  cell: number;
  value: bigint;
  tag: number;
  /** events between this write and the one before */
  gap: number;
}
const writes = fc.array(
  fc.record({
    cell: fc.nat(CELLS - 1),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    tag: fc.nat(127),
    gap: fc.nat(2),
  }),
  { maxLength: 80 },
);

/** The journal of a run, and by event what the cells hold according to a plain model. */
function run(list: readonly Write[]) {
  const journal = new Journal();
  const first = journal.allocate(CELLS);
  const state = new WritableState(journal);
  let model = Array.from({ length: CELLS }, () => '0/0');
  const after: string[][] = [];
  let event = 0;
  for (const { cell, value, tag, gap } of list) {
    for (; gap > 0 && after.length < event + gap;) after.push([...model]);
    event += gap;
    state.now = event as EventIndex;
    state.setWord(first + cell, value, tag);
    model = model.with(cell, `${value}/${tag}`);
  }
  after[event] = [...model];
  return { journal, first, state, after, last: event };
}

const cellsOf = (state: State, first: number): string[] =>
  Array.from({ length: CELLS }, (_, i) => `${state.word(first + i)}/${state.tag(first + i)}`);

describe('journal and state', () => {
  it('any event can be visited in any order, and every visit finds the same', () => {
    fc.assert(
      fc.property(writes, fc.array(fc.nat(200), { maxLength: 20 }), (list, visits) => {
        const { journal, first, after, last } = run(list);
        const cursor = new State(journal);
        for (const visit of visits) {
          const event = (visit % (last + 1)) as EventIndex;
          cursor.seek(event);
          const expected = after[event] ?? after.slice(0, event + 1).findLast((cells) => cells !== undefined);
          if (expected) assert.deepEqual(cellsOf(cursor, first), expected, `after event ${event}`);
        }
        cursor.seek(-1 as EventIndex);
        assert.deepEqual(
          cellsOf(cursor, first),
          Array.from({ length: CELLS }, () => '0/0'),
        );
      }),
    );
  });

  it('a cell at an earlier event is found without moving', () => {
    fc.assert(
      fc.property(writes, fc.nat(200), (list, visit) => {
        const { journal, first, state, last } = run(list);
        const event = (visit % (last + 1)) as EventIndex;
        const cursor = new State(journal);
        cursor.seek(event);
        for (let i = 0; i < CELLS; i++) assert.equal(state.recordAt(first + i, event), cursor.record(first + i));
      }),
    );
  });

  it('keeps every bit of a word, also of one that looks like a NaN', () => {
    const journal = new Journal();
    const [cell] = [journal.allocate(1)];
    const state = new WritableState(journal);
    const words = [0x7ff8_0000_0000_0001n, 0xfff8_0000_fee0_07fbn, 0x7ff4_0000_0000_0000n];
    for (let i = 0; i < 40_000; i++) state.setWord(cell, words[i % 3]!, 1); // past the first growth of the columns
    assert.equal(state.word(cell), words[39_999 % 3]);
    assert.equal(journal.word(journal.previous(state.record(cell))), words[39_998 % 3]);
  });
});
