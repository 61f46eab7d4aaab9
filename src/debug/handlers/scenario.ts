import path from 'node:path';
import type { Requests, RunLabel, ScenarioFailure } from '../../protocol.js';
import { ScenarioRefusal, scenarioOf } from '../../replay/extract/scenario.js';
import { RuleError, runReport, ScenarioError, type RunReport } from '../../replay/scenario/runReport.js';
import { openTrace } from '../../trace/open.js';
import { count } from '../forms/numbers.js';
import { RequestError } from '../wire/errors.js';
import type { Call, Handlers } from '../wire/requests.js';
import { textOf } from '../load/textOf.js';

/** Scenarios and recordings as wholes: they need no launch, and none is disturbed by them. */
export function scenarioHandlers(): Handlers {
  return {
    'shadowMmu/run': run,
    'shadowMmu/scenario': (args, call) => scenario(args, call),
  };
}

/** A scenario run to its end, without a debugger. */
async function run({ file, text, ...rules }: Requests['shadowMmu/run']['args']): Promise<Requests['shadowMmu/run']['body']> {
  const source = text ?? (await textOf(file));
  try {
    const report = runReport(source, path.basename(file), rules);
    return { run: label(file, report), trace: report.trace, failures: report.failures.map(failure) };
  } catch (error) {
    if (error instanceof ScenarioError || error instanceof RuleError) throw new RequestError(error.message);
    throw error;
  }
}

function label(file: string, { era, without, with: more, events }: RunReport): RunLabel {
  const rules = [
    era.name,
    ...(without.length > 0 ? [`without ${without.join(', ')}`] : []),
    ...(more.length > 0 ? [`with ${more.join(', ')}`] : []),
  ];
  const title = `${path.basename(file)}, ${rules.join(' ')}`;
  return { title, file, kernel: era.name, without: [...without], with: [...more], events };
}

function failure({ line, column, message, expected, found, event }: RunReport['failures'][number]): ScenarioFailure {
  return { line, column, message, expected, found, event };
}

/** A range of a recording as a scenario. */
async function scenario(
  { trace, from, to, vm = 0 }: Requests['shadowMmu/scenario']['args'],
  { signal }: Call,
): Promise<Requests['shadowMmu/scenario']['body']> {
  const open = await openTrace(path.resolve(trace), { signal });
  try {
    await open.done;
    const { table } = open;
    const wrong = [from, to].find((event) => !(event >= 0 && event < table.length));
    if (wrong !== undefined) throw new RequestError(`There is no event ${count(wrong)}: ${trace} has ${count(table.length)}, from 0.`);
    return { text: `${[...scenarioOf(table, { from, to, vm })].join('\n')}\n` };
  } catch (error) {
    if (error instanceof ScenarioRefusal) throw new RequestError(`${trace}: ${error.message}`);
    throw error;
  } finally {
    open.close();
  }
}
