import { strict as assert } from 'node:assert';
import { hashBucket } from '../../src/engine/hash.js';
import { PageHash } from '../../src/engine/pageHash.js';
import type { EventIndex, Gfn, PageId } from '../../src/engine/ids.js';
import { Journal } from '../../src/engine/journal.js';
import { State, WritableState } from '../../src/engine/state.js';
import { Statistics } from '../../src/engine/statistics.js';

const page = (n: number): PageId => n as PageId;
const never = (): boolean => false;

/** Three gfns that share a bucket. */
function colliding(): Gfn[] {
  const found: Gfn[] = [];
  for (let gfn = 0; found.length < 3; gfn++) if (hashBucket(gfn as Gfn) === 5) found.push(gfn as Gfn);
  return found;
}

describe('statistics', () => {
  it('counters are cells: every position has its own', () => {
    const state = new WritableState(new Journal());
    const statistics = new Statistics(state);
    for (let event = 0; event < 4; event++) {
      state.now = event as EventIndex;
      statistics.add('mmu_shadow_zapped', 2);
      statistics.raise('max_mmu_page_hash_collisions', 3 - event);
    }
    const earlier = new State(state.journal);
    earlier.seek(1 as EventIndex);
    assert.equal(statistics.value('mmu_shadow_zapped', earlier), 4);
    assert.equal(statistics.value('mmu_shadow_zapped'), 8);
    assert.equal(statistics.value('max_mmu_page_hash_collisions'), 3);
    assert.equal(statistics.value('mmu_pte_write'), 0);
  });

  it('a search collides with the newer pages of other gfns, up to the page it finds', () => {
    const [a, b, c] = colliding() as [Gfn, Gfn, Gfn];
    const hash = new PageHash();
    hash.add(page(1), a);
    hash.add(page(2), b);
    hash.add(page(3), a);
    hash.add(page(4), c);
    assert.equal(hash.collisions(b, page(2), never), 2, 'c, then a');
    assert.equal(hash.collisions(a, page(1), never), 2, 'c and b: its own gfn does not count');
    assert.equal(hash.collisions(c, page(4), never), 0, 'at the head');
    assert.equal(hash.collisions(b, page(0), never), 3, 'not there: the whole bucket');
    assert.equal(
      hash.collisions(b, page(2), (id) => id === page(3)),
      1,
      'an obsolete page is passed over',
    );
    hash.remove(page(4), c);
    assert.equal(hash.collisions(b, page(2), never), 1);
  });
});
