import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { PageId } from '../../src/engine/ids.js';
import type { Cursor } from '../../src/replay/cursor.js';
import { stateReport } from '../../src/replay/reports.js';
import { Kind } from '../../src/trace/vocabulary.js';
import { event, linesOf, replayed, replayedLines } from './recordings.js';

const picture = (cursor: Cursor): string => JSON.stringify(stateReport(cursor, 0));

describe('replay of a recording', () => {
  it('gives the same state at an event, whichever way one came', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.dat');
    const cursor = replay.cursor();
    const fresh = replay.cursor();
    fc.assert(
      fc.property(fc.array(fc.nat(replay.table.length - 1), { minLength: 1, maxLength: 6 }), (visits) => {
        for (const visit of visits) cursor.seek(event(visit));
        fresh.seek(event(-1));
        fresh.seek(event(visits.at(-1)!));
        assert.equal(picture(cursor), picture(fresh));
      }),
      { numRuns: 40 },
    );
  });

  it('a recording cut before an event has the same state there as the whole', async () => {
    const whole = await replayed('k6.1-nonpae-small-all.txt.zst');
    const lines = linesOf(whole);
    for (const length of [40, 333, 1001, 1700]) {
      const cut = await replayedLines(lines.slice(0, length));
      const [a, b] = [whole.cursor(), cut.cursor()];
      a.seek(event(length - 1));
      b.seek(event(length - 1));
      assert.equal(picture(a), picture(b), `cut after ${length} events`);
    }
  });

  it('every VM ends without pages, and what is predicted is never a finding', async () => {
    for (const name of ['k5.10-nonpae-small-all.dat', 'k6.1-nonpae-small-all.dat', 'k7.2-nonpae-small-all.dat', 'k6.1-three-vms-all.dat']) {
      const replay = await replayed(name);
      assert.deepEqual(replay.findings, [], name);
      const cursor = replay.cursor();
      cursor.seek(event(replay.table.length - 1));
      for (const { vm } of replay.vms) assert.deepEqual(cursor.livePages(vm), [], `${name}, VM ${vm}`);
    }
  });

  it('keeps three VMs apart', async () => {
    const replay = await replayed('k6.1-three-vms-all.dat');
    assert.deepEqual(
      replay.vms.map(({ vcpus }) => vcpus.length),
      [1, 1, 1],
    );
    assert.equal(new Set(replay.vms.flatMap(({ pids }) => pids)).size, 3);
  });

  it('a set SPTE is in its page until the page goes', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.dat');
    const { table } = replay;
    const cursor = replay.cursor();
    let seen = 0;
    for (let at = 0; at < table.length; at++) {
      if (table.kind(at) !== Kind.setSpte) continue;
      const place = replay.spteOf(event(at));
      assert.ok(place, `event ${at} has a place`);
      cursor.seek(event(at));
      assert.equal(cursor.entry(place.page, place.index).value, table.word(at, 1));
      assert.equal(place.index, Number((table.word(at, 2) >> 3n) & 511n));
      assert.equal(new DataView(cursor.memory(place.page).buffer).getBigUint64(place.index * 8, true), table.word(at, 1));
      seen++;
    }
    assert.equal(seen, 135);
  });

  it('used pages are those that KVM counted when it zapped all', async () => {
    const replay = await replayed('k6.1-three-vms-all.dat');
    const { table } = replay;
    const cursor = replay.cursor();
    let checked = 0;
    for (let at = 0; at < table.length; at++) {
      if (table.kind(at) !== Kind.zapAllFast) continue;
      cursor.seek(event(at));
      assert.equal(cursor.usedPages(replay.vmOf(event(at))!), table.num(at, 1), `event ${at}`);
      checked++;
    }
    assert.ok(checked > 0);
  });

  it('takes nothing for a finding that role bits may explain which the text does not print', async () => {
    // Pages are made below a root that may be of two classes; only later does a fault tell which of them it was.
    const replay = await replayed('k6.1-kut-x86_64-access-begin.txt.zst');
    assert.deepEqual([replay.table.info.roles, replay.table.length], ['printed', 83_998]);
    assert.deepEqual(replay.findings, []);
  });

  it('depth, fault and exit of an event', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.dat');
    const { table } = replay;
    const set = Array.from({ length: table.length }, (_, e) => e).find((e) => table.kind(e) === Kind.setSpte)!;
    assert.equal(replay.depthOf(event(set)), 2);
    const fault = replay.faultOf(event(set))!;
    assert.equal(table.kind(fault.first), Kind.pageFault);
    assert.equal(fault.address, 0x10000n);
    assert.equal(table.kind(replay.exitOf(event(set))!), Kind.exit);
    assert.equal(replay.depthOf(fault.first), 1);
  });

  it('changes of a page are found in both directions', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.dat');
    for (const page of [1, 5, 9] as PageId[]) {
      const index = replay.changesOf({ kind: 'page', page });
      const forwards: number[] = [];
      for (let at = index.next(event(-1)); at !== undefined; at = index.next(at)) forwards.push(at);
      const backwards: number[] = [];
      for (let at = index.previous(event(replay.table.length)); at !== undefined; at = index.previous(at)) backwards.push(at);
      assert.ok(forwards.length > 1);
      assert.deepEqual(backwards.reverse(), forwards);
    }
  });
});
