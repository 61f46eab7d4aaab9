/**
 * `npm run bench [-- FILE…]`: how long the things take that somebody waits for. Medians of several runs; absolute numbers depend on the
 * machine, so the last column gives each as a multiple of just reading the bytes and splitting them into lines.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EventIndex } from '../../src/engine/ids.js';
import { openTrace } from '../../src/trace/open.js';
import { Replay } from '../../src/replay/replay.js';
import { Client } from './client.js';

const RUNS = 5;
const STEPS = 100;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** milliseconds */
async function time(action: () => unknown): Promise<number> {
  const since = performance.now();
  await action();
  return performance.now() - since;
}

async function repeat(runs: number, action: () => unknown): Promise<number> {
  const times = [];
  for (let run = 0; run < runs; run++) times.push(await time(action));
  return median(times);
}

async function read(file: string): Promise<Awaited<ReturnType<typeof openTrace>>> {
  const trace = await openTrace(file, { inline: true });
  await trace.done;
  return trace;
}

function replayAll(table: ConstructorParameters<typeof Replay>[0]): Replay {
  const replay = new Replay(table);
  while (replay.advance(1 << 16) > 0);
  return replay;
}

/** A pseudo-random walk over the events, the same in every run. */
function* places(events: number, count: number): Generator<EventIndex> {
  for (let n = 0, at = 1; n < count; n++) {
    at = (at * 48271) % 0x7fffffff;
    yield (at % events) as EventIndex;
  }
}

interface Row {
  what: string;
  ms: number;
}

/** What the parts take, in this process. */
async function parts(file: string): Promise<{ events: number; rows: Row[] }> {
  const { table } = await read(file);
  const replay = replayAll(table);
  const cursor = replay.cursor();
  const seeks = [...places(table.length, STEPS)];
  return {
    events: table.length,
    rows: [
      { what: 'lines (yardstick)', ms: await repeat(RUNS, () => readFileSync(file).toString('latin1').split('\n').length) },
      { what: 'read', ms: await repeat(RUNS, async () => (await read(file)).close()) },
      { what: 'replay', ms: await repeat(RUNS, () => replayAll(table)) },
      { what: 'seek anywhere', ms: (await repeat(RUNS, () => seeks.forEach((event) => cursor.seek(event)))) / STEPS },
    ],
  };
}

/** What VS Code asks for at each stop: the stack, the scopes with the first of them open, and the page for the SPTE layout. */
async function show(client: Client, threadId?: number): Promise<void> {
  const { stackFrames } = await client.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId });
  const { scopes } = await client.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId: stackFrames[0]?.id });
  await client.request('variables', { variablesReference: scopes[0]?.variablesReference });
  await client.request('shadowMmu/page', {});
}

/** What a user of the debug adapter waits for, over the wire. */
async function session(file: string): Promise<Row[]> {
  const firstStops = [];
  for (let run = 0; run < RUNS; run++) {
    const client = new Client();
    firstStops.push(await time(() => client.launch(file)));
    await client.close();
  }
  const client = new Client();
  const { threadId } = await client.launch(file);
  const end = await time(() => client.stopAfter('continue', { threadId }));
  const start = await time(() => client.stopAfter('reverseContinue', { threadId }));
  const rows = [
    { what: 'start to first stop', ms: median(firstStops) },
    { what: 'continue to the end', ms: end },
    { what: 'reverse to the start', ms: start },
    { what: 'step', ms: await repeat(STEPS, () => client.stopAfter('next', { threadId })) },
    { what: 'step into', ms: await repeat(STEPS, () => client.stopAfter('stepIn', { threadId })) },
    { what: 'step back', ms: await repeat(STEPS, () => client.stopAfter('stepBack', { threadId })) },
  ];
  rows.push({ what: 'what a stop shows', ms: await repeat(STEPS, () => show(client, threadId)) });
  await client.close();
  return rows;
}

for (const file of process.argv.slice(2)) {
  const { events, rows } = await parts(file);
  rows.push(...(await session(file)));
  const yardstick = rows[0]?.ms ?? NaN;
  console.log(
    `\n${path.basename(file)}: ${events} events, ${Math.round(statSync(file).size / 1024)} KB; medians of ${RUNS} runs, ${STEPS} steps`,
  );
  for (const { what, ms } of rows) {
    const perEvent = what === 'read' || what === 'replay' ? `${((ms * 1000) / events).toFixed(2)} µs/event` : '';
    console.log(`  ${what.padEnd(22)}${ms.toFixed(3).padStart(12)} ms${(ms / yardstick).toFixed(2).padStart(10)} ×   ${perEvent}`);
  }
}
