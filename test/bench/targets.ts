/** The figures to reach, held against what was measured of the largest trace. They are about large ones: what a process has anyway must not count. */
import { CHECK, READ, REPORT, type Figures, type TraceFigures } from './figures.js';
import { count, milliseconds, millionPerSecond } from './format.js';
import { median, percentile } from './statistics.js';

export interface Target {
  readonly what: string;
  readonly wanted: string;
  /** undefined: there was nothing to measure it with */
  readonly measured: string | undefined;
  readonly reached: boolean;
}

export const LARGE = 100_000;

export function targets(trace: TraceFigures, costs: Figures['costs']): Target[] {
  const { session } = trace;
  const p99 = (what: string, most: number, values: readonly number[]): Target =>
    atMost(what, most, percentile(values, 99), (ms) => `${milliseconds(ms)} at the 99th percentile`);
  const speed = (1000 * trace.events) / median(session.scan);
  return [
    atMost('adapter started to first stop', 500, median(session.firstStop), milliseconds),
    ratio('read, replay and predict, against trace-cmd report', 1 / 3, trace, CHECK),
    ratio('read alone, against trace-cmd report', 1 / 6, trace, READ),
    p99('step', 2, session.step),
    p99('step back', 2, session.stepBack),
    p99('seek to a random event, with what a stop shows', 16, session.seek),
    p99('reverse-continue to the previous zap', 16, session.toZap),
    p99('reverse-continue to the previous event of a page', 16, session.toPage),
    {
      what: 'condition over columns and page identity, whole trace',
      wanted: '≥ 20 million events/s',
      measured: millionPerSecond(speed),
      reached: speed >= 20e6,
    },
    atMost('memory of the adapter, less that of an empty one', 64, (session.memory.loaded - session.memory.empty) / trace.events, bytes),
    ...growth(costs),
  ];
}

const bytes = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} bytes/event`;
const times = (value: number): string => `${value.toFixed(2)} ×`;

/** `more` stands behind what was measured. */
function atMost(what: string, most: number, value: number, text: (value: number) => string, more = ''): Target {
  return { what, wanted: `≤ ${text(most)}`, measured: text(value) + more, reached: value <= most };
}

/** What the processors did does not depend on what else the machine does. */
const ofCpu = (value: number): string => ` (CPU ${times(value)})`;

function ratio(what: string, most: number, { programs }: TraceFigures, program: string): Target {
  const [ours, theirs] = [programs.get(program), programs.get(REPORT)];
  if (!ours || !theirs) return { what, wanted: `≤ ${times(most)}`, measured: undefined, reached: false };
  return atMost(what, most, ours.wall / theirs.wall, times, ofCpu(ours.cpu / theirs.cpu));
}

function growth({ sizes }: Figures['costs']): Target[] {
  const small = sizes.find(({ events }) => events === 100_000);
  const large = sizes.at(-1);
  if (!small || !large || large === small) return [];
  const what = `cost per event of the first ${count(large.events)} against the first 100,000`;
  const grown = (of: 'wall' | 'cpu'): number => large.warm[of] / large.events / (small.warm[of] / small.events);
  return [atMost(what, 1.2, grown('wall'), times, ofCpu(grown('cpu')))];
}
