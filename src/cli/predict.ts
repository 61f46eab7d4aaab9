import { predictReport } from '../replay/reports.js';
import { UsageError, natural, onlyFile, print, warn, type Command, type Options } from './command.js';
import { openReplayed } from './opened.js';
import { memoryLimit, shortOf, statusOf, warnWithoutKvm } from './trace.js';

export const predict: Command = {
  usage: ['predict FILE --at N [--kernel ERA] [--without F]… [--memory-limit MB] [--json]', 'what must come after the first N events'],
  takes: ['json', 'at', 'kernel', 'without', 'memory-limit'],
  run: (files, options) => run(onlyFile('predict', files), options),
};

async function run(file: string, options: Options): Promise<number> {
  const at = natural('at', options.at);
  const limit = memoryLimit(options);
  const replay = await openReplayed(file, { ...options, until: at, limit });
  const short = shortOf(replay, limit);
  if (short !== undefined) warn(short);
  const { table } = replay;
  if (short !== undefined && at > replay.replayed) return 1;
  if (at > table.length) throw new UsageError(`${file} has ${table.length} events: --at ${at} is past its end`);
  warnWithoutKvm(table);
  const announced = predictReport(replay);
  if (options.json) print(JSON.stringify({ at, announced }));
  else print(announced.length ? announced.map((event) => fieldsText(event)).join('\n') : 'nothing is announced here');
  return short === undefined ? statusOf(table) : 1;
}

function fieldsText(event: Record<string, string | number | null>): string {
  const { name, ...fields } = event;
  return `${name}: ${Object.entries(fields)
    .map(([key, value]) => `${key}=${value ?? '?'}`)
    .join(' ')}`;
}
