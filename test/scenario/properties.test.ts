import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { eraFor, withoutFeatures } from '../../src/engine/eras.js';
import { BEFORE_FIRST, type EventIndex } from '../../src/engine/ids.js';
import { INVARIANTS, checkAll } from '../../src/engine/invariants/check.js';
import { type Report } from '../../src/engine/invariants/report.js';
import type { Snapshot } from '../../src/engine/invariants/snapshot.js';
import { State } from '../../src/engine/state.js';
import type { MachineOptions } from '../../src/scenario/machine.js';
import type { Observer } from '../../src/scenario/observer.js';
import { MODES } from './guest.js';
import { Counts } from './operations.js';
import { LENGTH, setUp, start, type Start } from './start.js';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 50);
const SEED = Number(process.env.PROPERTY_SEED ?? 20);

function noViolation(report: Report, what: string): void {
  const [first] = report.violations;
  if (first) assert.fail(`I-${first.number} ${what}: ${first.message} (expected ${first.expected}, found ${first.found})`);
}

/** Runs a VM: every invariant after every operation, then once more backwards from cells alone. */
function run(begin: Start, counts: Counts, tallies: Map<number, number>, options: MachineOptions = {}): void {
  const check = (snapshot: Snapshot, when: string): void => {
    const report = checkAll(snapshot);
    noViolation(report, when);
    for (const [number, { checked }] of report.tallies) tallies.set(number, (tallies.get(number) ?? 0) + checked);
  };
  const { machine, observer, driver } = setUp(begin, counts, (snapshot) => check(snapshot, 'within a fast zap'), options);
  const ends: { event: EventIndex; mark: string }[] = [];
  for (const [at, each] of begin.operations.entries()) {
    driver.do(each);
    const snapshot = observer.snapshot();
    check(snapshot, `after operation ${at}, ${JSON.stringify(each)}`);
    ends.push({ event: machine.state.now, mark: markOf(snapshot) });
  }
  const past = new State(machine.journal);
  for (const [at, { event, mark }] of [...ends.entries()].reverse()) {
    past.seek(event);
    const snapshot = observer.past(past);
    noViolation(checkAll(snapshot), `backwards, after operation ${at}`);
    assert.equal(markOf(snapshot), mark, `the state after operation ${at}`);
  }
  past.seek(BEFORE_FIRST);
  machine.end();
  assert.equal(machine.mmu.usedPages(), 0, 'no page outlives the VM');
}

/** Pages, entries and roots in short. */
function markOf({ pages, vcpus, generation, counters }: ReturnType<Observer['snapshot']>): string {
  const of = pages.map(({ id, rootCount, unsync, entries }) => {
    const sum = entries.reduce((xor, { index, spte = 0n, child = 0 }) => xor ^ ((spte + BigInt(child)) * BigInt(index + 1)), 0n);
    return `${id}:${rootCount}:${unsync}:${entries.length}:${sum}`;
  });
  return [...of, generation, counters?.used, ...vcpus.map(({ roots, previous }) => `${roots.join()}/${previous.join()}`)].join(' ');
}

/** What must have happened in every 10,000 operations. */
const MUST_HAPPEN = [
  ...MODES.map((mode) => `paging ${mode}`),
  ...['root 0', 'root 1', 'root kept for later', 'vCPU 0', 'vCPU 1', 'CR3 load', 'mode change', 'CR0.WP toggle', 'INVLPG'],
  ...['access: done', 'access: mmio', 'access: injected', 'access: emulated', 'table write: emulated', 'emulated by KVM'],
  ...['slot deletion', 'slot creation', 'fast zap that lets go of the lock', 'recycled', 'unmapped by the host', 'shared by the host'],
  ...['direct page', 'large SPTE', 'written by user space'],
  ...['getPage', 'syncPage', 'unsyncPage', 'prepareZap', 'setSpte', 'spteRequested', 'markMmio', 'checkMmio', 'handleMmio'].map(
    (name) => `event ${name}`,
  ),
];

/** What a machine of today's kernels has no part in: MMIO without SPTEs, descriptor chains, nested five-level roots, local pages. */
const NOT_HERE = new Set([20, 30, 40, 48, 49]);
/** The same with local pages, without the two invariants that are about them. */
const NOT_WITH_LOCAL_PAGES = new Set([20, 30, 40]);
const RFC_LOCAL = withoutFeatures(eraFor('rfc-local'), ['mmio-counts-as-writable']);

describe('a random guest', function () {
  this.timeout(300_000);

  const random = (options: MachineOptions, numRuns: number, notHere: ReadonlySet<number>): Counts => {
    const counts = new Counts();
    const tallies = new Map<number, number>();
    fc.assert(
      fc.property(start(), (each) => run(each, counts, tallies, options)),
      { numRuns, seed: SEED, endOnFailure: !process.env.PROPERTY_SHRINK },
    );
    console.log(`      ${counts.toString()}`);
    console.log(`      checked: ${[...tallies].map(([number, count]) => `I-${number} ${count}`).join(', ')}`);
    assert.deepEqual(
      INVARIANTS.map(({ number }) => number).filter((number) => !tallies.get(number) && !notHere.has(number)),
      [],
      'every invariant was checked',
    );
    return counts;
  };

  it(`keeps every invariant through ${RUNS * LENGTH} operations, forwards and backwards`, () => {
    const counts = random({}, RUNS, NOT_HERE);
    assert.deepEqual(
      MUST_HAPPEN.filter((name) => counts.of(name) === 0),
      [],
      'everything has happened',
    );
  });

  it('keeps them with local pages', () => {
    random({ era: RFC_LOCAL }, RUNS / 2, NOT_WITH_LOCAL_PAGES);
  });
});
