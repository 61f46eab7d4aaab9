import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Tasks } from '../../src/replay/tasks.js';
import { recording } from '../trace/files.js';

describe('tasks of a trace', () => {
  for (const name of ['k6.1-three-vms-all.txt.zst', 'k6.1-three-vms-all.dat', 'k6.1-nonpae-small-all.dat']) {
    it(`are the same without a replay as with one: ${name}`, async () => {
      const table = await recording(name);
      const stepwise = new Tasks(table);
      for (let event = 0; event < table.length; event++) stepwise.placeOf(event);
      const atOnce = new Tasks(table);
      atOnce.seeAll();
      assert.ok([...atOnce.all].some(({ vcpu }) => vcpu === 0));
      assert.deepEqual([[...atOnce.all], atOnce.vmCount], [[...stepwise.all], stepwise.vmCount]);
    });
  }
});
