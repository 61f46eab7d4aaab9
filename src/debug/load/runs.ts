import path from 'node:path';
import type { RunChoice, RunLabel } from '../../protocol.js';
import {
  RuleError,
  ScenarioError,
  ScenarioRefusal,
  openAsScenario,
  openRecording,
  openScenario,
  rulesNamed,
  type NamedRun,
} from '../../replay/diff/open.js';
import type { DiffRun } from '../../replay/diff/run.js';
import { openTrace } from '../../trace/open.js';
import type { EventTable } from '../../trace/table.js';
import { RequestError } from '../wire/errors.js';
import { textOf } from './textOf.js';

export type { RunChoice };

/** One side of a comparison, run to its end. */
export interface ComparedRun {
  readonly run: DiffRun;
  readonly label: RunLabel;
}

/**
 * The two runs of a comparison. A recording is compared as it is with another file; with itself, or where a feature is switched on or
 * off, it is what its guest and host did that runs, as a scenario, under the rules of either side.
 */
export async function openRuns(a: RunChoice, b: RunChoice, signal?: AbortSignal): Promise<{ a: ComparedRun; b: ComparedRun }> {
  const alike = path.resolve(a.file) === path.resolve(b.file);
  const rerun = alike || [a, b].some((choice) => changes(choice));
  if (alike && a.kernel === b.kernel && a.text === b.text && ![a, b].some((choice) => changes(choice)))
    throw new RequestError(
      `${a.file}: one file is compared under two kernels or with and without a feature; name a second file, a kernel or a feature`,
    );
  try {
    return { a: await openRun(a, rerun, signal), b: await openRun(b, rerun, signal) };
  } catch (error) {
    if (error instanceof RuleError || error instanceof ScenarioError) throw new RequestError(error.message);
    if (error instanceof ScenarioRefusal) throw new RequestError(`${a.file}: ${error.message}`);
    throw error;
  }
}

function changes({ without = [], with: more = [] }: RunChoice): boolean {
  return without.length + more.length > 0;
}

async function openRun(choice: RunChoice, rerun: boolean, signal: AbortSignal | undefined): Promise<ComparedRun> {
  const rules = rulesNamed(choice.kernel, choice.without, choice.with);
  if (choice.text !== undefined || /\.mmu$/i.test(choice.file))
    return labelled(choice.file, openScenario(choice.text ?? (await textOf(choice.file)), choice.file, rules));
  const table = await tableOf(choice.file, signal);
  return labelled(choice.file, rerun ? openAsScenario(table, rules) : openRecording(table, choice.kernel));
}

async function tableOf(file: string, signal: AbortSignal | undefined): Promise<EventTable> {
  const { table, done } = await openTrace(file, signal ? { signal } : {});
  await done;
  return table;
}

/** `quadrant.mmu, 2.6.24 without quadrant-filter` */
function labelled(file: string, { run, kernel, without, with: more }: NamedRun): ComparedRun {
  const words = [
    kernel || 'kernel unknown',
    ...(without.length ? [`without ${without.join(', ')}`] : []),
    ...(more.length ? [`with ${more.join(', ')}`] : []),
  ];
  const title = `${path.basename(file)}, ${words.join(' ')}`;
  return { run, label: { title, file, kernel, without: [...without], with: [...more], events: run.history.table.length } };
}
