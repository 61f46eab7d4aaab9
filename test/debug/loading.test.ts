import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { DapClient } from './client.js';
import { Driver } from './driver.js';
import { eventsOf, plain, recording, temporary } from './recordings.js';

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');

describe('loading', () => {
  it('answers bad files with one message, and lives on', async () => {
    const directory = path.dirname(temporary('empty.txt', ''));
    mkdirSync(path.join(directory, 'folder'), { recursive: true });
    const bad: [Record<string, unknown>, RegExp][] = [
      [{}, /names no trace/],
      [{ trace: path.join(directory, 'missing.txt') }, /missing\.txt/],
      [{ trace: path.join(directory, 'folder') }, /folder/],
      [{ trace: temporary('empty.txt', '') }, /empty/],
      [{ trace: temporary('picture.png', PNG) }, /picture\.png/],
      [{ trace: temporary('prose.txt', 'It was a dark and stormy night.\n') }, /prose\.txt/],
      [{ trace: recording('k6.1-nonpae-small-all.txt.zst'), kernel: 'newest' }, /no era 'newest'/],
      [{ trace: recording('k6.1-nonpae-small-all.txt.zst'), vm: -1 }, /no VM/],
    ];
    const client = DapClient.inProcess();
    await client.request('initialize', { adapterID: 'test' });
    for (const [args, message] of bad) {
      await assert.rejects(client.request('launch', args), (error: Error) => message.test(error.message) && !error.message.includes('\n'));
    }
    await assert.rejects(client.request('threads'), /No trace is open/);
    await assert.rejects(client.request('nonsense'), /not supported/);
    await client.request('launch', { trace: recording('k6.1-nonpae-small-all.txt.zst') });
    const stop = client.event<P.StoppedEvent>('stopped');
    await client.request('configurationDone');
    assert.equal((await stop).reason, 'entry');
    client.close();
  });

  it('debugs what could be read of a text that ends in mid-line', async () => {
    const whole = await plain('k6.1-nonpae-small-all.txt.zst', 'whole.txt');
    const table = await eventsOf(whole);
    const lines = Array.from({ length: 500 }, (_, e) => table.lineText(e));
    const file = temporary('cut.txt', `# tracer: nop\n#\n${lines.join('\n').slice(0, -40)}`);
    const driver = await Driver.loaded(file);
    assert.equal((await driver.go('continue')).reason, 'end');
    assert.ok((await driver.index()) >= 498);
    driver.close();
  });

  it('says so when a trace has no kvm events', async () => {
    const file = temporary('sched.txt', '# tracer: nop\n#\n   bash-123   [000] d..1.  1.000001: sched_switch: prev_comm=bash\n');
    const driver = await Driver.loaded(file);
    assert.match(await driver.output(), /no kvm or kvmmmu events/);
    driver.close();
  });

  it('takes breakpoints before the trace is open, and ties them when it is', async () => {
    const file = await plain('k6.1-nonpae-small-all.txt.zst', 'early.txt');
    const client = DapClient.inProcess();
    await client.request('initialize', { adapterID: 'test' });
    await client.event('initialized');
    const args = { source: { path: file }, breakpoints: [{ line: 503 }] };
    const { breakpoints } = await client.request<P.SetBreakpointsResponse['body']>('setBreakpoints', args);
    assert.equal(breakpoints[0]!.verified, false);
    await client.request('configurationDone');
    await client.request('launch', { trace: file, stopOnEntry: false });
    const stop = await client.event<P.StoppedEvent>('stopped');
    assert.deepEqual(stop.hitBreakpointIds, [breakpoints[0]!.id]);
    const changed = await client.event<P.BreakpointEvent>('breakpoint');
    assert.equal(changed.breakpoint.verified, true);
    client.close();
  });

  it('debugs one of several VMs, and names them all', async () => {
    const file = recording('k6.1-three-vms-all.txt.zst');
    const first = await Driver.loaded(file);
    assert.match(await first.output(), /This trace has 3 VMs: VM 0 .*VM 2 .*Debugging VM 0/);
    const threads = async (driver: Driver): Promise<string[]> =>
      (await driver.client.request<P.ThreadsResponse['body']>('threads')).threads.map(({ name }) => name);
    const [own] = await threads(first);
    assert.match(own!, /^vCPU 0 \(kvmguest-\d+\)$/);
    const second = await Driver.loaded(file, { launch: { vm: 1 }, functions: [{ name: 'kvm_mmu_prepare_zap_page' }] });
    const [other] = await threads(second);
    assert.match(other!, /^vCPU 0 \(kvmguest-\d+\)$/);
    assert.notEqual(own, other);
    await second.go('continue');
    assert.match(other!, new RegExp(`-${second.thread()}\\)$`));
    first.close();
    second.close();
    const none = await Driver.loaded(file, { launch: { vm: 9 } });
    assert.match(await none.output(), /no VM 9: there are 0, 1, 2\. Debugging VM 0\./);
    assert.equal((await threads(none))[0], own);
    none.close();
  });

  it('stops where events were lost', async () => {
    const file = recording('k6.1-lost-pipe.txt.zst');
    const table = await eventsOf(file);
    const lost = Array.from({ length: table.length }, (_, e) => e).filter((e) => table.lostBefore(e) !== 0);
    const driver = await Driver.loaded(file, { filters: ['lost-events'] });
    const stops: number[] = [];
    if (lost[0] === 0) stops.push(0); // already there at the first stop
    for (let stop = await driver.go('continue'); stop.reason !== 'end'; stop = await driver.go('continue')) {
      assert.equal(stop.description, 'exception: lost events');
      stops.push(await driver.index());
    }
    assert.deepEqual(stops, lost);
    driver.close();
  });

  it('begins again when it is launched again', async () => {
    const driver = await Driver.loaded(recording('k6.1-nonpae-small-all.txt.zst'));
    const from = driver.client.events.length;
    await driver.client.request('launch', { trace: recording('k6.1-lost-pipe.txt.zst') });
    assert.equal((await driver.client.event<P.StoppedEvent>('stopped', from)).reason, 'entry');
    await driver.client.request('terminate');
    await driver.client.event('terminated');
    await assert.rejects(driver.client.request('threads'), /No trace is open/);
    driver.close();
  });
});

describe('what only some traces have', () => {
  it('a binary trace shows whole roles, in documents of its own', async () => {
    const driver = await Driver.loaded(recording('k6.1-nonpae-small-all.dat'), { functions: [{ name: 'kvm_mmu_get_page' }] });
    await driver.go('continue');
    const role = (await driver.scope('Event')).find(({ name }) => name === 'role')!;
    assert.match(role.value, /^\d+ = 0x[0-9a-f]+ {2}level 2, 4-byte, q0, wux/);
    assert.ok(!role.value.includes('?'));
    const [frame] = await driver.frames();
    assert.equal(frame!.source!.sourceReference, 1);
    assert.equal(frame!.line, (await driver.index()) + 1);
    driver.close();
  });

  it('kernel stacks become frames between the event and the fault', async () => {
    const file = await plain('k6.1-nonpae-small-all.txt.zst', 'stacks.txt', (lines) => {
      const at = lines.findIndex((line) => line.includes('kvm_mmu_set_spte: gfn 10 '));
      const prefix = lines[at]!.slice(0, lines[at]!.indexOf('kvm_mmu_set_spte'));
      lines.splice(at + 1, 0, `${prefix}<stack trace>`, ' => mmu_set_spte', ' => direct_page_fault', ' => kvm_mmu_page_fault');
    });
    const driver = await Driver.loaded(file, { functions: [{ name: 'kvm_mmu_set_spte' }] });
    await driver.go('continue');
    const frames = await driver.frames();
    assert.deepEqual(
      frames.map(({ name }) => name),
      ['kvm_mmu_set_spte gfn 10', 'mmu_set_spte', 'direct_page_fault', 'kvm_mmu_page_fault', 'fault 10000 F', 'exit'],
    );
    const { stackFrames, totalFrames } = await driver.client.request<P.StackTraceResponse['body'] & { totalFrames: number }>('stackTrace', {
      threadId: driver.thread(),
      startFrame: 4,
      levels: 1,
    });
    assert.deepEqual([stackFrames.map(({ name }) => name), totalFrames], [['fault 10000 F'], 6]);
    driver.close();
  });

  it('says what a load is doing, and stops it when asked', async () => {
    const whole = await eventsOf(recording('k6.1-three-vms-all.txt.zst'));
    const lines = Array.from({ length: whole.length }, (_, e) => whole.lineText(e));
    const file = temporary('long.txt', `# tracer: nop\n#\n${Array.from({ length: 30 }, () => lines.join('\n')).join('\n')}\n`);
    const driver = await Driver.start(file, { initialize: { supportsProgressReporting: true } });
    const { progressId, cancellable } = await driver.client.event<P.ProgressStartEvent>('progressStart');
    assert.equal(cancellable, true);
    await driver.client.request('cancel', { progressId });
    const { message } = await driver.client.event<P.ProgressEndEvent>('progressEnd');
    assert.match(message!, /^stopped at [\d,]+/);
    await driver.client.event('shadowMmu/loaded');
    const stop = await driver.go('continue');
    assert.equal(stop.description, 'end of what is loaded');
    assert.ok((await driver.index()) < 30 * whole.length - 1);
    driver.close();
  });
});
