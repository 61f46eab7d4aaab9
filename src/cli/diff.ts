import { Replay } from '../replay/replay.js';
import { diffReport, type DifferenceReport, type DiffReport, type PlaceReport } from '../replay/diff/report.js';
import { diffRuns } from '../replay/diff/diff.js';
import { recordedRun, type DiffRun } from '../replay/diff/run.js';
import { UsageError, print, type Command, type Options } from './command.js';
import { kernelOf, readTrace, warnWithoutKvm } from './trace.js';

export const diff: Command = {
  usage: ['diff A [B] [--kernel ERA[,ERA]] [--without F[,F]] [--json]', 'where two runs of the same guest part'],
  takes: ['json', 'kernel', 'without'],
  run,
};

/** Differences that are listed as text. */
const LISTED = 40;

async function run(files: readonly string[], options: Options): Promise<number> {
  const [fileA, fileB = fileA, ...rest] = files;
  if (fileA === undefined || fileB === undefined) throw new UsageError(`'diff' needs one file or two`);
  if (rest.length) throw new UsageError(`'diff' takes two files, got ${files.length}`);
  const kernels = pair(options.kernel, 'both');
  const [a, b] = [await open(fileA, kernels[0]), await open(fileB, kernels[1])];
  const result = diffRuns(a.run, b.run);
  const report = diffReport(result, a.report, b.report);
  print(options.json ? JSON.stringify(report) : diffText(report));
  return report.differencesTotal > 0 ? 1 : 0;
}

interface Opened {
  readonly run: DiffRun;
  readonly report: DiffReport['a'];
}

async function open(file: string, kernel: string | undefined): Promise<Opened> {
  const table = await readTrace(file);
  warnWithoutKvm(table);
  const replay = new Replay(table, { kernel: kernelOf({ kernel } as Options) });
  replay.advance(table.length);
  return { run: recordedRun(replay.history, kernel), report: { file, kernel: kernel ?? table.info.kernel.text, without: [] } };
}

/** One item counts for both runs, or for the second only; of two each has its own. An empty item is none. */
function pair(text: string | undefined, single: 'both' | 'second'): [string | undefined, string | undefined] {
  const items = text === undefined ? [] : text.split(',').map((item) => item.trim() || undefined);
  if (items.length > 2) throw new UsageError(`'${text}' names more than two: one for each run`);
  return items.length === 2 ? [items[0], items[1]] : [single === 'both' ? items[0] : undefined, items[0]];
}

function diffText(report: DiffReport): string {
  const { a, b, aligned, onlyA, onlyB, differences, differencesTotal } = report;
  const lines = [
    `A: ${a.file}, kernel ${a.kernel || 'unknown'}`,
    `B: ${b.file}, kernel ${b.kernel || 'unknown'}`,
    `${aligned} steps in both, ${onlyA} only in A, ${onlyB} only in B; ${differencesTotal} differences of ${differences.length} sorts`,
  ];
  const [first, ...others] = differences;
  if (first) lines.push('', 'first difference', ...inFull(first));
  if (others.length) lines.push('', 'then');
  for (const other of others.slice(0, LISTED)) lines.push(...inShort(other));
  if (others.length > LISTED) lines.push(`  and ${others.length - LISTED} more sorts`);
  return lines.join('\n');
}

function inFull(difference: DifferenceReport): string[] {
  const width = Math.max(
    8,
    ...Object.keys(difference.fields).map((name) => name.length),
    ...difference.state.map(({ place }) => place.length),
  );
  const row = (name: string, a: string | null, b: string | null): string =>
    `    ${name.padEnd(width)}  ${(a ?? '–').padEnd(24)}  ${b ?? '–'}`;
  return [
    `  ${difference.message}${times(difference)}`,
    `  A ${where(difference.a)}`,
    `  B ${where(difference.b)}`,
    // Of an event that only one run has, all has been said.
    ...(difference.a && difference.b ? Object.entries(difference.fields).map(([name, [a, b]]) => row(name, a, b)) : []),
    ...(difference.state.length ? ['  after it'] : []),
    ...difference.state.map(({ place, a, b }) => row(place, a, b)),
  ];
}

function inShort(difference: DifferenceReport): string[] {
  return [
    `  A ${where(difference.a)}`,
    `  B ${where(difference.b)}`,
    `    ${difference.message}${times(difference)}`,
    ...difference.state.map(({ place, a, b }) => `    after it ${place}: ${a ?? '–'} / ${b ?? '–'}`),
  ];
}

function times({ count }: DifferenceReport): string {
  return count > 1 ? ` (${count} times)` : '';
}

function where(place: PlaceReport | null): string {
  if (!place) return 'nothing';
  const line = place.line === undefined ? '' : ` (line ${place.line})`;
  const statement = place.statement ? `${place.statement.line}: ${place.statement.text} · ` : '';
  return `${statement}event ${place.event}${line}${place.time ? ` ${place.time.trim()}` : ''}  ${place.text}`;
}
