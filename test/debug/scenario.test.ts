import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { hashBucket } from '../../src/engine/hash.js';
import type { Gfn } from '../../src/engine/ids.js';
import { Driver } from './driver.js';
import { temporary } from './recordings.js';
import { Transcript } from './transcript.js';

/** Both halves of a page table are shadowed; then an entry of the first is written, first as it should be, then by the emulator. */
const HALVES = `# a table of 1024 entries, and its two shadow pages
kernel 6.1
slot ram gfn 0..0x1ff
vcpu 0 paging 32 cr3 0x5000

set 0x5000[0] = gfn(0x6)|P|W|U
set 0x6000[0x10] = gfn(0x30)|P|W|U
set 0x6000[0x210] = gfn(0x20)|P|W|U
read 0x10000
write 0x210000

# quadrant 0 is written: the page of quadrant 1 is passed over
emulate 0x6000[0x10] = 0
expect spte va 0x10000 is empty
expect 3 pages level 1
`;
const LINES = HALVES.split('\n');
const lineOf = (text: string): number => LINES.findIndex((line) => line.startsWith(text)) + 1;

type Bound = P.SetBreakpointsResponse['body'];

describe('a scenario', () => {
  const file = (): string => temporary('halves.mmu', HALVES);
  const start = (filters: string[] = []): Promise<Driver> => Driver.loaded(file(), { filters });
  const line = async (driver: Driver): Promise<number> => (await driver.frames())[0]!.line;
  const top = async (driver: Driver): Promise<string> => (await driver.frames())[0]!.name;

  it('statement by statement, into the engine, and back', async () => {
    const driver = await start(['prediction', 'quadrant-skip']);
    const session = new Transcript(driver);
    const breakpoints = [{ line: lineOf('vcpu') + 1 }, { line: lineOf('read') }];
    await driver.client.request('setBreakpoints', { source: { path: file() }, breakpoints });
    await session.go('continue');
    await session.go('continue');
    await session.scope('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]');
    await session.go('stepIn');
    for (let i = 0; i < 5; i++) await session.go('stepIn');
    await session.callStack();
    await session.go('stepOut');
    await session.request('setFunctionBreakpoints', { breakpoints: [{ name: 'kvm_mmu_child_role' }] });
    await session.go('continue');
    await session.callStack();
    await session.go('stepIn');
    await session.go('stepOut');
    await session.callStack();
    await session.evaluate('sp', 'sp.role', 'event.name');
    await session.go('stepBack');
    await session.go('stepBack');
    await session.go('continue');
    await session.card();
    await session.go('next');
    await session.scope('Shadow pages', 'vCPU 0 root', '[000]', 'SPTEs', '[000–03f]', '[000]');
    await session.go('continue');
    await session.card();
    await session.scope('Findings');
    await session.scope('Statistics');
    await session.go('continue');
    await session.go('reverseContinue');
    session.matches('scenario');
    driver.close();
  });

  it('stops at the end of the statement of a line, or of the next line that has one', async () => {
    const driver = await start();
    const ask = [1, 2, lineOf('read'), lineOf('# quadrant 0'), LINES.length].map((l) => ({ line: l }));
    const { breakpoints } = await driver.client.request<Bound>('setBreakpoints', { source: { path: file() }, breakpoints: ask });
    assert.deepEqual(
      breakpoints.map((b) => (b.verified ? b.line : undefined)),
      [2, 2, lineOf('read'), lineOf('emulate'), undefined],
    );
    const { breakpoints: locations } = await driver.client.request<P.BreakpointLocationsResponse['body']>('breakpointLocations', {
      source: { path: file() },
      line: 1,
      endLine: LINES.length,
    });
    const statements = LINES.flatMap((text, i) => (/^[a-z]/.test(text) ? [i + 1] : []));
    assert.deepEqual(
      locations.map((location) => location.line),
      statements,
    );
    await driver.go('continue');
    assert.equal(await line(driver), lineOf('read'));
    assert.equal((await driver.evaluate('event.name')).result, 'kvm_entry');
    driver.close();
  });

  it('goes from statement to statement, in both directions', async () => {
    const driver = await start();
    const lines: number[] = [await line(driver)];
    for (let stop = await driver.go('next'); stop.reason !== 'end'; stop = await driver.go('next')) lines.push(await line(driver));
    assert.deepEqual(
      lines,
      LINES.flatMap((text, i) => (/^[a-z]/.test(text) ? [i + 1] : [])),
    );
    for (const before of lines.slice(0, -1).reverse()) {
      await driver.client.untilStopped('shadowMmu/goTo', { to: '100%' });
      for (let i = lines.length - 1; lines[i] !== before; i--) await driver.go('stepBack');
      assert.equal(await line(driver), before);
    }
    driver.close();
  });

  it('n steps forward and n back is the identity, the engine’s own included', async () => {
    const driver = await start();
    const commands = ['stepIn', 'next', 'stepIn', 'stepIn', 'stepOut', 'stepIn', 'stepIn', 'stepIn', 'next', 'stepIn', 'stepIn', 'stepOut'];
    const seen = async (): Promise<unknown> => [
      await driver.index(),
      (await driver.frames()).map((f) => f.name),
      (await driver.scope('Shadow pages')).map((v) => v.value),
      await spte(driver),
    ];
    const places: unknown[] = [];
    for (let reason = 'step', i = 0; reason === 'step'; i++) {
      places.push(await seen());
      ({ reason } = await driver.go(commands[(i * 7) % commands.length]!));
    }
    assert.ok(places.length > 30);
    for (const place of places.reverse()) {
      await driver.go('stepBack');
      assert.deepEqual(await seen(), place);
    }
    driver.close();
  });

  it('goes into every step forwards, and into every one backwards', async () => {
    const driver = await start();
    const forwards = [await top(driver)];
    for (let stop = await driver.go('stepIn'); stop.reason !== 'end'; stop = await driver.go('stepIn')) forwards.push(await top(driver));
    assert.ok(forwards.some((name) => name.startsWith('kvm_mmu_child_role(')));
    const backwards = [await top(driver)];
    for (;;) {
      const { reason } = await driver.client.untilStopped('shadowMmu/reverseStep', { threadId: driver.thread(), kind: 'in' });
      if (reason === 'entry') break;
      backwards.push(await top(driver));
    }
    assert.deepEqual(backwards.reverse(), forwards);
    driver.close();
  });

  it('shows the state at a step: the entry is there until it is zapped', async () => {
    const driver = await start();
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'mmu_page_zap_pte' }] });
    await driver.go('continue');
    assert.match(await top(driver), /^mmu_page_zap_pte\(6 L1 q0 \[010\]\)$/);
    assert.match(await spte(driver), /gfn 30/);
    await driver.go('stepIn');
    assert.match(await top(driver), /^kvm_entry/);
    assert.doesNotMatch(await spte(driver), /gfn 30/);
    driver.close();
  });

  it('stops at calls of a function by condition and hit count, and backwards where it stops forwards', async () => {
    const driver = await start();
    const stops = async (command: string): Promise<string[]> => {
      const found: string[] = [];
      for (let stop = await driver.go(command); stop.reason === 'function breakpoint'; stop = await driver.go(command))
        found.push(stop.text!);
      return found;
    };
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [{ name: '__kvm_mmu_get_shadow_page' }] });
    const all = await stops('continue');
    assert.equal(all.length, 6);
    assert.deepEqual((await stops('reverseContinue')).reverse(), all);
    const conditional = [{ name: '__kvm_mmu_get_shadow_page', condition: 'role.level == 1' }];
    await driver.client.request('setFunctionBreakpoints', { breakpoints: conditional });
    assert.deepEqual(await stops('continue'), all.slice(4));
    await stops('reverseContinue');
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [{ name: '__kvm_mmu_get_shadow_page', hitCondition: '3' }] });
    assert.deepEqual(await stops('continue'), [all[2]]);
    driver.close();
  });

  it('breaks on data as in a trace', async () => {
    const driver = await start();
    const { dataId } = await driver.client.request<P.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', { name: 'gfn 30' });
    await driver.client.request('setDataBreakpoints', { breakpoints: [{ dataId }] });
    assert.equal((await driver.go('continue')).reason, 'data breakpoint');
    assert.equal(await line(driver), lineOf('read'));
    driver.close();
  });

  it('passes no page over where the kernel has no quadrant filter', async () => {
    const driver = await Driver.loaded(file(), { filters: ['quadrant-skip'], launch: { without: ['quadrant-filter'] } });
    assert.equal((await driver.go('continue')).reason, 'end');
    driver.close();
  });

  it('stops where the search for a page goes past pages of another gfn', async () => {
    const [one, other] = sameBucket();
    const text = `slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 0x5000
set 0x5000[0] = gfn(0x${one.toString(16)})|P|W|U
set 0x5000[1] = gfn(0x${other.toString(16)})|P|W|U
set 0x${one.toString(16)}000[0] = gfn(0x6)|P|W|U
set 0x${other.toString(16)}000[0] = gfn(0x7)|P|W|U
read 0x0
read 0x400000
`;
    const driver = await Driver.loaded(temporary('collision.mmu', text), { filters: ['hash-collision'] });
    const { text: why } = await driver.go('continue');
    assert.match(
      why!,
      new RegExp(`the search for ${other.toString(16)} L1 q0 in bucket \\d+ goes past 1 page of another gfn: ${one.toString(16)} L1 q0`),
    );
    assert.equal((await driver.go('continue')).reason, 'end');
    const condition = `gfn == ${one}`;
    await driver.client.request('setExceptionBreakpoints', { filters: [], filterOptions: [{ filterId: 'hash-collision', condition }] });
    assert.equal((await driver.go('reverseContinue')).reason, 'entry');
    driver.close();
  });

  it('runs anew when it is restarted, with what was edited', async () => {
    const name = temporary('edited.mmu', HALVES);
    const driver = await Driver.loaded(name, { filters: ['prediction'] });
    assert.equal((await driver.go('continue')).description, 'exception: failed expect');
    temporary('edited.mmu', HALVES.replace('expect 3 pages', 'expect 2 pages'));
    await driver.client.untilStopped('restart');
    assert.equal((await driver.go('continue')).reason, 'end');
    driver.close();
  });

  it('goes from one vCPU to another, as its statements do', async () => {
    const two = HALVES.replace('write 0x210000', 'vcpu 1 paging 32 cr3 0x5000\nwrite 0x210000');
    const driver = await Driver.loaded(temporary('two.mmu', two));
    const threads = new Map<string, number>();
    for (let stop = driver.first; stop.reason !== 'end'; stop = await driver.go('next'))
      threads.set(String(await line(driver)), stop.threadId!);
    assert.deepEqual([threads.get('9'), threads.get('10'), threads.get('11')], [1001, 1002, 1002]);
    driver.close();
  });

  it('names a kernel’s functions as that kernel does', async () => {
    const driver = await Driver.loaded(file(), {
      launch: { kernel: '2.6.24' },
      functions: [{ name: 'kvm_mmu_pte_write' }, { name: 'kvm_mmu_child_role' }],
    });
    await driver.go('continue');
    assert.match(await top(driver), /^kvm_mmu_pte_write\(/);
    driver.close();
  });

  it('says where a text that is no scenario is wrong', async () => {
    const broken = temporary('broken.mmu', HALVES.replace('write 0x210000', 'wirte 0x210000'));
    await assert.rejects(Driver.start(broken), new RegExp(`broken\\.mmu:${lineOf('write 0x21')}:1: .*did you mean 'write'\\?`));
    await assert.rejects(Driver.start(file(), { launch: { without: ['quadrant-fliter'] } }), /no kernel has a feature 'quadrant-fliter'/);
    await assert.rejects(Driver.start(file(), { launch: { kernel: '1.0' } }), /no era has the rules of kernel '1\.0'/);
  });
});

/** Two guest frames whose shadow pages share a bucket of the hash. */
function sameBucket(): [number, number] {
  const seen = new Map<number, number>();
  for (let gfn = 0x10; gfn < 0x1000; gfn++) {
    const bucket = hashBucket(gfn as Gfn);
    const before = seen.get(bucket);
    if (before !== undefined) return [before, gfn];
    seen.set(bucket, gfn);
  }
  throw new Error('the hash has no collisions');
}

/** What the scopes show of the entry that is written. */
async function spte(driver: Driver): Promise<string> {
  const answer = await driver.evaluate('6 L1 q0 [010]').catch((error: Error) => ({ result: error.message }));
  return answer.result;
}
