import { checkFile, validate } from './check/checkFile.js';
import { checkMany } from './check/checkMany.js';
import { filesIn } from './check/folder.js';
import { UsageError, print, warn, type Command, type Options } from './command.js';

export const check: Command = {
  usage: [
    'check FILE|DIR... [--json] [--kernel ERA] [--without F]… [--vm N] [--invariants] [--max-findings N] [--memory-limit MB]',
    'hold traces against the model',
  ],
  details: () =>
    [
      'Several files, and all traces in and below a folder, are checked on all processors, each as if it were alone; results come in the',
      'order of the arguments, those of a folder sorted by path. Files of a folder that are no traces are skipped and counted, scenarios,',
      'too. The summary at the end goes to standard error with --json, which has one line a file on standard output. The worst exit',
      'status counts.',
    ].join('\n'),
  takes: ['json', 'kernel', 'without', 'vm', 'max-findings', 'memory-limit', 'invariants'],
  run,
};

async function run(names: readonly string[], options: Options): Promise<number> {
  if (names.length === 0) throw new UsageError(`'check' needs a trace file or a folder`);
  validate(options);
  const found = names.map(filesIn);
  const [only] = found;
  if (found.length > 1 || only!.isFolder) return checkMany(found, options);
  const { out, warning, status } = await checkFile(names[0]!, options);
  if (warning !== undefined) warn(warning);
  print(out);
  return status;
}
