import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { OPTIONS, UsageError, parse, print, warn, type Command, type Options } from './cli/command.js';
import { check } from './cli/check.js';
import { answerInThread } from './cli/check/pool.js';
import { dap } from './cli/dap.js';
import { eras } from './cli/eras.js';
import { diff } from './cli/diff.js';
import { exportTable } from './cli/export.js';
import { info } from './cli/info.js';
import { predict } from './cli/predict.js';
import { run } from './cli/run.js';
import { scenario } from './cli/scenario.js';
import { state } from './cli/state.js';
import { TraceError } from './trace/open.js';

const COMMANDS: Readonly<Record<string, Command>> = { check, predict, info, state, run, eras, diff, scenario, export: exportTable, dap };

// Its threads run this file, too.
if (isMainThread) process.exitCode = await main(process.argv.slice(2));
else answerInThread();

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [name, ...files] = positionals;
    if (values.help) print(usage(name));
    else if (values.version) print(version());
    else if (name === undefined) throw new UsageError(`no command; one of ${Object.keys(COMMANDS).join(', ')}, or --help`);
    else return await dispatch(name, files, values);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TraceError || isParseArgsError(error))) throw error;
    warn(error.message.split('\n')[0]!);
    return 2;
  }
}

/** Of one command, with what more there is to say of it; else of all. */
function usage(name: string | undefined): string {
  const command = commandNamed(name);
  if (command?.details) return [`usage: shadow-mmu ${command.usage[0]}`, command.usage[1], '', command.details()].join('\n');
  const lines = Object.values(COMMANDS).map(({ usage: [call, does] }) => `  ${call.padEnd(42)}  ${does}`);
  return ['usage: shadow-mmu COMMAND [OPTION...] FILE...', ...lines].join('\n');
}

function commandNamed(name: string | undefined): Command | undefined {
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function dispatch(name: string, files: string[], options: Options): Promise<number> {
  const command = commandNamed(name);
  if (!command) throw new UsageError(`unknown command '${name}'; one of ${Object.keys(COMMANDS).join(', ')}`);
  for (const option of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]) {
    if (options[option] !== undefined && options[option] !== false && !command.takes.includes(option))
      throw new UsageError(`'${name}' takes no --${option}`);
  }
  return command.run(files, options);
}

function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
