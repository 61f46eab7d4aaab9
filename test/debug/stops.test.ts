import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Kind, SpSlot } from '../../src/trace/vocabulary.js';
import type { EventTable } from '../../src/trace/table.js';
import { Driver } from './driver.js';
import { eventsOf, HEADER_LINES, plain } from './recordings.js';

type Bodies = P.SetBreakpointsResponse['body'];

describe('stops', () => {
  let file: string;
  let table: EventTable;
  let driver: Driver;
  const eventsWhere = (test: (e: number) => boolean): number[] => Array.from({ length: table.length }, (_, e) => e).filter(test);
  const kindEvents = (kind: Kind): number[] => eventsWhere((e) => table.kind(e) === kind);

  before(async () => {
    file = await plain('k6.1-nonpae-small-all.txt.zst', 'stops.txt');
    table = await eventsOf(file);
    driver = await Driver.loaded(file);
  });
  after(() => driver.close());

  /** Sets function breakpoints and collects the stops from the first event to the end. */
  const stopsOf = async (...breakpoints: P.FunctionBreakpoint[]): Promise<number[]> => {
    await driver.client.request('setFunctionBreakpoints', { breakpoints });
    await driver.client.untilStopped('restart');
    return runToEnd();
  };
  const runToEnd = async (): Promise<number[]> => {
    const stops: number[] = [];
    for (;;) {
      const { reason } = await driver.go('continue');
      if (reason === 'end') return stops;
      stops.push(await driver.index());
    }
  };

  it('begins at the first event', () => {
    assert.equal(driver.first.reason, 'entry');
    assert.equal(driver.first.text, `${table.name(0)}: ${table.message(0)}`);
  });

  it('stops at every zap, and at the first one first', async () => {
    assert.deepEqual(await stopsOf({ name: 'kvm_mmu_prepare_zap_page' }), kindEvents(Kind.prepareZap));
  });

  it('stops at the n-th allocation', async () => {
    const made = kindEvents(Kind.getPage).filter((e) => table.num(e, SpSlot.created) === 1);
    assert.deepEqual(await stopsOf({ name: 'kvm_mmu_get_page', condition: 'created == 1', hitCondition: '17' }), [made[16]]);
    const everyFifth = made.filter((_, i) => (i + 1) % 5 === 0);
    assert.deepEqual(await stopsOf({ name: 'kvm_mmu_get_page', condition: 'created == 1', hitCondition: '% 5' }), everyFifth);
  });

  it('counts hits from the start of the trace, whichever way it came', async () => {
    const all = kindEvents(Kind.setSpte);
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
    await driver.go('continue');
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'kvm_mmu_set_spte', hitCondition: '9' }] });
    assert.equal(await driver.goes('reverseContinue'), all[8]);
  });

  it('stops where a condition holds', async () => {
    const expected = kindEvents(Kind.setSpte).filter((e) => table.num(e, 0) === 0x200);
    assert.ok(expected.length > 0);
    assert.deepEqual(await stopsOf({ name: 'kvm_mmu_set_spte', condition: 'gfn == 0x200' }), expected);
  });

  it('stops at pages of a role', async () => {
    const expected = kindEvents(Kind.getPage).filter((e) => / new$/.test(table.message(e)) && / l1 4-byte q1 /.test(table.message(e)));
    assert.deepEqual(await stopsOf({ name: 'role:l1 q1 4-byte' }), expected);
  });

  it('stops on a line, and on the next event when the line has none', async () => {
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
    const { breakpoints } = await driver.client.request<Bodies>('setBreakpoints', {
      source: { path: file },
      breakpoints: [{ line: 1 }, { line: HEADER_LINES + 101 }, { line: 1_000_000 }],
    });
    assert.deepEqual(
      breakpoints.map(({ verified, line }) => ({ verified, line })),
      [
        { verified: true, line: HEADER_LINES + 1 },
        { verified: true, line: HEADER_LINES + 101 },
        { verified: false, line: undefined },
      ],
    );
    await driver.client.untilStopped('restart');
    const stop = await driver.go('continue');
    assert.equal(stop.reason, 'breakpoint');
    assert.deepEqual(stop.hitBreakpointIds, [breakpoints[1]!.id]);
    assert.equal(await driver.index(), 100);
    assert.equal((await driver.go('reverseContinue')).reason, 'breakpoint');
    assert.equal(await driver.index(), 0);
    await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: [] });
  });

  it('offers the lines that have an event', async () => {
    const args = { source: { path: file }, line: 1, endLine: HEADER_LINES + 2 };
    const { breakpoints } = await driver.client.request<P.BreakpointLocationsResponse['body']>('breakpointLocations', args);
    assert.deepEqual(breakpoints, [{ line: HEADER_LINES + 1 }, { line: HEADER_LINES + 2 }]);
  });

  it('logs without stopping', async () => {
    const e = kindEvents(Kind.prepareZap)[0]!;
    const line = HEADER_LINES + e + 1;
    const logMessage = 'zap of {gfn} at {event.index} {{braces}}';
    await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: [{ line, logMessage }] });
    await driver.client.untilStopped('restart');
    assert.equal((await driver.go('continue')).reason, 'end');
    const logged = driver.client.events.filter((o): o is P.OutputEvent => o.event === 'output').find((o) => o.body.line === line);
    assert.equal(logged?.body.output, `zap of 0x${table.num(e, SpSlot.gfn).toString(16)} at ${e} {braces}\n`);
    await driver.client.request('setBreakpoints', { source: { path: file }, breakpoints: [] });
  });

  it('says what is wrong with a breakpoint', async () => {
    const { breakpoints } = await driver.client.request<Bodies>('setFunctionBreakpoints', {
      breakpoints: [
        { name: 'kvm_mmu_prepare_zap' },
        { name: 'kvm_mmu_get_page', condition: 'quadrent == 1' },
        { name: 'kvm_mmu_get_page', hitCondition: 'often' },
        { name: 'nonsense' },
      ],
    });
    assert.ok(breakpoints.every((b) => !b.verified && b.message));
    assert.match(breakpoints[0]!.message!, /did you mean kvm_mmu_prepare_zap_page\?/);
    assert.match(breakpoints[1]!.message!, /quadrent.*role\.quadrant/);
    assert.match(breakpoints[2]!.message!, /hit count/);
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
  });

  it('stops through exception filters, with conditions', async () => {
    const filterOptions = [{ filterId: 'role-allocation', condition: 'role.level == 1 && role.quadrant == 1' }];
    await driver.client.request('setExceptionBreakpoints', { filters: ['unsync'], filterOptions });
    await driver.client.untilStopped('restart');
    const expected = eventsWhere(
      (e) => table.kind(e) === Kind.unsyncPage || (table.kind(e) === Kind.getPage && / l1 .* q1 .* new$/.test(table.message(e))),
    );
    assert.deepEqual(await runToEnd(), expected);
    await driver.client.request('setExceptionBreakpoints', { filters: ['zap'] });
    await driver.client.untilStopped('restart');
    const stop = await driver.go('continue');
    assert.equal(stop.reason, 'exception');
    assert.match(stop.description!, /^zap of /);
    const info = await driver.client.request<P.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: 1 });
    assert.equal(info.exceptionId, 'zap');
    assert.match(info.description!, /^Empties 100 L2 q3/);
    await driver.client.request('setExceptionBreakpoints', { filters: [] });
  });

  it('stops where a write passes pages of other quadrants over', async () => {
    const all = await stops(driver, 'quadrant-skip');
    // The guest of this recording writes six times to page directories, or tables that are in several shadow pages.
    assert.equal(all.length, 6);
    const [, first] = all[0]!;
    assert.equal(first.description, 'exception: quadrant skip');
    const skipped = [3, 2, 1].map(
      (q) => `100 L2 q${q} is passed over: the guest write at gpa 100100 hits gPDE 040, which is in quadrant 0`,
    );
    assert.equal(first.text, skipped.join('; '));
    await driver.client.request('setExceptionBreakpoints', { filters: ['quadrant-skip'] });
    await driver.go('reverseContinue');
    const { exceptionId, details } = await driver.client.request<P.ExceptionInfoResponse['body']>('exceptionInfo', {
      threadId: driver.thread(),
    });
    assert.equal(exceptionId, 'quadrant-skip');
    assert.match(details!.message!, /is passed over/);
    assert.equal((await stops(driver, 'quadrant-skip', 'gfn == 0x100 && role.quadrant == 2')).length, 6);
    assert.equal((await stops(driver, 'quadrant-skip', 'level == 1')).length, 1);
  });

  it('finds no hash collision where every bucket has one gfn', async () => {
    assert.equal((await stops(driver, 'hash-collision')).length, 0);
  });

  it('stops at events by the kernel functions that led to them', async () => {
    const breakpoints = [
      { name: 'kvm_mmu_child_role', condition: 'created == 1' },
      { name: 'FNAME(fetch)' },
      { name: 'kvm_mmu_child_rol' },
    ];
    const set = await driver.client.request<Bodies>('setFunctionBreakpoints', {
      breakpoints: [...breakpoints, { name: 'mmu_need_write_protect' }],
    });
    assert.deepEqual(
      set.breakpoints.map(({ verified }) => verified),
      [true, true, false, true],
    );
    assert.match(set.breakpoints[2]!.message!, /did you mean kvm_mmu_child_role\?$/);
    assert.equal(set.breakpoints[3]!.message, 'mmu_need_write_protect is mmu_try_to_unsync_pages in kernel 6.1.192.');
    await driver.client.request('setFunctionBreakpoints', { breakpoints: breakpoints.slice(0, 1) });
    await driver.client.untilStopped('restart');
    await driver.go('continue');
    assert.equal((await driver.evaluate('event.name')).result, 'kvm_mmu_get_page');
    assert.equal((await driver.frames())[2]!.name, 'kvm_mmu_get_child_sp (model)');
    await driver.client.request('setFunctionBreakpoints', { breakpoints: [] });
  });
});

/** Every stop of one filter from the start of the trace, as event and body. */
async function stops(driver: Driver, filterId: string, condition = ''): Promise<[number, P.StoppedEvent['body']][]> {
  const found: [number, P.StoppedEvent['body']][] = [];
  await driver.client.request('setExceptionBreakpoints', { filters: [], filterOptions: [{ filterId, condition }] });
  await driver.client.untilStopped('restart');
  for (let stop = await driver.go('continue'); stop.reason === 'exception'; stop = await driver.go('continue')) {
    found.push([await driver.index(), stop]);
  }
  await driver.client.request('setExceptionBreakpoints', { filters: [] });
  return found;
}
