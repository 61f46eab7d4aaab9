/**
 * `node cost.mjs FILE EVENTS`: what reading FILE and replaying its first EVENTS cost, in a process of its own; prints a {@link Cost}.
 * The first replay pays for the compiler of the engine, too (`cold`); the others do not.
 */
import type { Cost, Pass } from './scaling.js';
import { Replay } from '../../src/replay/replay.js';
import { openTrace } from '../../src/trace/open.js';
import { median, time } from './statistics.js';

/** Events after which the engine is compiled. */
const WARM = 300_000;
/** So many events are replayed once: what the compiler needs vanishes in them. */
const LARGE = 2_000_000;
const RUNS = 5;

const [file, number] = process.argv.slice(2);
let table!: Awaited<ReturnType<typeof openTrace>>['table'];
const read = await time(async () => {
  const trace = await openTrace(file!, { inline: true });
  await trace.done;
  table = trace.table;
});
const events = Math.min(Number(number), table.length);

function pass(): Pass {
  const replay = new Replay(table);
  const cpu = process.cpuUsage();
  const since = performance.now();
  advance(replay, events >> 1);
  const half = performance.now() - since;
  advance(replay, events);
  const wall = performance.now() - since;
  const { user, system } = process.cpuUsage(cpu);
  return { wall, cpu: (user + system) / 1000, secondHalf: wall - half };
}

function advance(replay: Replay, end: number): void {
  while (replay.replayed < end && replay.advance(Math.min(1 << 16, end - replay.replayed)) > 0);
}

const cold = pass();
for (let done = events; done < WARM; done += events) pass();
const passes = events > LARGE ? [cold] : Array.from({ length: events > WARM ? 1 : RUNS }, pass);
const of = (part: keyof Pass): number => median(passes.map((each) => each[part]));
const cost: Cost = {
  events,
  read,
  readEvents: table.length,
  cold,
  warm: { wall: of('wall'), cpu: of('cpu'), secondHalf: of('secondHalf') },
};
console.log(JSON.stringify(cost));
