import fc from 'fast-check';
import { eraFor, withoutFeatures } from '../../src/engine/eras.js';
import type { Snapshot } from '../../src/engine/invariants/snapshot.js';
import type { Machine, MachineOptions } from '../../src/scenario/machine.js';
import { MODES, newMachine, rootOf, type Mode } from './guest.js';
import { Observer } from '../../src/scenario/observer.js';
import { Driver, operation, type Counts, type Operation } from './operations.js';

/** The kernel of the runs, without a defect that it has and that breaks I-33 and I-34. */
export const ERA = withoutFeatures(eraFor('6.1'), ['mmio-counts-as-writable']);

/** Operations of one run. */
export const LENGTH = 200;

export interface Start {
  readonly modes: readonly [Mode, Mode];
  readonly maxPages: number;
  readonly operations: readonly Operation[];
}

/** How a random run begins, and what happens in it. */
export function start(modes: readonly Mode[] = MODES): fc.Arbitrary<Start> {
  return fc.record({
    modes: fc.tuple(fc.constantFrom(...modes), fc.constantFrom(...modes)),
    maxPages: fc.integer({ min: 36, max: 64 }),
    operations: fc.array(operation, { minLength: LENGTH, maxLength: LENGTH }),
  });
}

export interface Run {
  readonly machine: Machine;
  readonly observer: Observer;
  readonly driver: Driver;
}

/**
 * A machine with two vCPUs, and who drives and who watches it.
 *
 * @param check is called with what is there in the middle of a fast zap
 * @param changes modes that a vCPU may go over to
 */
export function setUp(
  { modes, maxPages }: Start,
  counts: Counts,
  check: (snapshot: Snapshot) => void,
  options: MachineOptions = {},
  changes: readonly Mode[] = MODES,
): Run {
  const machine = newMachine({ era: ERA, maxPages, ...options });
  const observer = new Observer(machine, maxPages);
  const driver = new Driver(machine, observer, counts, check, changes);
  for (const mode of modes) machine.addCpu({ mode, cr3: rootOf(mode, 0), wp: true });
  return { machine, observer, driver };
}
