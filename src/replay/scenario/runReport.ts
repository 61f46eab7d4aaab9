import { eraNamed, eraOfKernel } from '../../engine/eras.js';
import { isFeature, type Feature } from '../../engine/features.js';
import { runScenario, type ScenarioRun } from '../../scenario/run.js';
import { transcript } from './transcript.js';

export { ScenarioError } from '../../scenario/run.js';

/** A kernel or a feature that there is none of. */
export class RuleError extends Error {}

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
  if (kernel !== undefined && !eraNamed(kernel) && !eraOfKernel(kernel)) throw new RuleError(`no era has the rules of kernel '${kernel}'`);
  const run = runScenario(text, file, { ...(kernel !== undefined && { kernel }), without: without.map(feature), with: more.map(feature) });
  const { era, failures, happenings } = run;
  return { era, without: run.without, with: run.with, failures, events: happenings.length, trace: transcript(run) };
}

function feature(name: string): Feature {
  if (isFeature(name)) return name;
  throw new RuleError(`no kernel has a feature '${name}'`);
}
