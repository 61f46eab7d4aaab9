import assert from 'node:assert/strict';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';
import { Driver } from './driver.js';
import { HEADER_LINES, plain, recording } from './recordings.js';

describe('motion', () => {
  let file: string;
  let driver: Driver;
  before(async () => {
    file = await plain('k6.1-nonpae-small-all.txt.zst', 'motion.txt');
    driver = await Driver.loaded(file);
  });
  after(() => driver.close());

  const jump = async (event: number): Promise<void> => {
    await driver.client.untilStopped('shadowMmu/goTo', { to: String(event) });
    assert.equal(await driver.index(), event);
  };

  const breakpoints = fc.record({
    functions: fc.array(
      fc.record({
        name: fc.constantFrom('kvm_mmu_set_spte', 'kvm_mmu_get_page', 'kvm_mmu_prepare_zap_page', 'kvm_exit', 'gfn:102', 'gfn:400'),
        condition: fc.constantFrom(undefined, 'gfn == 0x102', 'role.level == 1', 'sp.unsync == 1'),
        hitCondition: fc.constantFrom(undefined, '3', '>= 5', '% 4', '< 9'),
      }),
      { maxLength: 3 },
    ),
    lines: fc.array(fc.integer({ min: 1, max: 2154 }), { maxLength: 3 }),
    filters: fc.subarray(['zap', 'unsync', 'mmio', 'role-allocation']),
  });

  it('stops backwards exactly where it stops forwards', async () => {
    await fc.assert(
      fc.asyncProperty(breakpoints, async ({ functions, lines, filters }) => {
        await jump(0);
        await driver.client.request('setFunctionBreakpoints', { breakpoints: functions });
        await driver.client.request('setExceptionBreakpoints', { filters });
        await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: lines.map((line) => ({ line })) });
        const forwards: number[] = [];
        while ((await driver.go('continue')).reason !== 'end') forwards.push(await driver.index());
        const end = await driver.index();
        const backwards: number[] = [];
        while ((await driver.go('reverseContinue')).reason !== 'entry') backwards.push(await driver.index());
        // Where it started from and where it ended does not count as a stop of either run.
        const inner = (events: number[]): number[] => events.filter((e) => e !== 0 && e !== end);
        assert.deepEqual(inner(backwards).reverse(), inner(forwards));
      }),
      { numRuns: 12 },
    );
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
    await driver.client.request('setExceptionBreakpoints', { filters: [] });
    await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: [] });
  });

  it('n steps forward and n back is the identity', async () => {
    const steps = fc.array(fc.constantFrom('next', 'stepIn', 'stepOut'), { maxLength: 15 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2151 }), steps, async (start, kinds) => {
        await jump(start);
        const way: number[] = [];
        for (const kind of kinds) {
          way.push(await driver.index());
          await driver.go(kind);
        }
        for (const at of way.reverse()) assert.equal(await driver.goes('stepBack'), at);
        assert.equal(await driver.index(), start);
      }),
      { numRuns: 25 },
    );
  });

  it('without a step to undo, stepBack is the inverse of next', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 300, max: 1900 }), async (start) => {
        await jump(start);
        const there = await driver.goes('next');
        await jump(there);
        assert.equal(await driver.goes('stepBack'), start);
      }),
      { numRuns: 25 },
    );
  });

  it('stays at either end and says so', async () => {
    await jump(2151);
    for (const command of ['continue', 'next', 'stepIn', 'stepOut']) {
      const stop = await driver.go(command);
      assert.equal(stop.reason, 'end', command);
      assert.match(stop.text!, /ends with event 2,151/);
      assert.equal(await driver.index(), 2151);
    }
    await jump(0);
    for (const command of ['reverseContinue', 'stepBack']) {
      const stop = await driver.go(command);
      assert.equal(stop.reason, 'entry', command);
      assert.equal(await driver.index(), 0);
    }
  });

  it('steps over what happens in an exit, into it, and out of it', async () => {
    // kvm_exit, kvm_page_fault, walk, two elements, accessed bit, get_page, spte_requested, set_spte, kvm_entry
    const exit = 31;
    await jump(exit);
    assert.equal(await driver.goes('next'), exit + 9);
    await jump(exit);
    assert.equal(await driver.goes('stepIn'), exit + 1);
    await jump(exit + 4);
    assert.equal(await driver.goes('next'), exit + 5);
    await jump(exit + 4);
    assert.equal(await driver.goes('stepOut'), exit + 8);
    assert.equal(await driver.goes('stepOut'), exit + 9);
    for (const inExit of [exit, exit + 1]) {
      await jump(inExit);
      assert.equal(await driver.goes('stepOut'), inExit === exit ? exit + 9 : exit + 8);
    }
    await jump(exit + 8);
    const names = (await driver.frames()).map((f) => f.name);
    assert.match(names[0]!, /^kvm_mmu_set_spte gfn 200/);
    assert.deepEqual(
      names.slice(1, 5),
      ['mmu_set_spte', 'FNAME(fetch)', 'FNAME(page_fault)', 'kvm_mmu_page_fault'].map((fn) => `${fn} (model)`),
    );
    assert.match(names[5]!, /^fault 200000/);
    assert.match(names.at(-1)!, /^exit/);
  });

  it('goes to a line, in either direction', async () => {
    await jump(1000);
    for (const line of [HEADER_LINES + 11, HEADER_LINES + 2001]) {
      const { targets } = await driver.client.request<{ targets: { id: number; line: number }[] }>('gotoTargets', {
        source: { path: file },
        line,
      });
      assert.equal(targets[0]!.line, line);
      const stop = await driver.client.untilStopped('goto', { threadId: driver.thread(), targetId: targets[0]!.id });
      assert.equal(stop.reason, 'goto');
      assert.equal(await driver.index(), line - HEADER_LINES - 1);
    }
  });

  it('rewinds a frame to its start, and the session to its first event', async () => {
    await jump(39);
    const frames = await driver.frames();
    await driver.client.untilStopped('restartFrame', { frameId: frames.at(-1)!.id });
    assert.equal(await driver.index(), 31);
    assert.equal((await driver.client.untilStopped('restart')).reason, 'entry');
    assert.equal(await driver.index(), 0);
  });

  it('goes back one event, and to the start of a fault', async () => {
    await jump(40);
    await driver.client.untilStopped('shadowMmu/reverseStep', { threadId: driver.thread(), kind: 'in' });
    assert.equal(await driver.index(), 39);
    await driver.client.untilStopped('shadowMmu/reverseStep', { threadId: driver.thread(), kind: 'out' });
    assert.equal(await driver.index(), 32);
  });

  it('runs at once when it is not to stop on entry', async () => {
    const other = await Driver.start(file, { launch: { stopOnEntry: false }, functions: [{ name: 'kvm_mmu_prepare_zap_page' }] });
    assert.equal(other.first.reason, 'function breakpoint');
    assert.match(other.first.description!, /^zap of 100 L2 q3/);
    other.close();
  });

  it('travels by number, time and percentage', async () => {
    const body = await driver.client.request<{ event: number; line: number }>('shadowMmu/goTo', { to: '100%' });
    assert.deepEqual(body, { event: 2151, line: 2151 + HEADER_LINES + 1 });
    assert.equal((await driver.client.request<{ event: number }>('shadowMmu/goTo', { to: '7.552773' })).event, 15);
    assert.equal((await driver.client.request<{ event: number }>('shadowMmu/goTo', { to: '1,000' })).event, 1000);
    await assert.rejects(driver.client.request('shadowMmu/goTo', { to: 'noon' }), /names no event/);
    await assert.rejects(driver.client.request('shadowMmu/goTo', { to: '9999999' }), /no event 9999999/);
  });

  it('undoes steps that stopped at a breakpoint on the way', async () => {
    const compressed = await Driver.loaded(recording('k6.1-nonpae-small-all.txt.zst'), { functions: [{ name: 'kvm_mmu_set_spte' }] });
    await compressed.client.untilStopped('shadowMmu/goTo', { to: '31' });
    assert.equal((await compressed.go('next')).reason, 'function breakpoint');
    assert.equal(await compressed.index(), 39);
    assert.equal(await compressed.goes('stepBack'), 31);
    compressed.close();
  });
});
