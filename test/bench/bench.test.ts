import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openTrace } from '../../src/trace/open.js';
import { Replay } from '../../src/replay/replay.js';
import { milliseconds } from './format.js';
import { writeCopies } from './generate.js';
import { cpuOf } from './outside.js';
import { median, percentile, places } from './statistics.js';

describe('bench: a trace made of copies of a recording', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function replayed(file: string): Promise<Replay> {
    const { table, done } = await openTrace(file, { inline: true });
    await done;
    const replay = new Replay(table);
    while (replay.advance(1 << 16) > 0);
    return replay;
  }

  for (const [recording, vms] of [
    ['k6.1-nonpae-small-all.dat', 1],
    ['k6.1-three-vms-all.dat', 3],
  ] as const) {
    it(`${recording}: has all events of each copy, VMs of its own in each, in order of time, and nothing is wrong with it`, async () => {
      const file = path.join(folder, recording);
      const original = await replayed(path.join('test/data', recording));
      const events = await writeCopies(path.join('test/data', recording), 2, file);
      const { table, findings, vms: found } = await replayed(file);
      assert.equal(events, 2 * original.table.length);
      assert.equal(table.length, events);
      assert.equal(found.length, 2 * vms);
      assert.deepEqual(findings, []);
      assert.deepEqual(table.info.notes, []);
      const times = Array.from({ length: events }, (_, event) => table.time(event));
      assert.ok(times.every((at, event) => event === 0 || at >= times[event - 1]!));
      const copyOf = (event: number): number => Math.floor(event / original.table.length);
      for (let event = 0; event < events; event += 97) {
        const first = event - copyOf(event) * original.table.length;
        assert.equal(table.name(event), original.table.name(first));
        assert.equal(table.comm(event), original.table.comm(first));
      }
    });
  }
});

describe('bench: statistics', () => {
  it('the median is the middle, or the mean of the two in the middle', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('a percentile is the smallest value that so many percent do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile(hundred, 100), 100);
    assert.equal(percentile([7], 99), 7);
    assert.equal(percentile([10, 1], 50), 1);
  });

  it('random places are the same each time, and among those there are', () => {
    const take = (): number[] =>
      Array.from(
        { length: 500 },
        (
          (random) => () =>
            random.next().value
        )(places(37)),
      );
    assert.deepEqual(take(), take());
    assert.ok(take().every((place) => place >= 0 && place < 37));
    assert.ok(new Set(take()).size > 30);
  });

  it('of what a shell says of times, those of its children count', () => {
    assert.equal(cpuOf('0m0.010s 0m0.020s\n1m2.500s 0m0.250s\n'), 62_750);
  });

  it('times have three digits', () => {
    assert.deepEqual([0.2831, 2.5, 41.26, 412.4, 31_234].map(milliseconds), ['0.283 ms', '2.50 ms', '41.3 ms', '412 ms', '31.2 s']);
  });
});
