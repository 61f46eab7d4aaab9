import assert from 'node:assert/strict';
import path from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { KERNEL_FUNCTIONS } from '../../src/engine/kernelFunctions.js';
import { Mirror } from '../../src/replay/mirror/mirror.js';
import { Replay } from '../../src/replay/replay.js';
import { stateReport } from '../../src/replay/reports.js';
import { openTrace } from '../../src/trace/open.js';
import { event } from './recordings.js';

/** A recording replayed, and its mirror, told of it as a thread is: whatever is posted is a copy, and only buffers are shared. */
async function followed(name: string, events: () => number): Promise<{ replay: Replay; mirror: Replay; deltas: number }> {
  const { table, done } = await openTrace(path.resolve('test/data', name), { inline: true });
  await done;
  const replay = new Replay(table, { invariants: true });
  const history = new Mirror(table, {}, () => assert.fail('nobody asked for the invariants'));
  const mirror = new Replay(table, {}, history);
  let deltas = 0;
  do {
    history.apply(structuredClone(replay.delta()));
    mirror.index.follow();
    assert.equal(mirror.replayed, replay.replayed);
    deltas++;
  } while (replay.advance(events()) > 0);
  return { replay, mirror, deltas };
}

/** Everything that a debugger asks of a replay. */
function answers(replay: Replay, at: readonly number[]): unknown {
  const cursor = replay.cursor();
  return {
    states: at.map((e) => {
      cursor.seek(event(e));
      return replay.vms.map(({ vm }) => stateReport(cursor, vm));
    }),
    pages: at.map((e) => {
      const page = replay.pageOf(event(e));
      cursor.seek(event(e));
      if (page === 0) return undefined;
      const changes = replay.changesOf({ kind: 'page', page });
      return [cursor.page(page), changes.next(event(e)), changes.previous(event(e)), replay.history.pages.died(page)];
    }),
    events: at.map((e) => [
      replay.spteOf(event(e)),
      replay.depthOf(event(e)),
      replay.vcpuOf(event(e)),
      replay.faultOf(event(e)),
      replay.ledTo.framesOf(event(e)),
      replay.findingAt(event(e)),
      replay.history.notes.recordedSpte(event(e)),
      replay.history.leafGfn(event(e)),
    ]),
    functions: KERNEL_FUNCTIONS.map((fn) => at.map((e) => [replay.ledTo.next(fn, e, replay.replayed), replay.ledTo.previous(fn, e, -1)])),
    findings: replay.findings,
    accounts: [replay.accounts.outputs, replay.accounts.reasons],
    notices: replay.vms.map(({ vm }) =>
      at.map((e) => [replay.notices(vm)?.quadrantSkips.at(event(e)), replay.notices(vm)?.collisions.at(event(e))]),
    ),
    vms: replay.vms,
    era: [replay.era.name, [...replay.era.features], replay.era.roles, replay.era.sptes],
    cells: replay.history.journal.cellCount,
    invariants: replay.history.mmus.map(({ incomplete }) => incomplete),
  };
}

describe('a history that another thread makes', () => {
  const recordings: [name: string, events: () => number][] = [
    ['k6.1-nonpae-small-all.dat', () => 1],
    ['k7.2-nonpae-small-all.txt.zst', () => 3],
    ['k5.10-nonpae-small-all.txt.zst', () => 1000],
    ['k6.1-lost-overwrite.txt.zst', () => 7],
    ['k6.1-lost-pipe.txt.zst', () => 2],
    ['k6.1-npt-tdpmmuY-nonpae-all.txt.zst', () => 5],
    ['k6.1-three-vms-all.dat', () => 97],
    ['k6.1-three-vms-all.txt.zst', () => 20_000],
  ];
  for (const [name, events] of recordings) {
    it(`is the same as one's own: ${name}`, async () => {
      const { replay, mirror, deltas } = await followed(name, events);
      assert.ok(deltas > 2);
      const places = fc.sample(fc.integer({ min: 0, max: replay.replayed - 1 }), { numRuns: 60, seed: 5 });
      assert.deepEqual(answers(mirror, places), answers(replay, places));
    });
  }

  it('is the same at every length, findings that a later event decides included', async () => {
    const { table, done } = await openTrace(path.resolve('test/data/k6.1-lost-pipe.txt.zst'), { inline: true });
    await done;
    const replay = new Replay(table, { without: ['quadrant-in-role'] });
    const history = new Mirror(table, { without: ['quadrant-in-role'] }, () => undefined);
    while (replay.advance(1) > 0) {
      history.apply(structuredClone(replay.delta()));
      assert.deepEqual(history.findings.all.length, replay.findings.length);
    }
    assert.ok(replay.findings.length > 0);
    assert.deepEqual(history.findings.all, replay.findings);
    assert.deepEqual(history.accounts, replay.accounts);
  });
});
