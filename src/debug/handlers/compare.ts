import type { EventIndex } from '../../engine/ids.js';
import type { Difference, DifferenceSide } from '../../protocol.js';
import { diffRuns, type DiffResult, type RunDifference } from '../../replay/diff/diff.js';
import { eventText, message, statementOf } from '../../replay/diff/report.js';
import type { DiffRun } from '../../replay/diff/run.js';
import type { Step } from '../../replay/diff/steps.js';
import { eventRef } from '../forms/index.js';
import { openRuns } from '../load/runs.js';
import type { Handlers } from '../wire/requests.js';

/** Sorts of differences that are answered, where the client does not say how many. */
const SORTS = 200;

/** Where two runs of the same guest part. Needs no launch. */
export function compareHandlers(): Handlers {
  return {
    'shadowMmu/diff': async ({ a, b, max = SORTS }, { signal }) => {
      const runs = await openRuns(a, b, signal);
      const result = diffRuns(runs.a.run, runs.b.run);
      const differences = result.differences.slice(0, max).map((difference) => differenceOf(result, difference));
      return { a: runs.a.label, b: runs.b.label, differences, total: result.total };
    },
  };
}

function differenceOf(result: DiffResult, difference: RunDifference): Difference {
  const { kind, fields, state, features, count, a, b, beforeA, beforeB, stepA, stepB } = difference;
  return {
    kind,
    summary: message(result, difference),
    a: sideOf(result.a, a, beforeA, stepA),
    b: sideOf(result.b, b, beforeB, stepB),
    fields: [...fields, ...state].map((each) => ({ name: each.name, a: each.a, b: each.b })),
    features: [...features],
    count,
  };
}

function sideOf(run: DiffRun, event: EventIndex | null, before: EventIndex, step: Step | undefined): DifferenceSide {
  const at = event ?? before;
  const statement = step && statementOf(run, step);
  return {
    at: at < 0 ? null : eventRef(run.history.table, at),
    text: event === null ? null : eventText(run, event),
    ...(statement && { statement }),
  };
}
