import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EventIndex } from './engine/ids.js';
import { Replay } from './replay/replay.js';
import { checkReport, predictReport, stateReport, type CheckReport, type StateReport } from './replay/reports.js';
import { TraceError, openTrace } from './trace/open.js';
import { summarize, type InfoReport } from './trace/info.js';
import type { EventTable } from './trace/table.js';

/** Something of the call is wrong: one line on standard error, exit status 2. */
class UsageError extends Error {}

const USAGE = `usage: shadow-mmu COMMAND [OPTION...] FILE...
  check FILE... [--json] [--kernel ERA] [--vm N] [--invariants] [--max-findings N]   hold the trace against the model
  predict FILE --at N [--json]        what must come after the first N events
  info FILE... [--json]               what the trace holds
  state FILE --at EVENT [--vm N] [--json]   the MMU after an event
  dap [--port N]                      the debug adapter`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  kernel: { type: 'string' },
  vm: { type: 'string' },
  at: { type: 'string' },
  port: { type: 'string' },
  'max-findings': { type: 'string' },
  invariants: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parse>['values'];

/** What each command takes besides files. */
const TAKES: Record<string, readonly (keyof typeof OPTIONS)[]> = {
  check: ['json', 'kernel', 'vm', 'max-findings', 'invariants'],
  predict: ['json', 'at', 'kernel'],
  info: ['json'],
  state: ['json', 'at', 'vm', 'kernel'],
  dap: ['port'],
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    const [command, ...files] = positionals;
    if (values.help) print(USAGE);
    else if (values.version) print(version());
    else if (command === undefined) throw new UsageError(`no command; one of ${Object.keys(TAKES).join(', ')}, or --help`);
    else return await run(command, files, values);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TraceError || isParseArgsError(error))) throw error;
    process.stderr.write(`shadow-mmu: ${error.message.split('\n')[0]!}\n`);
    return 2;
  }
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS, allowPositionals: true });
}

async function run(command: string, files: string[], options: Options): Promise<number> {
  const takes = TAKES[command];
  if (!takes) throw new UsageError(`unknown command '${command}'; one of ${Object.keys(TAKES).join(', ')}`);
  for (const name of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]) {
    if (options[name] !== undefined && options[name] !== false && !takes.includes(name))
      throw new UsageError(`'${command}' takes no --${name}`);
  }
  if (command === 'dap') return dap(files, options);
  if (files.length === 0) throw new UsageError(`'${command}' needs a trace file`);
  if (command === 'check') return forEach(files, (file) => check(file, options));
  if (command === 'info') return forEach(files, (file) => info(file, options));
  if (files.length > 1) throw new UsageError(`'${command}' takes one trace file, got ${files.length}`);
  return command === 'predict' ? predict(files[0]!, options) : state(files[0]!, options);
}

/** Runs a command over files; the worst exit status counts, and a file that cannot be read does not stop the others. */
async function forEach(files: string[], command: (file: string) => Promise<number>): Promise<number> {
  let worst = 0;
  for (const file of files) {
    try {
      worst = Math.max(worst, await command(file));
    } catch (error) {
      if (!(error instanceof TraceError) || files.length === 1) throw error;
      process.stderr.write(`shadow-mmu: ${error.message}\n`);
      worst = 2;
    }
  }
  return worst;
}

async function check(file: string, options: Options): Promise<number> {
  const max = options['max-findings'] === undefined ? 1000 : natural('max-findings', options['max-findings']);
  const vm = options.vm === undefined ? undefined : natural('vm', options.vm);
  const kernel = kernelOf(options);
  const started = process.hrtime.bigint();
  const table = await read(file);
  const replay = new Replay(table, { kernel, invariants: options.invariants });
  replay.advance(table.length);
  requireVm(replay, vm);
  const invariants = options.invariants ? replay.checkInvariants(vm) : undefined;
  warnWithoutKvm(table);
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report = checkReport(replay, seconds, max, vm, invariants);
  print(options.json ? JSON.stringify(report) : checkText(report));
  return report.findingsTotal > 0 ? 1 : statusOf(table);
}

async function info(file: string, options: Options): Promise<number> {
  const table = await read(file);
  const replay = new Replay(table);
  replay.advance(table.length);
  warnWithoutKvm(table);
  const vcpus = replay.vms.flatMap((each) => each.vcpus.map(({ pid, vcpu, vm }) => ({ pid, vcpu, vm })));
  const { notes, ...facts } = summarize(table);
  const report = { ...facts, vcpus, notes };
  print(options.json ? JSON.stringify(report) : infoText(report));
  return statusOf(table);
}

async function predict(file: string, options: Options): Promise<number> {
  const at = natural('at', options.at);
  const table = await read(file);
  if (at > table.length) throw new UsageError(`${file} has ${table.length} events: --at ${at} is past its end`);
  const replay = new Replay(table, { kernel: kernelOf(options) });
  replay.advance(at);
  warnWithoutKvm(table);
  const announced = predictReport(replay);
  if (options.json) print(JSON.stringify({ at, announced }));
  else print(announced.length ? announced.map((event) => fieldsText(event)).join('\n') : 'nothing is announced here');
  return statusOf(table);
}

async function state(file: string, options: Options): Promise<number> {
  const at = natural('at', options.at);
  const table = await read(file);
  if (at >= table.length) throw new UsageError(`${file} has ${table.length} events, numbered from 0: there is no event ${at}`);
  const replay = new Replay(table, { kernel: kernelOf(options) });
  replay.advance(at + 1);
  const vm = options.vm === undefined ? 0 : natural('vm', options.vm);
  requireVm(replay, vm);
  warnWithoutKvm(table);
  const cursor = replay.cursor();
  cursor.seek(at as EventIndex);
  const report = stateReport(cursor, vm);
  print(options.json ? JSON.stringify(report) : stateText(report));
  return statusOf(table);
}

async function dap(files: string[], options: Options): Promise<number> {
  if (files.length) throw new UsageError(`'dap' takes no file; the client's launch request names the trace`);
  const { serve } = await import('./debug/serve.js');
  const port = options.port === undefined ? undefined : natural('port', options.port);
  if (port !== undefined && port > 65535) throw new UsageError(`--port ${port}: ports end at 65535`);
  try {
    await serve(port);
  } catch (error) {
    throw new UsageError(`cannot listen on port ${port}: ${error instanceof Error ? error.message : String(error)}; choose another`);
  }
  return 0;
}

/** Reads a trace to its end. */
async function read(file: string): Promise<EventTable> {
  const trace = await openTrace(file);
  await trace.done;
  return trace.table;
}

/** 1 when something of the trace is missing. */
function statusOf({ info }: EventTable): number {
  return info.damaged || info.lost > 0 ? 1 : 0;
}

function warnWithoutKvm(table: EventTable): void {
  if (hasKvmEvents(table)) return;
  process.stderr.write(
    `shadow-mmu: ${table.info.file}: no kvm or kvmmmu events in it; record with \`trace-cmd record -e kvmmmu -e kvm\`\n`,
  );
}

function kernelOf({ kernel }: Options): string | undefined {
  if (kernel === undefined || kernel === 'auto' || /^\d+\.\d+$/.test(kernel)) return kernel;
  throw new UsageError(`unknown kernel '${kernel}'; give a version such as 6.1, or auto`);
}

function hasKvmEvents(table: EventTable): boolean {
  for (let event = 0; event < table.length; event++) if (table.kind(event) !== 255 || /^kvm_/.test(table.name(event))) return true;
  return false;
}

function requireVm(replay: Replay, vm: number | undefined): void {
  if (vm !== undefined && vm >= replay.vms.length) {
    throw new UsageError(`there is no VM ${vm}: the trace has ${replay.vms.length}, numbered from 0`);
  }
}

function natural(name: string, value: string | undefined): number {
  if (value === undefined) throw new UsageError(`--${name} N is missing`);
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--${name} takes a whole number, not '${value}'`);
  return Number(value);
}

function isParseArgsError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fieldsText(event: Record<string, string | number | null>): string {
  const { name, ...fields } = event;
  return `${name}: ${Object.entries(fields)
    .map(([key, value]) => `${key}=${value ?? '?'}`)
    .join(' ')}`;
}

function checkText(report: CheckReport): string {
  const lines = [
    `${report.file}: ${report.format}, kernel ${report.kernel || 'unknown'}, roles ${report.roles}; ${report.events} events, ${report.lost} lost, ${report.vms} VM, ${report.vcpus} vCPU`,
    ...Object.entries(report.outputs).map(
      ([name, tally]) =>
        `  ${name.padEnd(26)}${Object.entries(tally)
          .map(([what, count]) => `${count} ${what}`)
          .join('  ')}`,
    ),
    ...Object.entries(report.invariants ?? {}).map(
      ([number, { checked, unknown, violated }]) =>
        `  I-${number.padEnd(24)}${checked} checked  ${unknown} not checkable  ${violated} violated`,
    ),
    ...report.notes.map((note) => `  note: ${note}`),
    ...report.findings.map(
      (finding) =>
        `  event ${finding.event}${finding.line === undefined ? '' : ` (line ${finding.line})`} ${finding.time} ${finding.kind}: ${finding.message}`,
    ),
    `  ${report.findingsTotal} finding${report.findingsTotal === 1 ? '' : 's'}, ${report.seconds} s`,
  ];
  return lines.join('\n');
}

function infoText(report: InfoReport & { vcpus: { pid: number; vcpu: number; vm: number }[] }): string {
  return [
    `${report.file}: ${report.format}, kernel ${report.kernel || 'unknown'}, roles ${report.roles}`,
    `  ${report.events} events${report.first === null ? '' : `, ${report.first} to ${report.last}`}; ${report.lost} lost`,
    ...report.tasks.map(({ pid, comm, events }) => {
      const vcpu = report.vcpus.find((each) => each.pid === pid);
      return `  ${comm}-${pid}: ${events} events${vcpu ? `, VM ${vcpu.vm} vCPU ${vcpu.vcpu}` : ''}`;
    }),
    ...Object.entries(report.byName).map(([name, count]) => `  ${String(count).padStart(9)} ${name}`),
    ...report.notes.map((note) => `  note: ${note}`),
  ].join('\n');
}

function stateText(report: StateReport): string {
  return [
    `after event ${report.event}: VM ${report.vm}, ${report.pages.length} pages, ${report.usedPages} used, generation ${report.gen}`,
    ...report.roots.map(
      ({ vcpu, pages, doubt }) => `  vCPU ${vcpu} root: ${pages.map((id) => `#${id}`).join(' ') || 'none'}${doubt ? ` ? ${doubt}` : ''}`,
    ),
    ...report.pages.map((page) => {
      const flags = [
        page.direct && 'direct',
        page.unsync && 'unsync',
        page.invalid && 'invalid',
        page.rootCount > 0 && `root ${page.rootCount}`,
      ].filter(Boolean);
      return `  #${page.id} gfn ${page.gfn.slice(2)} L${page.level} q${page.quadrant} ${page.gpteBytes}-byte ${page.access} ${flags.join(' ')} · ${page.entries.length} of 512`;
    }),
  ].join('\n');
}
