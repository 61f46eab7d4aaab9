import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Requests, RunChoice } from '../../src/protocol.js';
import { DapClient } from './client.js';
import { recording } from './recordings.js';

const SCENARIO = 'media/scenarios/004-quadrant-filter.mmu';

describe('the comparison of two runs', function () {
  this.timeout(60_000);
  let client: DapClient;
  before(() => (client = DapClient.inProcess()));
  after(() => client.close());
  const diff = (a: RunChoice, b: RunChoice, max?: number) =>
    client.request<Requests['shadowMmu/diff']['body']>('shadowMmu/diff', { a, b, ...(max !== undefined && { max }) });

  it('of a scenario with and without its patch needs no launch, and has places to travel to', async () => {
    const { a, b, differences, total } = await diff({ file: SCENARIO }, { file: SCENARIO, without: ['quadrant-filter'] });
    assert.equal(a.title, '004-quadrant-filter.mmu, 2.6.24');
    assert.equal(b.title, '004-quadrant-filter.mmu, 2.6.24 without quadrant-filter');
    assert.ok(total >= 1 && a.events > 0 && b.events > 0);
    const [first] = differences;
    assert.equal(first!.kind, 'missing');
    assert.match(first!.summary, /^only B sets the SPTE of gfn 77 in 5 L1 q0 \[082\]; A has quadrant-filter: /);
    assert.deepEqual(first!.features, ['quadrant-filter']);
    assert.equal(first!.a.text, null);
    assert.match(first!.b.text!, /^kvm_mmu_set_spte: gfn 77 /);
    assert.match(first!.a.statement!.text, /^emulate 0x5000\[642\] = /);
    assert.equal(first!.a.statement!.line, first!.b.statement!.line);
    // In A the event before the place where B has its own.
    assert.ok(first!.a.at!.event < first!.b.at!.event + 1 && first!.a.at!.event > 0);
    assert.ok(first!.fields.some(({ name }) => name === '5 L1 q0 [082]'));
  });

  it('takes the text of a document that is not saved', async () => {
    const text = ['slot ram gfn 0x0..0x3ff', 'vcpu 0 paging 32 cr3 0x1000 nonx', 'set 0x1000[0] = 0x5000|P|W|U|A', 'read 0x0'].join('\n');
    const { differences } = await diff({ file: 'untitled.mmu', text, kernel: '5.10' }, { file: 'untitled.mmu', text, kernel: '6.1' }, 1);
    assert.equal(differences.length, 1);
    assert.deepEqual(differences[0]!.features, ['nx-forced']);
  });

  it('of two recordings names lines of both', async () => {
    const [old, later] = [recording('k5.10-nonpae-small-all.txt.zst'), recording('k6.1-nonpae-small-all.txt.zst')];
    const { a, differences } = await diff({ file: old, kernel: '5.10' }, { file: later, kernel: '6.1' });
    assert.equal(a.title, 'k5.10-nonpae-small-all.txt.zst, 5.10');
    assert.deepEqual(differences[0]!.a.at, { event: 6, line: 18 });
    assert.deepEqual(differences[0]!.b.at, { event: 15, line: 28 });
    assert.ok(differences[0]!.count > 50);
  });

  it('runs what the guest of one recording did under two kernels', async () => {
    const file = recording('k6.1-nonpae-small-all.dat');
    const { a, b, differences } = await diff({ file, kernel: '5.10' }, { file, kernel: '6.1' });
    assert.deepEqual([a.kernel, b.kernel], ['5.10', '6.1.192']);
    assert.ok(differences.some(({ features }) => features.includes('direct-has-8-byte-gptes')));
  });

  it('says what is wrong with a choice', async () => {
    await assert.rejects(diff({ file: SCENARIO }, { file: SCENARIO }), /name a second file, a kernel or a feature/);
    await assert.rejects(diff({ file: SCENARIO }, { file: SCENARIO, without: ['qudrant-filter'] }), /there is no feature 'qudrant-filter'/);
    await assert.rejects(diff({ file: SCENARIO, kernel: '0.9' }, { file: SCENARIO }), /there is no era '0\.9'/);
    await assert.rejects(diff({ file: 'x.mmu', text: 'raed 0x0' }, { file: 'x.mmu', text: 'raed 0x0', kernel: '6.1' }), /x\.mmu:1:1: /);
    await assert.rejects(diff({ file: 'nowhere.mmu' }, { file: SCENARIO }), /nowhere\.mmu cannot be read/);
    await assert.rejects(diff({ file: 'nowhere.dat' }, { file: SCENARIO }), /nowhere\.dat/);
  });
});
