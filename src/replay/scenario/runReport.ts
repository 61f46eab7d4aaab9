import { runScenario, type ScenarioRun } from '../../scenario/run.js';
import { rulesNamed } from '../diff/open.js';
import { transcript } from './transcript.js';

export { ScenarioError } from '../../scenario/run.js';
export { RuleError } from '../diff/open.js';

/** What a run may be asked for beyond what its scenario says. */
export interface RunWish {
  readonly kernel?: string;
  readonly without?: readonly string[];
  readonly with?: readonly string[];
}

/** A run, and what it prints. */
export interface RunReport extends Pick<ScenarioRun, 'era' | 'without' | 'with' | 'failures'> {
  readonly events: number;
  readonly trace: string;
}

/** Runs a scenario to its end. @throws ScenarioError where it is not one, RuleError where the wish cannot be met */
export function runReport(text: string, file: string, { kernel, without = [], with: more = [] }: RunWish): RunReport {
  const run = runScenario(text, file, rulesNamed(kernel, without, more));
  const { era, failures, happenings } = run;
  return { era, without: run.without, with: run.with, failures, events: happenings.length, trace: transcript(run) };
}
