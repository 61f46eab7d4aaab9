import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it } from 'mocha';
import { openTrace } from '../../../src/trace/open.js';
import { compared } from './outputs.js';

async function tableOf(file: string) {
  const { table, done } = await openTrace(path.resolve(file), { inline: true });
  await done;
  return table;
}

describe('a recording as a scenario', () => {
  for (const file of ['media/samples/nonpae-tour.ftrace', 'test/data/k6.1-nonpae-small-all.dat']) {
    it(`gives the same events: ${path.basename(file)}`, async () => {
      const { recorded, run } = compared(await tableOf(file));
      assert.deepEqual(run, recorded);
    });
  }
});
