import { eraNamed, eraOfKernel, withFeatures, withoutFeatures, type Era } from '../engine/eras.js';
import type { Feature } from '../engine/features.js';
import type { EventIndex } from '../engine/ids.js';
import { Trail } from '../engine/trail.js';
import { parse } from './language/parser.js';
import type { Diagnostic, Program, Span } from './language/statement.js';
import type { Happening } from './happening.js';
import { Machine } from './machine.js';
import { Runner } from './run/runner.js';

export interface RunOptions {
  /** an era or a kernel version, instead of the scenario's own */
  readonly kernel?: string;
  /** besides those of the scenario; a feature that is switched on and off is off */
  readonly without?: readonly Feature[];
  readonly with?: readonly Feature[];
  /** check the invariants after each statement */
  readonly invariants?: boolean;
}

/** A statement that was run. */
export interface StatementRun {
  /** from 1 */
  readonly line: number;
  readonly text: string;
  /** number of the vCPU that ran it; undefined for what the host or user space did */
  readonly vcpu: number | undefined;
  /** its events, both ends included */
  readonly first: EventIndex;
  readonly last: EventIndex;
}

/** An `expect` that does not hold, or what a run could not go on after. */
export interface Failure extends Span {
  /** an expectation of the scenario; an invariant, where those are checked after each statement; what the run could not go on after */
  readonly kind: 'expect' | 'invariant' | 'stop';
  readonly event: EventIndex;
  readonly line: number;
  readonly message: string;
  readonly expected: string;
  readonly found: string;
}

export interface ScenarioRun {
  readonly program: Program;
  readonly era: Era;
  /** what differs from the named era, by the scenario and by the options */
  readonly without: readonly Feature[];
  readonly with: readonly Feature[];
  readonly machine: Machine;
  readonly happenings: readonly Happening[];
  /** the functions of the kernel that the engine went through */
  readonly trail: Trail;
  /** in order; those whose condition did not hold are not among them */
  readonly statements: readonly StatementRun[];
  readonly failures: readonly Failure[];
}

/** A scenario that cannot be run: what is wrong with it. */
export class ScenarioError extends Error {
  constructor(
    readonly file: string,
    readonly diagnostics: readonly Diagnostic[],
  ) {
    const [{ line, column, message }] = diagnostics as [Diagnostic];
    const more = diagnostics.length - 1;
    super(`${file}:${line}:${column}: ${message}${more ? ` (and ${more} more error${more === 1 ? '' : 's'})` : ''}`);
  }
}

const DEFAULT_KERNEL = '6.1';

/** Runs a scenario to its end. @throws ScenarioError where it is not one */
export function runScenario(text: string, file: string, options: RunOptions = {}): ScenarioRun {
  const { program, diagnostics } = parse(text);
  if (diagnostics.length) throw new ScenarioError(file, diagnostics);
  const { era, without, with: more } = eraOfProgram(program, options);
  const machine = new Machine({ era, maxPages: Infinity });
  const trail = new Trail(machine.mmu);
  machine.mmu.trail = trail;
  const { statements, failures } = new Runner(machine, era, options.invariants).run(program);
  return { program, era, without, with: more, machine, happenings: machine.happenings, statements, failures, trail };
}

/** The era that a scenario runs in, and how it differs from the one named. */
export function eraOfProgram(program: Program, options: RunOptions = {}): Pick<ScenarioRun, 'era' | 'without' | 'with'> {
  const own = { kernel: DEFAULT_KERNEL, without: [] as Feature[], with: [] as Feature[] };
  for (const { action } of program.statements) {
    if (action.kind === 'kernel') own.kernel = action.kernel.value;
    if (action.kind === 'without' || action.kind === 'with') own[action.kind].push(...action.features.map(({ value }) => value));
  }
  const kernel = options.kernel ?? own.kernel;
  const base = eraNamed(kernel) ?? eraOfKernel(kernel);
  if (!base) throw new RangeError(`no era has the rules of kernel '${kernel}'`);
  const without = distinct([...own.without, ...(options.without ?? [])]);
  const on = distinct([...own.with, ...(options.with ?? [])]).filter((feature) => !without.includes(feature));
  return { era: withoutFeatures(withFeatures(base, on), without), without, with: on };
}

function distinct<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}
