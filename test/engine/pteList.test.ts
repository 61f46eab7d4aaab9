import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { OLD_RMAP_SLOTS, PteList } from '../../src/engine/pteList.js';

const letters = (first: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => String.fromCharCode(first.charCodeAt(0) + i));

describe('reverse map lists (vectors.md §12)', () => {
  it('grow from one entry in the head to chains of descriptors, and shrink as the kernel’s do', () => {
    const list = new PteList<string>();
    assert.equal(list.shape, 'empty');
    assert.equal(list.add('a'), 0);
    assert.equal(list.shape, 'single');
    assert.equal(list.add('b'), 1);
    assert.deepEqual(list.shape, [2]);
    assert.deepEqual(
      letters('c', 12).map((entry) => list.add(entry)),
      [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
    );
    assert.deepEqual(list.shape, [14]);
    assert.equal(list.add('o'), 14);
    assert.deepEqual(list.shape, [14, 1]);

    list.remove('a');
    assert.deepEqual(list.shape, [13, 1]);
    assert.deepEqual([...list], ['n', ...letters('b', 12), 'o'], 'the last of the same descriptor takes the place');
    assert.equal(list.add('p'), 13, 'the first descriptor with room');
    assert.deepEqual(list.shape, [14, 1]);
    assert.deepEqual([...list].slice(-2), ['p', 'o']);

    for (const entry of [...list].slice(0, 14)) list.remove(entry);
    assert.deepEqual(list.shape, [1], 'a descriptor with one entry stays one');
    assert.deepEqual([...list], ['o']);
    list.remove('o');
    assert.equal(list.shape, 'empty');
  });

  it('lose a descriptor in the middle', () => {
    const list = new PteList<number>(2);
    for (let i = 0; i < 6; i++) list.add(i);
    list.remove(2);
    list.remove(3);
    assert.deepEqual(list.shape, [2, 2]);
    assert.deepEqual([...list], [0, 1, 4, 5]);
  });

  it('count only up to a descriptor with room', () => {
    const list = new PteList<number>(OLD_RMAP_SLOTS);
    for (let i = 0; i < 9; i++) list.add(i);
    assert.deepEqual(list.shape, [4, 4, 1]);
    list.remove(0);
    assert.equal(list.add(9), 3);
  });

  it('an entry that is not there is a bug', () => {
    const list = new PteList<number>();
    assert.throws(() => list.remove(1), RangeError);
    list.add(1);
    assert.throws(() => list.remove(2), RangeError);
    list.add(2);
    assert.throws(() => list.remove(3), RangeError);
  });

  it('hold what was added and not removed, whatever the order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 14 }), fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (slots, steps) => {
        const list = new PteList<number>(slots);
        const expected = new Set<number>();
        for (const entry of steps) {
          if (expected.delete(entry)) list.remove(entry);
          else {
            assert.ok(list.add(entry) <= expected.size);
            expected.add(entry);
          }
          assert.deepEqual(new Set(list), expected);
          assert.equal(list.size, expected.size);
          const { shape } = list;
          if (typeof shape !== 'string') assert.ok(shape.every((count) => count > 0 && count <= slots));
        }
      }),
    );
  });
});
