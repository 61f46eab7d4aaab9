import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { parseFunctionName, suggestion } from '../../src/debug/stops/functionNames.js';
import { targetFrom, targetId } from '../../src/debug/stops/changeTargets.js';
import type { ChangeTarget } from '../../src/replay/changes.js';
import { DapClient } from './client.js';
import { Driver } from './driver.js';
import { recording } from './recordings.js';

type Bodies = P.SetBreakpointsResponse['body'];

describe('places that can be broken on', () => {
  let driver: Driver;
  before(async () => {
    driver = await Driver.loaded(recording('k6.1-nonpae-small-all.txt.zst'));
  });
  after(() => driver.close());

  it('have names that are read back as they were written', () => {
    const targets = [
      { kind: 'page', page: 12 },
      { kind: 'spte', page: 12, index: 0xed },
      { kind: 'gfn', vm: 1, gfn: 0x2ced },
      { kind: 'rootCount', page: 3 },
      { kind: 'invalid', page: 3 },
      { kind: 'unsync', page: 3 },
      { kind: 'root', vm: 0, vcpu: 1 },
    ] as unknown as ChangeTarget[];
    for (const target of targets) assert.deepEqual(targetFrom(targetId(target)), target);
    for (const wrong of ['', 'page', 'page:x', 'spte:1:200', 'spte:1', 'gfn:0:zz', 'root:0', 'elsewhere:1']) {
      assert.equal(targetFrom(wrong), undefined, wrong);
    }
  });

  it('function breakpoints take them', async () => {
    const names = ['page:#5', 'spte:#5[010]', 'spte:102 L1 q0 [010]', 'gfn:10', 'root:0', 'page:#9999', 'spte:#5[800]', 'role:l1 blue'];
    await driver.client.untilStopped('shadowMmu/goTo', { to: '40' });
    const { breakpoints } = await driver.client.request<Bodies>('setFunctionBreakpoints', { breakpoints: names.map((name) => ({ name })) });
    assert.deepEqual(
      breakpoints.map(({ verified }) => verified),
      [true, true, true, true, true, false, false, false],
    );
    assert.match(breakpoints[5]!.message!, /no shadow page 9999/);
    assert.match(breakpoints[6]!.message!, /000 to 1ff/);
    assert.match(breakpoints[7]!.message!, /'blue' is no part of a role/);
    const stop = await driver.go('reverseContinue');
    assert.equal(stop.reason, 'function breakpoint');
    assert.match(stop.text!, /^kvm_mmu_set_spte: gfn 10 /);
    // The page, its SPTE by number and by name, and the gfn that it maps: all of them changed here.
    assert.deepEqual(
      stop.hitBreakpointIds,
      breakpoints.slice(0, 4).map(({ id }) => id),
    );
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
  });

  it('data breakpoints of another trace stay away', async () => {
    const { dataId } = await driver.client.request<P.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', { name: '#5[010]' });
    const other = await Driver.loaded(recording('k6.1-lost-pipe.txt.zst'));
    const { breakpoints } = await other.client.request<Bodies>('setDataBreakpoints', { breakpoints: [{ dataId }] });
    assert.equal(breakpoints[0]!.verified, false);
    assert.match(breakpoints[0]!.message!, /k6\.1-nonpae-small-all\.txt\.zst/);
    other.close();
  });

  it('misspelt event names are recognised', () => {
    assert.equal(suggestion('kvm_mmu_set_sptes', []), 'kvm_mmu_set_spte');
    assert.equal(suggestion('zap_page', []), 'kvm_mmu_prepare_zap_page');
    assert.equal(suggestion('sched_swich', ['sched_switch']), 'sched_switch');
    assert.equal(suggestion('printk', []), undefined);
    assert.deepEqual(parseFunctionName(' kvm_exit '), { kind: 'event', name: 'kvm_exit' });
  });

  it('what is on by default is on without asking', async () => {
    const client = DapClient.inProcess();
    const capabilities = await client.request<P.Capabilities>('initialize', { adapterID: 'test' });
    const filters = capabilities.exceptionBreakpointFilters!.filter((f) => f.default).map((f) => f.filter);
    assert.deepEqual(filters, ['quadrant-mismatch', 'prediction', 'invariant', 'lost-events']);
    await client.request('launch', { trace: recording('k6.1-lost-pipe.txt.zst'), stopOnEntry: false });
    await client.request('configurationDone');
    assert.equal((await client.event<P.StoppedEvent>('stopped')).description, 'exception: lost events');
    client.close();
  });
});
