import path from 'node:path';
import { ScenarioRefusal, scenarioOf } from '../../replay/extract/scenario.js';
import type { Requests } from '../../protocol.js';
import { openTrace } from '../../trace/open.js';
import { count } from '../forms/numbers.js';
import { RequestError } from '../wire/errors.js';
import type { Call, Handlers } from '../wire/requests.js';

/** Scenarios and recordings as wholes: they need no launch, and none is disturbed by them. */
export function scenarioHandlers(): Handlers {
  return {
    'shadowMmu/scenario': (args, call) => scenario(args, call),
  };
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
