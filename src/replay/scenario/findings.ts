import type { EventIndex } from '../../engine/ids.js';
import type { Failure, ScenarioRun } from '../../scenario/run.js';
import type { History } from '../history.js';
import type { Finding } from '../view.js';

/** What failed in a run, as findings: an `expect`, an invariant, or what the run could not go on after. */
export function scenarioFindings({ failures }: Pick<ScenarioRun, 'failures'>, nameOf: (event: EventIndex) => string): History['findings'] {
  const all = failures.map((failure) => findingOf(failure, nameOf(failure.event))).sort((a, b) => a.event - b.event);
  return { all, at: (event, kind) => all.find((finding) => finding.event === event && (kind === undefined || finding.kind === kind)) };
}

function findingOf({ kind, event, line, message, expected, found }: Failure, name: string): Finding {
  return {
    event,
    kind,
    name,
    vm: 0,
    message,
    expected: { [kind]: expected },
    recorded: { [kind]: found },
    card: [
      [kind, message],
      ['expected', expected],
      ['found', found],
      ['line', String(line)],
    ],
  };
}
