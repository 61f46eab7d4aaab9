import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { EventIndex } from '../../src/engine/ids.js';
import { EventLists, type Depth } from '../../src/debug/load/eventLists.js';
import type { Occurrences } from '../../src/debug/load/occurrences.js';
import type { Replay } from '../../src/replay/replay.js';
import { EVENTS, Kind } from '../../src/trace/vocabulary.js';
import { replayed } from '../replay/recordings.js';

/** Recordings with several tasks, depths and VMs, and more events than a block has. */
const RECORDINGS = ['k6.1-three-vms-all.dat', 'k6.1-npt-tdpmmuY-nonpae-all.txt.zst', 'k6.1-lost-overwrite.txt.zst'];

/** The sets of a recording, each with its events found one by one. */
function sets(
  lists: EventLists,
  { table }: Replay,
  depthOf: (e: number) => Depth,
): { name: string; set: Occurrences; members: number[] }[] {
  const every = Array.from({ length: table.length }, (_, e) => e);
  const pids = [...new Set(every.map((e) => table.pid(e)))];
  const names = [...new Set(every.filter((e) => table.kind(e) === Kind.other).map((e) => table.name(e)))];
  return [
    ...EVENTS.map(({ name }, kind) => ({
      name,
      set: lists.ofKind(kind as Kind),
      members: every.filter((e) => table.kind(e) === (kind as Kind)),
    })),
    ...names.map((name) => ({ name, set: lists.named(name), members: every.filter((e) => table.name(e) === name) })),
    ...pids.map((pid) => ({ name: `task ${pid}`, set: lists.ofTask(pid), members: every.filter((e) => table.pid(e) === pid) })),
    ...pids.flatMap((pid) =>
      ([0, 1, 2] as const).map((depth) => ({
        name: `task ${pid} at depth ${depth}`,
        set: lists.ofTaskAt(pid, depth),
        members: every.filter((e) => table.pid(e) === pid && depthOf(e) === depth),
      })),
    ),
  ];
}

describe('events by kind, name and task', () => {
  for (const file of RECORDINGS) {
    it(`are those that one finds by looking at each: ${file}`, async () => {
      const replay = await replayed(file);
      const { table } = replay;
      const depthOf = (e: number): Depth => replay.depthOf(e as EventIndex);
      const lists = new EventLists(table, depthOf);
      for (let end = 0; end < table.length; end += 700) lists.extend(end);
      lists.extend(table.length);
      const places = [-1, 0, 1, 4095, 4096, 4097, 8191, 8192, table.length - 1, table.length];
      for (const { name, set, members } of sets(lists, replay, depthOf)) {
        assert.equal(set.length, members.length, name);
        assert.equal(set.first(), members[0], name);
        for (const at of [...places, ...members.filter((_, i) => i % 97 === 0)]) {
          const says = [set.next(at, table.length), set.previous(at, -1), set.rank(at), set.has(at)];
          const are = [
            members.find((e) => e > at),
            members.findLast((e) => e < at),
            members.filter((e) => e <= at).length,
            members.includes(at),
          ];
          assert.deepEqual(says, are, `${name} at ${at}`);
        }
      }
      const lost = Array.from({ length: table.length }, (_, e) => e).filter((e) => table.lostBefore(e) !== 0);
      assert.equal(lists.lost.length, lost.length);
      assert.deepEqual(lists.tasks(), [...new Set(Array.from({ length: table.length }, (_, e) => table.pid(e)))]);
    });
  }

  it('stop at the bounds of a question, and know nothing of what has not been taken in', async () => {
    const { table } = await replayed('k6.1-three-vms-all.dat');
    const all = Array.from({ length: table.length }, (_, e) => e);
    const walks = all.filter((e) => table.kind(e) === Kind.walk);
    fc.assert(
      fc.property(
        fc.nat(table.length),
        fc.integer({ min: -1, max: table.length }),
        fc.integer({ min: -1, max: table.length }),
        (end, a, b) => {
          const lists = new EventLists(table, () => 0);
          lists.extend(end);
          const set = lists.ofKind(Kind.walk);
          const known = walks.filter((e) => e < end);
          assert.equal(
            set.next(a, b),
            known.find((e) => e > a && e < b),
          );
          assert.equal(
            set.previous(a, b),
            known.findLast((e) => e < a && e > b),
          );
          assert.equal(set.rank(a), known.filter((e) => e <= a).length);
        },
      ),
    );
  });
});
