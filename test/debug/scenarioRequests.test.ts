import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Requests } from '../../src/protocol.js';
import { DapClient } from './client.js';
import { recording } from './recordings.js';

describe('a recording made into a scenario', () => {
  let client: DapClient;
  before(() => (client = DapClient.inProcess()));
  after(() => client.close());
  const extract = (from: number, to: number) =>
    client.request<{ text: string }>('shadowMmu/scenario', { trace: recording('k6.1-nonpae-small-all.txt.zst'), from, to });

  it('is a scenario without problems', async () => {
    const { text } = await extract(0, 400);
    assert.match(text, /^slot /m);
    const { problems } = await client.request<Requests['shadowMmu/language/check']['body']>('shadowMmu/language/check', { text });
    assert.deepEqual(problems, []);
  });

  it('needs events that are there', async () => {
    await assert.rejects(extract(0, 10_000_000), /There is no event 10,000,000/);
  });
});
