import { readFileSync } from 'node:fs';
import { Replay } from '../replay/replay.js';
import { openScenario, ScenarioError, type ScenarioHistory } from '../replay/scenario/history.js';
import { UsageError, type Options } from './command.js';
import { readAndReplay, type Wanted } from './replayed.js';
import { eraOption, featuresNamed } from './rules.js';
import { kernelOf } from './trace.js';

/** What a caller wants beside what the call says. */
export type OpenOptions = Options & Pick<Wanted, 'verdicts' | 'inline' | 'until' | 'limit' | 'onProgress'>;

/** A scenario is what its name says it is. */
export function isScenario(file: string): boolean {
  return /\.mmu$/iu.test(file);
}

/** A trace, replayed to its end or so far as the caller wants; or a scenario, run to its end: its own journal is the history. */
export async function openFile(file: string, options: OpenOptions): Promise<Replay> {
  if (!isScenario(file)) return openReplayed(file, options);
  const history = runFile(file, options);
  return new Replay(history.table, {}, history);
}

/** A trace, or the transcript of a scenario's run, replayed to its end or so far as the caller wants. */
export async function openReplayed(file: string, options: OpenOptions): Promise<Replay> {
  const { invariants, verdicts = false, until, inline, limit, onProgress } = options;
  if (isScenario(file)) {
    const { table } = runFile(file, options);
    const replay = new Replay(table, { invariants, verdicts });
    replay.advance(until ?? table.length);
    return replay;
  }
  const without = featuresNamed('without', options.without);
  return readAndReplay(file, { kernel: kernelOf(options), without, invariants, verdicts, until, inline, limit, onProgress });
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
