import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { before, describe, it } from 'mocha';
import type { Cursor } from '../../src/replay/cursor.js';
import type { Replay } from '../../src/replay/replay.js';
import type { PageView } from '../../src/replay/view.js';
import { LAYOUT_5_17, decodeRole } from '../../src/engine/roleLayout.js';
import { PRINTED_MASK } from '../../src/engine/role.js';
import { event, replayed } from './recordings.js';

/** A page as it lay in KVM's memory (test/data/README.md). */
interface RealPage {
  gfn: string;
  role: string;
  unsync: boolean;
  rootCount: number;
  entries: [number, string][];
}

/** Accessed and dirty: set by the CPU without an event. */
const HARDWARE_BITS = 0x60n;

const keyOf = (gfn: number, role: number): string => `${gfn.toString(16)}/${(role & PRINTED_MASK).toString(16)}`;
const realKey = (page: RealPage): string => keyOf(Number(page.gfn), decodeRole(LAYOUT_5_17, Number(page.role)));
const viewKey = (page: PageView): string => keyOf(page.gfn, page.role);

describe('the state, held against what KVM had in memory', () => {
  let replay: Replay;
  let cursor: Cursor;
  let snapshots: { pages: RealPage[]; usedPages: number; gen: number }[];
  let marks: number[];

  before(async () => {
    replay = await replayed('k6.1-oracle-nonpae.txt.zst');
    cursor = replay.cursor();
    const text = gunzipSync(readFileSync('test/data/k6.1-oracle-nonpae.state.jsonl.gz')).toString();
    snapshots = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as (typeof snapshots)[number]);
    marks = Array.from({ length: replay.table.length }, (_, e) => e).filter((e) => replay.table.message(e).startsWith('mmudump'));
    assert.equal(marks.length, snapshots.length);
  });

  it('every page is there, and no other', () => {
    snapshots.forEach((snapshot, i) => {
      cursor.seek(event(marks[i]!));
      const ours = cursor.livePages(0).map((id) => viewKey(cursor.page(id)));
      assert.deepEqual(ours.sort(), snapshot.pages.map(realKey).sort(), `snapshot ${i}`);
      assert.equal(cursor.usedPages(0), snapshot.usedPages);
      assert.equal(cursor.generation(0), snapshot.gen);
    });
  });

  it('no entry that is stated without doubt is wrong', () => {
    let certain = 0;
    snapshots.forEach((snapshot, i) => {
      cursor.seek(event(marks[i]!));
      const real = alone(snapshot.pages, realKey);
      for (const [key, id] of alone(cursor.livePages(0), (page) => viewKey(cursor.page(page)))) {
        const memory = new Map(real.get(key)!.entries);
        for (const entry of cursor.entries(id)) {
          if (entry.doubt || entry.value === null) continue;
          const there = BigInt(memory.get(entry.index) ?? '0x0');
          assert.equal(
            (entry.value & ~HARDWARE_BITS).toString(16),
            (there & ~HARDWARE_BITS).toString(16),
            `snapshot ${i}, ${key} [${entry.index}]`,
          );
          certain++;
        }
      }
    });
    assert.ok(certain > 500, `${certain} entries are certain`);
  });
});

/** The pages whose printed role no other page shares: text does not tell look-alikes apart. */
function alone<T>(pages: readonly T[], key: (page: T) => string): Map<string, T> {
  const counts = new Map<string, number>();
  for (const page of pages) counts.set(key(page), (counts.get(key(page)) ?? 0) + 1);
  return new Map(pages.filter((page) => counts.get(key(page)) === 1).map((page) => [key(page), page]));
}
