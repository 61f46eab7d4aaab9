import { readFileSync } from 'node:fs';
import { Replay, type ReplayOptions } from '../replay/replay.js';
import { openScenario, ScenarioError, type ScenarioHistory } from '../replay/scenario/history.js';
import type { EventTable } from '../trace/table.js';
import { UsageError, type Options } from './command.js';
import { eraOption, featuresNamed } from './rules.js';
import { kernelOf, readTrace } from './trace.js';

/** A file with the history that is asked about, and how far it has to be replayed for an answer. */
export interface OpenedFile {
  readonly table: EventTable;
  readonly replay: Replay;
}

/** What a caller wants beside what the call says. */
export type OpenOptions = Options & Pick<ReplayOptions, 'verdicts'> & { /** read in this thread */ readonly inline?: boolean };

/** A scenario is what its name says it is. */
export function isScenario(file: string): boolean {
  return /\.mmu$/iu.test(file);
}

/** A trace, not replayed yet; or a scenario, run to its end: its own journal is the history. */
export async function openFile(file: string, options: Options): Promise<OpenedFile> {
  if (!isScenario(file)) return openForReplay(file, options);
  const history = runFile(file, options);
  return { table: history.table, replay: new Replay(history.table, {}, history) };
}

/** A trace, or the transcript of a scenario's run: both to be replayed. */
export async function openForReplay(file: string, options: OpenOptions): Promise<OpenedFile> {
  const { invariants, verdicts = false } = options;
  if (isScenario(file)) {
    const { table } = runFile(file, options);
    return { table, replay: new Replay(table, { invariants, verdicts }) };
  }
  const without = featuresNamed('without', options.without);
  const kernel = kernelOf(options);
  const table = await readTrace(file, options.inline);
  return { table, replay: new Replay(table, { kernel, without, invariants, verdicts }) };
}

function runFile(file: string, options: Options): ScenarioHistory {
  const kernel = options.kernel === 'auto' ? undefined : eraOption(options.kernel);
  const without = featuresNamed('without', options.without);
  try {
    return openScenario(readFileSync(file, 'utf8'), file, { kernel, without });
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    if (error instanceof Error && 'code' in error) throw new UsageError(`cannot read ${file}: ${error.message}`);
    throw error;
  }
}
