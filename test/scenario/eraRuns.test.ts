import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { ERAS, hasFeature, withoutFeatures, type Era } from '../../src/engine/eras.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import type { Snapshot } from '../../src/engine/invariants/snapshot.js';
import { MODES, type Mode } from './guest.js';
import { Counts } from './operations.js';
import { setUp, start, type Start } from './start.js';

const RUNS = Number(process.env.ERA_RUNS ?? 3);
const SEED = Number(process.env.PROPERTY_SEED ?? 20);
/** What breaks an invariant of its own, shown elsewhere. */
const DEFECTS = ['mmio-counts-as-writable'] as const;

/** Modes that an era's guest may go through in one run; without write protection a guest without paging writes tables unseen. */
function modesOf(era: Era): readonly (readonly Mode[])[] {
  const modes = MODES.filter((mode) => (mode !== '5-level' && mode !== 'npt-32') || hasFeature(era, 'previous-roots'));
  return hasFeature(era, 'nonpaging-write-protection') ? [modes] : [modes.filter((mode) => mode !== 'off'), ['off']];
}

/** Numbers of the invariants that an era breaks: a read-only leaf that no reverse map has stays when its frame goes. */
function broken(era: Era): readonly number[] {
  return hasFeature(era, 'rmap-of-all-leaves') ? [] : [10];
}

function run(begin: Start, era: Era, modes: readonly Mode[], counts: Counts): void {
  const check = (snapshot: Snapshot, when: string): void => {
    const first = checkAll(snapshot).violations.find(({ number }) => !broken(era).includes(number));
    if (first) assert.fail(`I-${first.number} ${when}: ${first.message} (expected ${first.expected}, found ${first.found})`);
  };
  const options = { era: withoutFeatures(era, DEFECTS) };
  const { machine, observer, driver } = setUp(begin, counts, (snapshot) => check(snapshot, 'within a fast zap'), options, modes);
  for (const [at, each] of begin.operations.entries()) {
    driver.do(each);
    check(observer.snapshot(), `after operation ${at}, ${JSON.stringify(each)}`);
  }
  machine.end();
  assert.equal(machine.mmu.usedPages(), 0, 'no page outlives the VM');
}

describe('a random guest of every era', function () {
  this.timeout(120_000);
  for (const era of ERAS) {
    it(`${era.name} keeps every invariant`, () => {
      for (const modes of modesOf(era)) {
        fc.assert(
          fc.property(start(modes), (each) => run(each, era, modes, new Counts())),
          { numRuns: RUNS, seed: SEED, endOnFailure: true },
        );
      }
    });
  }
});
