/**
 * `npm run bench [-- FILE… | --quick | --markdown]`: how long the things take that somebody waits for, and beside them what other
 * programs take that read the same file. Absolute times depend on the machine; ratios of medians are what counts.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { activation, bundleSize } from './bundle.js';
import { CHECK, GREP, READ, REPORT, WC, type TraceFigures } from './figures.js';
import { defaultFiles, generated, temporaryFolder, textOf, type TraceFile } from './files.js';
import { installed, timings, type Program } from './outside.js';
import { costs, SIZES } from './scaling.js';
import { session, type Extent } from './session.js';
import { markdown, plain, tables } from './table.js';

interface Info {
  readonly events: number;
  readonly byName: Readonly<Record<string, number>>;
}

const options = process.argv.slice(2);
const quick = options.includes('--quick');
const given = options.filter((option) => !option.startsWith('--'));
/** More than nothing: others use the machine, too, and times are longer than they could be. */
const load = os.loadavg()[0]!;
const folder = temporaryFolder();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
const has = { report: installed('trace-cmd'), grep: installed('grep'), wc: installed('wc') };

/** Progress, beside the result. */
const say = (text: string): void => console.error(text);

function infoOf(file: string): Info {
  return JSON.parse(execFileSync(process.execPath, ['dist/cli.js', 'info', file, '--json'], { maxBuffer: 1 << 28 }).toString()) as Info;
}

/** Fewer runs of what takes long. */
function extentOf(events: number): Extent {
  const runs = events > 200_000 ? 3 : 5;
  if (!quick) return { runs, places: 1000, budget: 20_000 };
  return { runs: events > 2_000_000 ? 1 : Math.min(3, runs), places: 100, budget: 3_000 };
}

function programsFor(file: string, text: string | undefined): Program[] {
  const node = process.execPath;
  const programs: Program[] = [
    { name: READ, command: [node, 'dist/cli.js', 'info', file, '--json'] },
    { name: CHECK, command: [node, 'dist/cli.js', 'check', file, '--json'] },
  ];
  if (has.report && file.endsWith('.dat')) programs.push({ name: REPORT, command: ['trace-cmd', 'report', file] });
  if (has.grep && text) programs.push({ name: GREP, command: ['grep', '-c', 'kvm_mmu_prepare_zap_page', text], read: true });
  if (has.wc && text) programs.push({ name: WC, command: ['wc', '-l', text] });
  return programs;
}

async function measure({ file, generated: made }: TraceFile): Promise<TraceFigures> {
  const { events, byName } = infoOf(file);
  const name = made ? 'generated trace.dat' : path.basename(file);
  const extent = extentOf(events);
  say(`${name}, ${events} events: programs …`);
  const text = await textOf(file, folder, has.report);
  const programs = await timings(programsFor(file, text), extent.runs);
  say(`${name}: a debug session …`);
  const part = made ?? { from: 0, to: events };
  const figures = await session({ trace: file, ...part, names: Object.keys(byName) }, extent);
  return {
    name,
    events,
    bytes: statSync(file).size,
    textBytes: text === undefined ? undefined : statSync(text).size,
    programs,
    session: figures,
  };
}

/** The largest trace at hand, where it is large enough; else a generated one. */
async function growth(
  traces: readonly TraceFigures[],
  files: readonly TraceFile[],
): Promise<{ name: string; sizes: Awaited<ReturnType<typeof costs>> }> {
  const wanted = quick ? 100_000 : SIZES.at(-1)!;
  const at = traces.findIndex(({ events }) => events >= wanted);
  say('cost per event …');
  if (at >= 0) return { name: traces[at]!.name, sizes: await costs(files[at]!.file, traces[at]!.events, wanted) };
  const { file } = await generated(folder, wanted);
  return { name: 'a generated trace.dat', sizes: await costs(file, Infinity, wanted) };
}

const unknown = options.find((option) => option.startsWith('--') && !['--quick', '--markdown'].includes(option));
const missing = given.find((file) => !existsSync(file));
if (unknown ?? missing) {
  say(unknown ? `${unknown}: there is --quick and --markdown, and files` : `${missing}: there is no such file`);
  process.exit(2);
}
const files = given.length ? given.map((file) => ({ file })) : await defaultFiles(folder, quick);
const traces: TraceFigures[] = [];
for (const file of files) traces.push(await measure(file));
const figures = { traces, costs: await growth(traces, files), bundle: bundleSize(), activation: await activation(quick ? 3 : 9) };
const [busy, busyNow] = [load, os.loadavg()[0]!].map((each) => each.toFixed(1));
console.log(
  `${os.availableParallelism()} processors, Node ${process.version.slice(1)}, load average ${busy} at the beginning, ${busyNow} at the end`,
);
for (const table of tables(figures)) console.log(options.includes('--markdown') ? markdown(table) : plain(table));
