import { eraNamed, eraOfKernel } from '../../engine/eras.js';
import { isFeature, type Feature } from '../../engine/features.js';
import { ScenarioError, runScenario } from '../../scenario/run.js';
import type { EventTable } from '../../trace/table.js';
import { ScenarioRefusal, scenarioOf } from '../extract/scenario.js';
import { Replay } from '../replay.js';
import { ScenarioHistory } from '../scenario/history.js';
import { recordedRun, scenarioRun, type DiffRun } from './run.js';

export { ScenarioError, ScenarioRefusal };

/** The rules that a run is made under, where they are not those of the file itself. */
export interface RunRules {
  /** an era's name or a kernel version */
  readonly kernel?: string | undefined;
  readonly without?: readonly Feature[];
  readonly with?: readonly Feature[];
}

/** Names that nobody gave to a kernel or a feature. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
}

/** @throws RuleError */
export function rulesNamed(kernel: string | undefined, without: readonly string[] = [], more: readonly string[] = []): RunRules {
  if (kernel !== undefined && !eraNamed(kernel) && !eraOfKernel(kernel))
    throw new RuleError(`there is no era '${kernel}'; shadow-mmu eras lists them`);
  return { kernel, without: without.map(featureNamed), with: more.map(featureNamed) };
}

function featureNamed(name: string): Feature {
  if (!isFeature(name)) throw new RuleError(`there is no feature '${name}'; shadow-mmu eras lists them`);
  return name;
}

/** A run and the rules that it was made under. */
export interface NamedRun {
  readonly run: DiffRun;
  readonly kernel: string;
  readonly without: readonly Feature[];
  readonly with: readonly Feature[];
}

/** A recording as it is; `kernel` says what recorded it. */
export function openRecording(table: EventTable, kernel?: string): NamedRun {
  const replay = new Replay(table, kernel === undefined ? {} : { kernel });
  replay.advance(table.length);
  return { run: recordedRun(replay.history, kernel), kernel: kernel ?? table.info.kernel.text, without: [], with: [] };
}

/** @throws ScenarioError where the text is no scenario */
export function openScenario(text: string, file: string, { kernel, without = [], with: more = [] }: RunRules): NamedRun {
  const ran = runScenario(text, file, { ...(kernel === undefined ? {} : { kernel }), without, with: more });
  return {
    run: scenarioRun(new ScenarioHistory(ran, file), ran.era, ran.failures),
    kernel: ran.era.name,
    without: ran.without,
    with: ran.with,
  };
}

/**
 * What guest and host did in a recording, run under other rules.
 *
 * @throws ScenarioRefusal where the recording does not show what they did
 */
export function openAsScenario(table: EventTable, rules: RunRules, vm = 0): NamedRun {
  const lines = [...scenarioOf(table, { from: 0, to: table.length - 1, vm })];
  return openScenario(lines.join('\n'), table.info.file, rules);
}
