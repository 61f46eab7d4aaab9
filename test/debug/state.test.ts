import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Kind } from '../../src/trace/vocabulary.js';
import type { EventTable } from '../../src/trace/table.js';
import { Driver } from './driver.js';
import { eventsOf, plain } from './recordings.js';

type Memory = NonNullable<P.ReadMemoryResponse['body']>;

describe('the state at a stop', () => {
  let table: EventTable;
  let driver: Driver;
  before(async () => {
    const file = await plain('k6.1-nonpae-small-all.txt.zst', 'state.txt');
    table = await eventsOf(file);
    driver = await Driver.loaded(file, { initialize: { supportsMemoryEvent: true } });
  });
  after(() => driver.close());

  const goTo = (event: number): Promise<P.StoppedEvent['body']> => driver.client.untilStopped('shadowMmu/goTo', { to: String(event) });
  const read = (memoryReference: string, offset: number, count: number): Promise<Memory> =>
    driver.client.request('readMemory', { memoryReference, offset, count });

  it('memory has the SPTE that the last kvm_mmu_set_spte wrote, at its index', async () => {
    let checked = 0;
    for (let e = 0; e < table.length; e++) {
      if (table.kind(e) !== Kind.setSpte) continue;
      await goTo(e);
      const { memoryReference } = await driver.evaluate('sp');
      const offset = Number(table.word(e, 2) & 0xfffn);
      const { data } = await read(memoryReference!, offset, 8);
      assert.equal(Buffer.from(data!, 'base64').readBigUInt64LE(), table.word(e, 1), `event ${e}`);
      checked++;
    }
    assert.equal(checked, 135);
  });

  it('memory is 4096 bytes, and says what cannot be read', async () => {
    await goTo(100);
    const { memoryReference } = await driver.evaluate('103 L1 q0');
    const all = await read(memoryReference!, 0, 4096);
    assert.equal(Buffer.from(all.data!, 'base64').length, 4096);
    assert.equal(all.unreadableBytes, undefined);
    const part = await read(memoryReference!, 4000, 200);
    assert.equal(Buffer.from(part.data!, 'base64').length, 96);
    assert.equal(part.unreadableBytes, 104);
    assert.equal((await read(memoryReference!, 5000, 16)).unreadableBytes, 16);
    assert.deepEqual(await read(memoryReference!, -8, 16).then(({ data, unreadableBytes }) => ({ data, unreadableBytes })), {
      data: undefined,
      unreadableBytes: 8,
    });
    await assert.rejects(read('sp:9999', 0, 8), /no shadow page/);
    await assert.rejects(read('elsewhere', 0, 8), /no shadow page/);
    const from = driver.client.events.length;
    await driver.go('stepIn');
    assert.equal((await driver.client.event<P.MemoryEvent>('memory', from)).memoryReference, memoryReference);
  });

  it('the tree leads from the roots to the SPTEs', async () => {
    await goTo(100);
    const root = await driver.variable('Shadow pages', 'vCPU 0 root');
    assert.equal(root.value, 'CR3 gfn 100, PAE, 4 × L2');
    const slots = await driver.children(root.variablesReference);
    assert.deepEqual(
      slots.map(({ name }) => name),
      ['[000]', '[001]', '[002]', '[003]'],
    );
    assert.match(slots[0]!.value, /^100 L2 q0 {2}4-byte wux root×1 sync gen 0 · \d+ of 512: /);
    assert.ok(slots.every((slot) => slot.memoryReference));
    const page = await driver.children(slots[0]!.variablesReference);
    assert.deepEqual(
      page.map(({ name }) => name),
      ['role', 'maps', 'parents', 'state', 'SPTEs'],
    );
    assert.equal(page[1]!.value, '00000000–3fffffff, 2M each');
    const entry = await driver.variable('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]', '[004]');
    assert.match(entry.value, /^T → 103 L1 q0 · /);
    assert.equal(entry.evaluateName, '100 L2 q0 [004]');
    const leaf = await driver.variable(
      'Shadow pages',
      'vCPU 0 root',
      '[000]',
      'SPTEs',
      '[000–03f]',
      '[004]',
      'SPTEs',
      '[000–03f]',
      '[000]',
    );
    assert.match(leaf.value, /^W rwx- ad- hm {2}gfn 400 → pfn 9c00 · 9c00e63/);
  });

  it('names stay the same from stop to stop', async () => {
    await goTo(100);
    const names = async (): Promise<string[]> => (await driver.scope('Shadow pages')).map(({ name }) => name);
    const before = await names();
    await driver.go('stepIn');
    assert.deepEqual(await names(), before);
  });

  it('evaluates what watches and hovers ask', async () => {
    await goTo(37);
    assert.equal((await driver.evaluate('gfn')).result, '0x102');
    assert.equal((await driver.evaluate('role.quadrant')).result, '1');
    assert.equal((await driver.evaluate('event.name == kvm_mmu_get_page && created')).result, 'true');
    assert.match((await driver.evaluate('sp')).result, /^102 L1 q1 {2}4-byte wux sync gen 0 · 0 of 512/);
    await assert.rejects(driver.evaluate('quadrent'), /role\.quadrant/);
    // An expression belongs to the frame that is selected.
    const frames = await driver.frames();
    const fault = frames.find(({ name }) => name.startsWith('fault'))!;
    const inFault = await driver.client.request<P.EvaluateResponse['body']>('evaluate', { expression: 'event.index', frameId: fault.id });
    assert.equal(inFault.result, '32');
    const { targets } = await driver.client.request<P.CompletionsResponse['body']>('completions', { text: 'role.qua', column: 9 });
    assert.deepEqual(targets[0], { label: 'role.quadrant', detail: targets[0]!.detail, type: 'property', start: 0, length: 8 });
  });

  it('an earlier stop is not mistaken for this one', async () => {
    await goTo(40);
    const [frame] = await driver.frames();
    const root = await driver.variable('Shadow pages', 'vCPU 0 root');
    await driver.go('stepIn');
    await assert.rejects(driver.client.request('scopes', { frameId: frame!.id }), /earlier stop/);
    await assert.rejects(driver.children(root.variablesReference), /earlier stop/);
  });

  it('data breakpoints stop at every change of a page, an SPTE, a field, a root', async () => {
    await goTo(100);
    const entryBlock = await driver.variable('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]', '[004]', 'SPTEs', '[000–03f]');
    const stopAt = async (args: P.DataBreakpointInfoArguments): Promise<P.StoppedEvent['body']> => {
      const { dataId, description, canPersist } = await driver.client.request<P.DataBreakpointInfoResponse['body']>(
        'dataBreakpointInfo',
        args,
      );
      assert.ok(dataId, description);
      assert.equal(canPersist, true);
      await driver.client.request('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
      return driver.go('reverseContinue');
    };
    const spte = await stopAt({ variablesReference: entryBlock.variablesReference, name: '[000]' });
    assert.equal(spte.reason, 'data breakpoint');
    assert.equal(spte.description, 'SPTE 103 L1 q0 [000] changed (reverse)');
    assert.match(spte.text!, /^kvm_mmu_set_spte: gfn 400 /);
    await goTo(100);
    assert.match((await stopAt({ name: '103 L1 q0' })).description!, /^page 103 L1 q0 changed/);
    await goTo(100);
    assert.match((await stopAt({ name: 'gfn 400' })).description!, /^gfn 400 changed/);
    await goTo(100);
    assert.match((await stopAt({ name: 'root of vCPU 0' })).description!, /^root of vCPU 0 changed/);
    await goTo(2000);
    assert.match((await stopAt({ name: '100 L2 q3.root_count' })).description!, /^root_count of 100 L2 q3 changed/);
    const none = await driver.client.request<P.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', { name: 'event.index' });
    assert.equal(none.dataId, null);
    await driver.client.request('setDataBreakpoints', { breakpoints: [] });
  });

  it('serves the models of the views', async () => {
    await goTo(39);
    interface PageAnswer {
      page: { page: { id: number; name: string }; event: { event: number }; previousStop: { event: number }; changed: number[] };
      index: number;
    }
    const { page, index } = await driver.client.request<PageAnswer>('shadowMmu/page', {});
    assert.equal(page.page.name, '102 L1 q1');
    assert.equal(page.event.event, 39);
    assert.equal(index, 0);
    assert.deepEqual(page.changed, [0]);
    const detail = await driver.client.request<{ entry: { value: string } }>('shadowMmu/entry', { page: page.page.id, index });
    assert.equal(detail.entry.value, '9e00a21');
    const card = await driver.client.request<{ at: { event: number }; line: string }>('shadowMmu/event', { event: 37 });
    assert.equal(card.at.event, 37);
    assert.equal(card.line, table.lineText(37));
    const { hits } = await driver.client.request<{ hits: { page: { name: string } }[] }>('shadowMmu/find', { query: 'gfn 102' });
    assert.ok(hits.some((hit) => hit.page.name === '102 L1 q1'));
    const change = await driver.client.request('shadowMmu/change', { page: page.page.id, index, direction: 'previous' });
    assert.equal(change, null);
    await assert.rejects(driver.client.request('shadowMmu/entry', { page: 100_000, index: 0 }), /no shadow page/);
  });
});
