import { parseArgs } from 'node:util';

/** Something of the call is wrong: one line on standard error, exit status 2. */
export class UsageError extends Error {}

/** Every option of any command. */
export const OPTIONS = {
  json: { type: 'boolean', default: false },
  kernel: { type: 'string' },
  without: { type: 'string', multiple: true },
  with: { type: 'string', multiple: true },
  vm: { type: 'string' },
  at: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  port: { type: 'string' },
  'max-findings': { type: 'string' },
  'memory-limit': { type: 'string' },
  invariants: { type: 'boolean', default: false },
  text: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const;

export type Options = ReturnType<typeof parse>['values'];

/** One command of the command line. */
export interface Command {
  /** its line of the usage text: arguments, then what it does */
  readonly usage: readonly [call: string, does: string];
  /** more of it, for `COMMAND --help` */
  readonly details?: () => string;
  readonly takes: readonly (keyof typeof OPTIONS)[];
  /** @returns the exit status */
  run(files: readonly string[], options: Options): Promise<number>;
}

export function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS, allowPositionals: true });
}

/** The one file of a command that takes one. */
export function onlyFile(command: string, files: readonly string[], what = 'trace file'): string {
  const [file, ...more] = files;
  if (file === undefined) throw new UsageError(`'${command}' needs a ${what}`);
  if (more.length) throw new UsageError(`'${command}' takes one ${what}, got ${files.length}`);
  return file;
}

export function natural(name: string, value: string | undefined): number {
  if (value === undefined) throw new UsageError(`--${name} N is missing`);
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--${name} takes a whole number, not '${value}'`);
  return Number(value);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line on standard error, under the program's name. */
export function warn(message: string): void {
  process.stderr.write(`shadow-mmu: ${message}\n`);
}
