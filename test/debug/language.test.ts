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
});
