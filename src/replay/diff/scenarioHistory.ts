import type { ScenarioRun } from '../../scenario/run.js';
import type { History } from '../history.js';
import { Replay } from '../replay.js';
import { scenarioTable } from '../scenario/transcript.js';

/** All that took place in a run of a scenario, by way of its transcript, whose replay gives the same states. */
export function scenarioHistory(run: ScenarioRun, file: string): History {
  const replay = new Replay(scenarioTable(run, file));
  replay.advance(replay.table.length);
  return replay.history;
}
