/** From figures to rows of text, for a terminal or for the README. */
import { CHECK, GREP, READ, REPORT, WC, type Figures, type TraceFigures } from './figures.js';
import { count, megabytes, milliseconds, millionPerSecond, perEvent } from './format.js';
import type { Timing } from './outside.js';
import type { Cost } from './scaling.js';
import { median, percentile } from './statistics.js';
import { LARGE, targets } from './targets.js';

/** A heading, and below it rows of as many cells. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function tables(figures: Figures): Table[] {
  return [programs(figures.traces), sessions(figures.traces), growth(figures.costs), shipped(figures), ...reached(figures)];
}

function programs(traces: readonly TraceFigures[]): Table {
  const row = (what: string, cell: (trace: TraceFigures) => string): string[] => [what, ...traces.map(cell)];
  const own = (name: string): string[][] => [
    row(name, (trace) => program(trace, name)),
    row('… as multiples of trace-cmd report', (trace) => ratios(trace, name, [REPORT])),
    row('… of grep -c, of wc -l', (trace) => ratios(trace, name, [GREP, WC])),
  ];
  return {
    title: `Whole programs, run in turn: medians of ${traces.map(({ programs }) => programs.get(READ)?.runs).join(', ')} runs; CPU is user and system`,
    head: ['', ...traces.map(heading)],
    rows: [...own(READ), ...own(CHECK), ...[REPORT, GREP, WC].map((name) => row(name, (trace) => program(trace, name)))],
  };
}

const heading = ({ name, events, bytes }: TraceFigures): string => `${name}: ${count(events)} events, ${megabytes(bytes)}`;

/** `41.3 s, CPU 37.0 s, 4.78 µs/event`; of those that read the text, how much that is. */
function program({ programs, events, textBytes }: TraceFigures, name: string): string {
  const timing = programs.get(name);
  if (!timing) return '–';
  const size = name === GREP || name === WC ? `${megabytes(textBytes ?? NaN)} of text` : perEvent(timing.wall, events);
  return `${milliseconds(timing.wall)}, ${cpu(timing)}, ${size}`;
}

/** A shell counts in hundredths of a second. */
const cpu = ({ cpu }: Timing): string => (cpu < 10 ? 'CPU < 10 ms' : `CPU ${milliseconds(cpu)}`);

/** `0.33 (CPU 0.31)`: the second does not depend on what else the machine does. */
function ratios({ programs }: TraceFigures, ours: string, others: readonly string[]): string {
  const timing = programs.get(ours);
  return others
    .map((other) => {
      const theirs = programs.get(other);
      if (!timing || !theirs) return '–';
      const ofCpu = theirs.cpu < 10 ? '' : ` (CPU ${(timing.cpu / theirs.cpu).toFixed(2)})`;
      return `${(timing.wall / theirs.wall).toFixed(2)}${ofCpu}`;
    })
    .join(', ');
}

function sessions(traces: readonly TraceFigures[]): Table {
  const row = (what: string, cell: (trace: TraceFigures) => string): string[] => [what, ...traces.map(cell)];
  const both = (values: readonly number[]): string => `${milliseconds(median(values))}, ${milliseconds(percentile(values, 99))}`;
  const perByte = ({ events, session: { memory } }: TraceFigures, bytes: number | undefined): string =>
    bytes === undefined ? '–' : `${megabytes(bytes - memory.empty)}, ${count((bytes - memory.empty) / events)} bytes/event`;
  const places = traces.map(({ session }) =>
    Math.min(session.step.length, session.seek.length, session.toZap.length, session.toPage.length),
  );
  return {
    title: `In the debug adapter: median and 99th percentile, at random places (${places.map(count).join(', ')} or more); first stops and scans: medians`,
    head: ['', ...traces.map(heading)],
    rows: [
      row('adapter started → first stop', ({ session }) => milliseconds(median(session.firstStop))),
      row('… → all replayed', ({ session, events }) => `${milliseconds(session.loaded)}, ${perEvent(session.loaded, events)}`),
      row('a request for the threads: the least that any takes', ({ session }) => both(session.threads)),
      row('step', ({ session }) => both(session.step)),
      row('step back', ({ session }) => both(session.stepBack)),
      row('seek to a random event, with what a stop shows', ({ session }) => both(session.seek)),
      row('reverse-continue to the previous zap', ({ session }) => both(session.toZap)),
      row('set a data breakpoint on a page', ({ session }) => both(session.setPage)),
      row('reverse-continue to the previous event of a page', ({ session }) => both(session.toPage)),
      row('condition over the whole trace', ({ session, events }) => {
        return `${milliseconds(median(session.scan))}, ${millionPerSecond((1000 * events) / median(session.scan))}`;
      }),
      row('memory, less that of an empty adapter', (trace) => perByte(trace, trace.session.memory.loaded)),
      row('… after all of the above', (trace) => perByte(trace, trace.session.memory.used)),
      row('… at most', (trace) => perByte(trace, trace.session.memory.peak)),
    ],
  };
}

function growth({ name, sizes }: Figures['costs']): Table {
  const row = (what: string, of: (cost: Cost) => number): string[] => [what, ...sizes.map((cost) => `${of(cost).toFixed(2)} µs`)];
  const micro = (ms: number, events: number): number => (1000 * ms) / events;
  return {
    title: `Replay of the first events of ${name}, per event, in one thread of a process of its own`,
    head: ['', ...sizes.map(({ events }) => `${count(events)} events`)],
    rows: [
      row('at once', ({ cold, events }) => micro(cold.wall, events)),
      row('once the engine is compiled', ({ warm, events }) => micro(warm.wall, events)),
      row('… user and system', ({ warm, events }) => micro(warm.cpu, events)),
      row('… of the second half of them', ({ warm, events }) => micro(warm.secondHalf, events - (events >> 1))),
      row('reading the file', ({ read, readEvents }) => micro(read, readEvents)),
    ],
  };
}

function shipped({ bundle, activation }: Figures): Table {
  const kilobytes = (bytes: number): string => `${count(bytes / 1000)} KB`;
  return {
    title: 'What is shipped; activation with a stand-in for VS Code',
    head: ['', 'size', 'gzip'],
    rows: [
      ...bundle.files.map(({ name, bytes, packed }) => [`dist/${name}`, kilobytes(bytes), kilobytes(packed)]),
      ['the extension (.vsix)', kilobytes(bundle.extension), ''],
      ['loading dist/extension.cjs', milliseconds(activation.load), ''],
      ['activate()', milliseconds(activation.activate), ''],
    ],
  };
}

function reached({ traces, costs }: Figures): Table[] {
  const largest = traces.reduce((a, b) => (b.events > a.events ? b : a));
  if (largest.events < LARGE) return [];
  const rows = targets(largest, costs).map(({ what, wanted, measured, reached }) => {
    return [what, wanted, measured ?? 'not measured', measured === undefined ? '' : reached ? 'ok' : 'not reached'];
  });
  return [{ title: `Figures to reach, ${largest.name}`, head: ['', 'wanted', 'measured', ''], rows }];
}

export function plain({ title, head, rows }: Table): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd();
  return [`\n${title}`, line(head), ...rows.map(line)].join('\n');
}

export function markdown({ title, head, rows }: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [`\n${title}:\n`, line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
