import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import fc from 'fast-check';
import type { Replay } from '../../src/replay/replay.js';
import { event, linesOf, replayed, replayedLines } from './recordings.js';

describe('a flipped quadrant', function () {
  this.timeout(60_000);
  let whole: Replay;
  let lines: string[];
  before(async () => {
    whole = await replayed('k6.1-nonpae-small-all.txt.zst');
    lines = linesOf(whole);
  });

  const flip = (line: string, to: number): string => line.replace(/ q\d/, ` q${to}`);
  const allocations = (level: number): number[] =>
    lines.flatMap((line, at) =>
      line.includes('kvm_mmu_get_page') && line.includes(` l${level} 4-byte`) && !line.includes('direct') ? [at] : [],
    );

  for (const level of [1, 2]) {
    it(`of a level-${level} page is found at its event, and nothing else is`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...allocations(level)), fc.integer({ min: 1, max: 3 }), async (at, by) => {
          const quadrants = level === 1 ? 2 : 4;
          const recorded = Number(/ q(\d)/.exec(lines[at]!)![1]);
          const other = (recorded + (by % quadrants || 1)) % quadrants;
          const replay = await replayedLines(lines.with(at, flip(lines[at]!, other)));
          assert.deepEqual(
            replay.findings.map(({ event: where, kind, expected, recorded: found }) => ({ where, kind, expected, found })),
            [{ where: at, kind: 'quadrant-mismatch', expected: { 'role.quadrant': recorded }, found: { 'role.quadrant': other } }],
          );
        }),
        {
          numRuns: 25,
          examples:
            level === 2
              ? allocations(2)
                  .slice(0, 4)
                  .map((at) => [at, 1])
              : [],
        },
      );
    });
  }

  it('has a card that names parent, index and rule', async () => {
    const [at] = allocations(1);
    const replay = await replayedLines(lines.with(at!, flip(lines[at!]!, 1)));
    const card = new Map(replay.findingAt(event(at!))!.card);
    assert.equal(card.get('because'), 'parent 100 L2 q0, SPTE index 000 is even; bit 21 of 00010000 is 0');
    assert.equal(card.get('rule'), 'kvm_mmu_child_role: 4-byte gPTEs, level 1: quadrant = SPTE index & 1');
    assert.equal(card.get('effect'), 'the page would shadow gPTEs 200-3ff where the guest walks 000-1ff');
  });

  it('keeps both readings until an event decides', async () => {
    const [at] = allocations(1);
    const replay = await replayedLines(lines.with(at!, flip(lines[at!]!, 1)));
    const page = replay.pageOf(event(at!));
    const cursor = replay.cursor();
    cursor.seek(event(at!));
    assert.equal(cursor.page(page).quadrant, 1);
    assert.equal(cursor.page(page).derivedQuadrant, 0);
    const zap = lines.findIndex((line, index) => index > at! && replay.pageOf(event(index)) === page && line.includes('prepare_zap'));
    cursor.seek(event(zap));
    assert.equal(cursor.page(page).quadrant, 0, 'the zap names the page by its derived quadrant');
  });
});

describe('a trace that begins within a root load', () => {
  it('is no mismatch, whichever page it begins with', async () => {
    const lines = linesOf(await replayed('k6.1-nonpae-small-all.txt.zst'));
    const first = lines.findIndex((line) => line.includes('kvm_mmu_get_page'));
    for (let cut = first; cut < first + 4; cut++) {
      const replay = await replayedLines(lines.slice(cut));
      assert.deepEqual(replay.findings, [], `from event ${cut} on`);
    }
  });
});

describe('lost events', () => {
  it('put entries in doubt and make no mismatch', async () => {
    for (const name of ['k6.1-lost-pipe.txt.zst', 'k6.1-lost-overwrite.txt.zst']) {
      const replay = await replayed(name);
      assert.ok(replay.findings.length > 0);
      assert.deepEqual([...new Set(replay.findings.map(({ kind }) => kind))], ['lost-events'], name);
    }
    const replay = await replayed('k6.1-lost-pipe.txt.zst');
    const { event: loss } = replay.findings[0]!;
    const cursor = replay.cursor();
    cursor.seek(loss);
    const entries = cursor.livePages(0).flatMap((page) => cursor.entries(page));
    assert.ok(entries.length > 0);
    for (const entry of entries) assert.ok(entry.setBy >= loss || entry.doubt, `entry set by ${entry.setBy} is in doubt after ${loss}`);
  });
});
