import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Requests } from '../../src/protocol.js';
import { DapClient } from './client.js';

const SCENARIO = `# Two halves of a table.
kernel 6.1
slot ram gfn 0..0xfff

# The guest.
vcpu 0 paging 32 cr3 0x1000
set 0x1000[0] = gfn(0x2)|P|W|U|A
read 0x0
`;

describe('scenarios while they are written', () => {
  let client: DapClient;
  before(() => (client = DapClient.inProcess()));
  after(() => client.close());

  const check = (text: string) => client.request<Requests['shadowMmu/language/check']['body']>('shadowMmu/language/check', { text });

  it('are checked without a launch', async () => {
    assert.deepEqual((await check(SCENARIO)).problems, []);
  });

  it('say what is wrong and where, in the numbers of editors', async () => {
    const { problems } = await check(`${SCENARIO}wirte 0x0\nwithout quadrant-fliter\n`);
    assert.deepEqual(
      problems.map(({ range, severity }) => [range.start.line, range.start.character, range.end.character, severity]),
      [
        [8, 0, 5, 'error'],
        [9, 8, 23, 'error'],
      ],
    );
    assert.match(problems[0]!.message, /'wirte'; did you mean 'write'\?/);
    assert.match(problems[1]!.message, /did you mean 'quadrant-filter'\?/);
  });

  it('mark a place at the end of a line, where something is missing', async () => {
    const { problems } = await check('kernel');
    assert.equal(problems.length, 1);
    const { start, end } = problems[0]!.range;
    assert.ok(end.character > start.character, 'the range is empty');
  });

  it('have an outline: headings with what stands below them, slots, vCPUs', async () => {
    const { symbols } = await check(SCENARIO.replaceAll('\n', '\r\n'));
    assert.deepEqual(
      symbols.map(({ kind, name, range }) => [kind, name, range.start.line, range.end.line]),
      [
        ['heading', 'Two halves of a table.', 0, 2],
        ['slot', 'ram', 2, 2],
        ['heading', 'The guest.', 4, 7],
        ['vcpu', 'vcpu 0 paging 32 cr3 0x1000', 5, 5],
      ],
    );
  });

  it('say what may stand at a place', async () => {
    const text = `without quad\n${SCENARIO}`;
    const { items } = await client.request<Requests['shadowMmu/language/complete']['body']>('shadowMmu/language/complete', {
      text,
      position: { line: 0, character: 12 },
    });
    const item = items.find(({ label }) => label === 'quadrant-filter');
    assert.equal(item?.kind, 'feature');
    assert.deepEqual(item?.range, { start: { line: 0, character: 8 }, end: { line: 0, character: 12 } });
    assert.match(item?.documentation ?? '', /Without: /);
  });

  it('explain a word', async () => {
    const at = (line: number, character: number) =>
      client.request<Requests['shadowMmu/language/hover']['body']>('shadowMmu/language/hover', {
        text: SCENARIO,
        position: { line, character },
      });
    const slot = await at(2, 1);
    assert.deepEqual(slot?.range, { start: { line: 2, character: 0 }, end: { line: 2, character: 4 } });
    assert.match(slot?.text ?? '', /memory slot/i);
    assert.equal(await at(3, 0), null);
  });

  it('are laid out', async () => {
    const body = await client.request<{ text: string }>('shadowMmu/language/format', { text: 'Kernel   6.1\n\n\n\nread  0x0' });
    assert.equal(body.text, 'kernel 6.1\n\nread 0x0\n');
  });
});
