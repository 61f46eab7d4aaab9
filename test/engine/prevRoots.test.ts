import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { switchRoot } from '../../src/engine/prevRoots.js';

const NONE = '–';
const isNone = (root: string): boolean => root === NONE;

describe('previous roots (vectors.md §11)', () => {
  it('rotate as the kernel’s do', () => {
    const STEPS: readonly [to: string, found: boolean, slots: string][] = [
      ['B', false, 'BA––'],
      ['C', false, 'CBA–'],
      ['D', false, 'DCBA'],
      ['A', true, 'ADCB'],
      ['E', false, 'EADC'],
      ['B', false, 'BEAD'],
      ['A', true, 'ABED'],
    ];
    let slots: readonly string[] = [...'A–––'];
    for (const [to, found, after] of STEPS) {
      const next = switchRoot(slots, isNone, (root) => root === to);
      assert.equal(next.found, found, `to ${to}`);
      slots = next.found ? next.slots : [to, ...next.slots.slice(1)];
      assert.equal(slots.join(''), after);
    }
  });

  it('a miss leaves the oldest in front, to be freed', () => {
    assert.deepEqual(switchRoot([...'DCBA'], isNone, () => false).slots, [...'ADCB']);
  });

  it('roots behind the one that was found stay where they are', () => {
    assert.deepEqual(switchRoot([...'CABD'], isNone, (root) => root === 'B').slots, [...'BCAD']);
  });

  it('a search that begins with the wanted root changes nothing', () => {
    assert.deepEqual(
      switchRoot([...'AB––'], isNone, (root) => root === 'A'),
      { slots: [...'AB––'], found: true },
    );
  });

  it('without a current root the found one leaves its slot to those behind it', () => {
    assert.deepEqual(
      switchRoot([...'–ABC'], isNone, (root) => root === 'B'),
      { slots: [...'BAC–'], found: true },
    );
    assert.deepEqual(
      switchRoot([...'–ABC'], isNone, (root) => root === 'X'),
      { slots: [...'–ABC'], found: false },
    );
  });
});
