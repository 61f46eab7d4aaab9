import assert from 'node:assert/strict';
import type { PageId } from '../../../src/engine/ids.js';
import { ScenarioHistory } from '../../../src/replay/scenario/history.js';
import { Replay } from '../../../src/replay/replay.js';
import { runScenario } from '../../../src/scenario/run.js';

const TEXT = `
slot ram gfn 0..0x3ff
vcpu 0 paging 32 cr3 0x1000
set 0x1000[0] = 0x5000|P|W|U|A
set 0x5000[512] = 0x10000|P|W|U|A|D
read 0x200000
`;

/** Role words of all pages at the end, as the debugger shows them. */
function words(kernel: string): (string | undefined)[] {
  const history = new ScenarioHistory(runScenario(TEXT, 'a.mmu', { kernel }), 'a.mmu');
  const replay = new Replay(history.table, {}, history);
  const cursor = replay.cursor();
  cursor.seek((history.table.length - 1) as Parameters<typeof cursor.seek>[0]);
  return [1, 2, 3, 4, 5].map((page) => cursor.header(page as PageId).word?.toString(16));
}

describe('the role words of a scenario', () => {
  it('are those of its kernel', () => {
    assert.deepEqual(words('2.6.24'), ['22', '122', '222', '322', '112']);
    assert.deepEqual(words('2.6.26'), ['e0022', 'e0122', 'e0222', 'e0322', 'e0112']);
    assert.deepEqual(words('6.1'), ['3712', '3732', '3752', '3772', '3731']);
  });
});
