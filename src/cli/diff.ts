import { RequestError } from '../debug/wire/errors.js';
import { openRuns, type ComparedRun, type RunChoice } from '../debug/load/runs.js';
import { diffRuns } from '../replay/diff/diff.js';
import { diffReport, type DifferenceReport, type DiffReport, type PlaceReport } from '../replay/diff/report.js';
import { UsageError, print, type Command, type Options } from './command.js';

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
  const without = pair(options.without?.at(-1), 'second');
  const { a, b } = await open(choice(fileA, kernels[0], without[0]), choice(fileB, kernels[1], without[1]));
  const report = diffReport(diffRuns(a.run, b.run), a.label, b.label);
  print(options.json ? JSON.stringify(report) : diffText(report));
  return report.differencesTotal > 0 ? 1 : 0;
}

/** An item may hold several features, joined by `+`. */
function choice(file: string, kernel: string | undefined, without: string | undefined): RunChoice {
  return { file, ...(kernel !== undefined && { kernel }), without: without?.split('+').map((name) => name.trim()) ?? [] };
}

async function open(a: RunChoice, b: RunChoice): Promise<{ a: ComparedRun; b: ComparedRun }> {
  try {
    return await openRuns(a, b);
  } catch (error) {
    if (error instanceof RequestError) throw new UsageError(error.message);
    throw error;
  }
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
    `A: ${sideText(a)}`,
    `B: ${sideText(b)}`,
    `${aligned} steps in both, ${onlyA} only in A, ${onlyB} only in B; ${differencesTotal} differences of ${differences.length} sorts`,
  ];
  const [first, ...others] = differences;
  if (first) lines.push('', 'first difference', ...inFull(first));
  if (others.length) lines.push('', 'then');
  for (const other of others.slice(0, LISTED)) lines.push(...inShort(other));
  if (others.length > LISTED) lines.push(`  and ${others.length - LISTED} more sorts`);
  return lines.join('\n');
}

function sideText({ file, kernel, without }: DiffReport['a']): string {
  return `${file}, kernel ${kernel || 'unknown'}${without.length ? ` without ${without.join(', ')}` : ''}`;
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
  const line = place.line === undefined || place.statement ? '' : ` (line ${place.line})`;
  const statement = place.statement ? `${place.statement.line}: ${place.statement.text} · ` : '';
  return `${statement}event ${place.event}${line}${place.time ? ` ${place.time.trim()}` : ''}  ${place.text}`;
}
