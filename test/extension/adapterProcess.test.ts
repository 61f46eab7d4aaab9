import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { AdapterProcess } from '../../src/extension/adapterProcess.js';

/** An adapter that answers a check with the text it was given, later ones first; that hangs, fails or dies when the text says so. */
const PROGRAM = `
let input = Buffer.alloc(0);
const held = [];
const send = (message) => {
  const json = Buffer.from(JSON.stringify(message));
  // in two pieces, cut in the middle of a character
  const all = Buffer.concat([Buffer.from('Content-Length: ' + json.length + '\\r\\n\\r\\n'), json]);
  process.stdout.write(all.subarray(0, all.length - 20));
  setTimeout(() => process.stdout.write(all.subarray(all.length - 20)), 5);
};
const answer = ({ seq, command, arguments: args }) => {
  const response = { type: 'response', request_seq: seq, command, success: true };
  if (command === 'cancel') {
    const at = held.indexOf(args.requestId);
    if (at >= 0) send({ ...response, request_seq: held[at], success: false, message: 'cancelled' });
  } else if (args.text === 'die') {
    process.stderr.write('no more\\n');
    process.exit(3);
  } else if (args.text === 'hang') held.push(seq);
  else if (args.text === 'fail') send({ ...response, success: false, message: 'raw', body: { error: { format: '{_text}', variables: { _text: 'line {1}' } } } });
  else send({ ...response, body: { problems: [args.text], symbols: [] } });
};
process.stdin.on('data', (chunk) => {
  input = Buffer.concat([input, chunk]);
  for (;;) {
    const end = input.indexOf('\\r\\n\\r\\n');
    const length = Number(/Content-Length: (\\d+)/.exec(input.subarray(0, end).toString())?.[1]);
    if (end < 0 || input.length < end + 4 + length) return;
    answer(JSON.parse(input.subarray(end + 4, end + 4 + length).toString()));
    input = input.subarray(end + 4 + length);
  }
});
`;

describe('the adapter in the background', () => {
  let adapter: AdapterProcess | undefined;
  afterEach(() => adapter?.kill());

  const start = (command = process.execPath, ended = () => {}): AdapterProcess =>
    (adapter = new AdapterProcess(command, ['-e', PROGRAM], process.env, ended));
  const check = (text: string, signal?: AbortSignal) => start().ask('shadowMmu/language/check', { text }, signal);

  it('answers, whatever the pieces that its bytes come in', async () => {
    const there = start();
    const texts = ['one', 'zwei ö €', 'x'.repeat(100_000)];
    for (const text of texts) {
      const { problems } = await there.ask('shadowMmu/language/check', { text });
      assert.deepEqual(problems, [text]);
    }
  });

  it('passes on why a request failed', async () => {
    await assert.rejects(check('fail'), { message: 'line {1}' });
  });

  it('withdraws a request', async () => {
    const controller = new AbortController();
    const answer = check('hang', controller.signal);
    setTimeout(() => controller.abort(), 20);
    await assert.rejects(answer, { message: 'cancelled' });
  });

  it('fails all that is asked of a process that ends, with what it said', async () => {
    let ended = 0;
    const there = start(process.execPath, () => ended++);
    const waiting = there.ask('shadowMmu/language/check', { text: 'hang' });
    await Promise.all([
      assert.rejects(waiting, { message: 'no more' }),
      assert.rejects(there.ask('shadowMmu/language/check', { text: 'die' }), { message: 'no more' }),
    ]);
    assert.equal(ended, 1);
  });

  it('says that it cannot be started', async () => {
    await assert.rejects(start('/nowhere/node').ask('shadowMmu/language/check', { text: 'x' }), /cannot be started/);
  });
});
