import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Checkpoints } from '../../src/engine/checkpoints.js';
import type { EventIndex } from '../../src/engine/ids.js';
import { Journal } from '../../src/engine/journal.js';
import { State, WritableState } from '../../src/engine/state.js';

const CELLS = 300;

/** Numbers that look like chance, the same in every run. */
function* chance(): Generator<number, never> {
  for (let at = 1; ;) yield (at = (at * 48271) % 0x7fffffff);
}

/** A journal that grows by `writes` writes, three to an event; cells are made on the way, as pages are born. */
function grow(state: WritableState, writes: number, random: Generator<number, never>): EventIndex {
  const { journal } = state;
  for (let i = 0; i < writes; i++) {
    if (journal.cellCount < CELLS && i % 20 === 0) journal.allocate(10);
    if (i % 3 === 0) state.now = (state.now + 1) as EventIndex;
    state.setNumber(random.next().value % journal.cellCount, i);
  }
  return state.now;
}

function same(journal: Journal, checkpoints: Checkpoints, last: EventIndex, random: Generator<number, never>): void {
  const far = new State(journal, checkpoints);
  const plain = new State(journal);
  for (let visit = 0; visit < 120; visit++) {
    // far jumps, short ones, and the two ends
    const at = visit % 3 === 0 ? (far.event + (random.next().value % 40)) % (last + 1) : (random.next().value % (last + 2)) - 1;
    const event = (visit % 50 === 49 ? last : visit % 50 === 48 ? -1 : at) as EventIndex;
    far.seek(event);
    plain.seek(event);
    for (let cell = 0; cell < journal.cellCount; cell++)
      assert.equal(far.record(cell), plain.record(cell), `cell ${cell} after event ${event}`);
  }
}

describe('checkpoints', () => {
  it('make no difference to what a seek finds, also while the journal grows', () => {
    const random = chance();
    const journal = new Journal();
    journal.allocate(10);
    const state = new WritableState(journal);
    const checkpoints = new Checkpoints(journal, 1 << 20, 512);
    for (let stretch = 0; stretch < 4; stretch++) same(journal, checkpoints, grow(state, 7001, random), random);
  });

  it('take no more memory than they may, however long the journal, and lie evenly', () => {
    const random = chance();
    const journal = new Journal();
    journal.allocate(10);
    const state = new WritableState(journal);
    const limit = 40_000;
    const checkpoints = new Checkpoints(journal, limit, 256);
    for (let stretch = 0; stretch < 8; stretch++) {
      grow(state, 9000, random);
      checkpoints.follow();
      assert.ok(checkpoints.byteLength <= limit, `${checkpoints.byteLength} bytes`);
    }
    const reach = [...Array(200).keys()].map((i) => {
      const target = Math.floor((journal.length * i) / 200);
      return Math.abs(checkpoints.nearest(target).upTo - target);
    });
    assert.ok(Math.max(...reach) < journal.length / 4, 'no place is far from a checkpoint');
    same(journal, checkpoints, state.now, random);
  });
});
