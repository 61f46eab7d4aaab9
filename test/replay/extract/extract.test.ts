import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import { openTrace } from '../../../src/trace/open.js';
import { ScenarioRefusal, scenarioOf } from '../../../src/replay/extract/scenario.js';
import { compared } from './outputs.js';

async function tableOf(file: string) {
  const { table, done } = await openTrace(path.resolve(file), { inline: true });
  await done;
  return table;
}

describe('a recording as a scenario', () => {
  for (const file of ['media/samples/nonpae-tour.ftrace', 'test/data/k6.1-nonpae-small-all.dat', 'test/data/k7.2-nonpae-small-all.dat']) {
    it(`gives the same events: ${path.basename(file)}`, async () => {
      const { recorded, run } = compared(await tableOf(file));
      assert.deepEqual(run, recorded);
    });
  }
});

describe('a range of a recording', () => {
  const refusal = async (file: string, from: number, to: number, vm = 0): Promise<string> => {
    const table = await tableOf(file);
    try {
      return [...scenarioOf(table, { from, to: Math.min(to, table.length - 1), vm })].join('\n');
    } catch (error) {
      assert.ok(error instanceof ScenarioRefusal);
      return error.message;
    }
  };

  it('begins with what brings about the shadow pages that there were', async () => {
    const table = await tableOf('media/samples/nonpae-tour.ftrace');
    const { text, recorded, equal } = compared(table, 1072, 1430);
    assert.match(text, /^# Before event 1072: /m);
    assert.match(text, /^vcpu 0 paging 32 cr3 0x101000\n(?:# .*\n)*(?:read|write|fetch) 0x/m);
    assert.match(text, /^# The range begins here\.$/m);
    assert.ok(equal >= 0.9 * recorded.length, `${equal} of ${recorded.length} events`);
  });

  it('names for each statement the event it comes from', async () => {
    const table = await tableOf('media/samples/nonpae-tour.ftrace');
    const { text } = compared(table);
    for (const [, event, time] of text.matchAll(/^# event (\d+), ([\d.]+): /gm)) assert.equal(table.timeText(Number(event)), time);
    assert.match(text, /^kernel 6\.1/m);
    assert.match(text, /^invlpg 0x40000000$/m);
    assert.match(text, /^# event \d+, .*: write_cr3\ncr3 0x101000$/m);
    assert.match(text, /^write 0x100100 = 0x1000000\|P\|W\|PS$/m);
    assert.match(text, /^teardown$/m);
  });

  it('without events of the MMU, of a VM that is not there, or under two-dimensional paging is none', async () => {
    const tour = 'media/samples/nonpae-tour.ftrace';
    assert.match(await refusal(tour, 0, 5), /^events 0 to 5 hold no event of the MMU of VM 0; /);
    assert.match(await refusal(tour, 0, Infinity, 3), /^there is no VM 3 up to event \d+: 1 showed, numbered from 0$/);
    assert.match(await refusal('test/data/k6.1-npt-tdpmmuY-nonpae-all.txt.zst', 0, Infinity), /two-dimensional paging/);
    assert.match(await refusal('test/data/k6.1-oracle-nonpae.txt.zst', 0, Infinity), /^recorded without kvm:\*|^# The guest/);
  });
});
