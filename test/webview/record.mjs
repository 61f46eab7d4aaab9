/**
 * Records what the debug adapter answers about three pages, for the tests of the webview:
 *   node test/webview/record.mjs k6.1-i386-linux-nonpae-smp2.dat
 * writes test/data/layout.json. All numbers in ui.md come from the same place of the same recording.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const [trace] = process.argv.slice(2);
if (!trace) throw new Error('usage: record.mjs TRACE');

/** @typedef {{ type: string, request_seq: number, success: boolean, message?: string, event?: string, body?: any }} Message */

/**
 * page as `find` takes it, and the entries that are wanted in full
 * @type {Record<string, [string, number[]]>}
 */
const PAGES = {
  directory: ['2cd2 L2 q3', [0x16, 0x1ff]],
  direct: ['2c00 L1 q0', [0xed, 0x152, 0xb0]],
  unsync: ['2ced L1 q0', [0x131]],
};
/** more than the view shows */
const HISTORY = 6;
const PREVIOUS_STOP = '300011';
const STOP = '300045';

const root = path.resolve(import.meta.dirname, '../..');
const adapter = spawn(process.execPath, [path.join(root, 'dist/debugAdapter.js')], { stdio: ['pipe', 'pipe', 'inherit'] });

let seq = 0;
/** @type {Map<number, (answer: Message) => void>} */
const answers = new Map();
/** @type {((value?: unknown) => void)[]} */
const stops = [];
let input = Buffer.alloc(0);
adapter.stdout.on('data', (data) => {
  input = Buffer.concat([input, data]);
  for (;;) {
    const end = input.indexOf('\r\n\r\n');
    const length = Number(/Content-Length: (\d+)/.exec(input.subarray(0, end).toString())?.[1]);
    if (end < 0 || input.length < end + 4 + length) return;
    receive(/** @type {Message} */ (JSON.parse(input.subarray(end + 4, end + 4 + length).toString())));
    input = input.subarray(end + 4 + length);
  }
});

/** @param {Message} message */
function receive(message) {
  if (message.type === 'response') answers.get(message.request_seq)?.(message);
  else if (message.event === 'stopped') stops.shift()?.();
}

/** @param {string} command @param {object} [args] @returns {Promise<any>} */
function request(command, args) {
  const text = JSON.stringify({ seq: ++seq, type: 'request', command, arguments: args });
  adapter.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  return new Promise((resolve, reject) => {
    answers.set(seq, (answer) => (answer.success ? resolve(answer.body) : reject(new Error(`${command}: ${answer.message}`))));
  });
}
/** @returns {Promise<unknown>} */
const stop = () => new Promise((resolve) => stops.push(resolve));

/** @param {string} to */
async function travel(to) {
  /** @type {Promise<unknown>} */
  const there = stop();
  // the replay may still be on its way to that event
  for (;;) {
    const answer = await request('shadowMmu/goTo', { to }).catch(() => undefined);
    if (answer) return there;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** @param {[string, number[]]} what */
async function record([query, indices]) {
  const { hits } = await request('shadowMmu/find', { query });
  const { page } = await request('shadowMmu/page', { page: hits[0].page.id });
  const details = [];
  for (const index of indices) {
    /** @type {{ history: unknown[] }} */
    const detail = await request('shadowMmu/entry', { page: page.page.id, index });
    details.push({ ...detail, history: detail.history.slice(0, HISTORY) });
  }
  return { page: { ...page, memory: '' }, details };
}

await request('initialize', { adapterID: 'shadow-mmu', linesStartAt1: true, columnsStartAt1: true });
const entry = stop();
await request('launch', { trace: path.resolve(trace) });
await request('configurationDone');
await entry;
await travel(PREVIOUS_STOP);
await travel(STOP);
/** @type {Record<string, unknown>} */
const recorded = {};
for (const [name, what] of Object.entries(PAGES)) recorded[name] = await record(what);
writeFileSync(path.join(root, 'test/data/layout.json'), `${JSON.stringify(recorded)}\n`);
await request('disconnect');
