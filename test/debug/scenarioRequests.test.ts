import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Requests } from '../../src/protocol.js';
import { HALVES, lineOf, TELLING } from '../editor/halves.js';
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

describe('a scenario that is run', () => {
  let client: DapClient;
  before(() => (client = DapClient.inProcess()));
  after(() => client.close());
  const run = (args: Partial<Requests['shadowMmu/run']['args']>) =>
    client.request<Requests['shadowMmu/run']['body']>('shadowMmu/run', { file: '/s/halves.mmu', text: HALVES, ...args });

  it('answers the trace that it makes', async () => {
    const { run: label, trace, failures } = await run({});
    assert.deepEqual(failures, []);
    assert.equal(label.title, 'halves.mmu, 2.6.22');
    assert.match(trace, /^# tracer: nop\n/);
    assert.equal(trace.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length, label.events);
  });

  it('says which statement failed, without a feature', async () => {
    const { run: label, failures } = await run({ without: ['quadrant-filter'] });
    assert.equal(label.title, 'halves.mmu, 2.6.22 without quadrant-filter');
    assert.deepEqual(
      failures.map(({ line, column }) => [line, column]),
      [[lineOf(TELLING), 1]],
    );
  });

  it('says what is wrong with the text, the rules or the file', async () => {
    await assert.rejects(run({ text: 'raed 0' }), /halves\.mmu:1:1: .*did you mean 'read'/);
    await assert.rejects(run({ without: ['filter'] }), /there is no feature 'filter'/);
    await assert.rejects(run({ kernel: 'tomorrow' }), /there is no era 'tomorrow'/);
    await assert.rejects(client.request('shadowMmu/run', { file: '/nowhere/x.mmu' }), /cannot be read/);
  });
});
