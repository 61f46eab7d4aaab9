import { ScenarioRefusal, scenarioOf } from '../replay/extract/scenario.js';
import { UsageError, natural, onlyFile, print, type Command, type Options } from './command.js';
import { kernelOf, readTrace } from './trace.js';

export const scenario: Command = {
  usage: ['scenario FILE [--from A] [--to B] [--vm N] [--kernel ERA]', 'what guest and host did in events A to B, as a .mmu scenario'],
  takes: ['from', 'to', 'vm', 'kernel'],
  run: (files, options) => run(onlyFile('scenario', files), options),
};

/** Lines are printed so many at a time. */
const CHUNK = 1000;

async function run(file: string, options: Options): Promise<number> {
  const from = options.from === undefined ? 0 : natural('from', options.from);
  const wanted = options.to === undefined ? undefined : natural('to', options.to);
  const vm = options.vm === undefined ? 0 : natural('vm', options.vm);
  if (wanted !== undefined && from > wanted) throw new UsageError(`--from ${from} is after --to ${wanted}`);
  const kernel = kernelOf(options);
  const table = await readTrace(file);
  if (table.length === 0) throw new UsageError(`${file} has no events`);
  const to = wanted ?? table.length - 1;
  for (const [name, event] of [['from', from] as const, ['to', to] as const]) {
    if (event < table.length) continue;
    throw new UsageError(`${file} has ${table.length} events, numbered from 0: there is no event ${event} for --${name}`);
  }
  try {
    let lines: string[] = [];
    for (const line of scenarioOf(table, { from, to, vm, ...(kernel === undefined || kernel === 'auto' ? {} : { kernel }) })) {
      if (lines.push(line) < CHUNK) continue;
      print(lines.join('\n'));
      lines = [];
    }
    if (lines.length) print(lines.join('\n'));
  } catch (error) {
    if (!(error instanceof ScenarioRefusal)) throw error;
    throw new UsageError(`${file}: ${error.message}`);
  }
  return 0;
}
