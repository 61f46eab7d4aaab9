import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import { event, linesOf, replayed, replayedLines } from './recordings.js';

interface Corruption {
  readonly what: string;
  /** which line is touched: the nth that matches, from 0 */
  readonly line: RegExp;
  readonly nth: number;
  readonly change: (line: string) => string;
  readonly kind: string;
  /** the fields that the finding names */
  readonly fields: readonly string[];
}

const flip = (pattern: RegExp, bit: bigint) => (line: string) =>
  line.replace(pattern, (whole, hex: string) => whole.replace(hex, (BigInt(`0x${hex}`) ^ bit).toString(16)));

const CORRUPTIONS: readonly Corruption[] = [
  {
    what: 'gfn of a page taken',
    line: /get_page: .* l1 4-byte .* new/,
    nth: 3,
    change: flip(/gfn (\w+)/, 0x400n),
    kind: 'page-mismatch',
    fields: ['gfn'],
  },
  {
    what: 'level of a page taken',
    line: /get_page: .* l1 4-byte .* new/,
    nth: 3,
    change: (line) => line.replace(' l1 ', ' l2 '),
    kind: 'role-mismatch',
    fields: ['role.level'],
  },
  {
    what: 'rights of a page taken',
    line: /get_page: .* l1 4-byte .* wux .* new/,
    nth: 3,
    change: (line) => line.replace(' wux ', ' -ux '),
    kind: 'role-mismatch',
    fields: ['role.access'],
  },
  {
    what: 'generation of a page taken',
    line: /get_page: .* l1 4-byte .* new/,
    nth: 3,
    change: (line) => line.replace('sp gen 0', 'sp gen 1'),
    kind: 'page-mismatch',
    fields: ['mmu_valid_gen'],
  },
  {
    what: 'new for a page that is found',
    line: /get_page: .* l1 4-byte .* existing/,
    nth: 0,
    change: (line) => line.replace('existing', 'new'),
    kind: 'page-mismatch',
    fields: ['created'],
  },
  {
    what: 'root count of an unsync page',
    line: /unsync_page: /,
    nth: 1,
    change: (line) => line.replace(' root 0 ', ' root 1 '),
    kind: 'page-mismatch',
    fields: ['root_count'],
  },
  {
    what: 'gfn of a zapped page',
    line: /prepare_zap_page: /,
    nth: 2,
    change: flip(/gfn (\w+)/, 0x800n),
    kind: 'page-mismatch',
    fields: ['gfn'],
  },
  {
    what: 'host-writable of an SPTE',
    line: /set_spte: .* level 1/,
    nth: 20,
    change: flip(/spte (\w+)/, 0x200n),
    kind: 'spte-mismatch',
    fields: ['spte'],
  },
  {
    what: 'frame of an SPTE',
    line: /set_spte: .* level 1/,
    nth: 20,
    change: flip(/spte (\w+)/, 0x40_0000n),
    kind: 'spte-mismatch',
    fields: ['spte'],
  },
  {
    what: 'index of an SPTE',
    line: /set_spte: .* level 1/,
    nth: 20,
    change: flip(/ at (\w+)/, 0x800n),
    kind: 'spte-mismatch',
    fields: ['at'],
  },
  {
    what: 'level of a request',
    line: /spte_requested: .* level 1/,
    nth: 10,
    change: (line) => line.replace('level 1', 'level 2'),
    kind: 'request-mismatch',
    fields: ['level'],
  },
  {
    what: 'pages in use at a fast zap',
    line: /zap_all_fast: /,
    nth: 0,
    change: flip(/used_pages (\w+)/, 1n),
    kind: 'generation-mismatch',
    fields: ['mmu_used_pages'],
  },
];

describe('one corrupted event', function () {
  this.timeout(60_000);
  let lines: string[];
  before(async () => {
    lines = linesOf(await replayed('k6.1-nonpae-small-all.txt.zst'));
  });

  const nth = (pattern: RegExp, n: number): number => lines.flatMap((line, at) => (pattern.test(line) ? [at] : []))[n]!;

  for (const { what, line, nth: n, change, kind, fields } of CORRUPTIONS) {
    it(`is one finding: ${what}`, async () => {
      const at = nth(line, n);
      const corrupted = change(lines[at]!);
      assert.notEqual(corrupted, lines[at]);
      const { findings } = await replayedLines(lines.with(at, corrupted));
      assert.deepEqual(
        findings.filter((found) => found.event <= at + 100).map((found) => [found.event, found.kind, Object.keys(found.expected)]),
        [[at, kind, fields]],
      );
    });
  }

  it('is one finding at the event read in its place when it is deleted', async () => {
    const at = nth(/set_spte: .* level 1/, 20);
    const { findings } = await replayedLines(lines.toSpliced(at, 1));
    assert.deepEqual(
      findings.map((found) => [found.event, found.kind, found.name]),
      [[at, 'missing', 'kvm_mmu_set_spte']],
    );
  });

  for (const name of ['kvm_mmu_get_page', 'kvm_mmu_unsync_page', 'kvm_mmu_prepare_zap_page', 'kvm_mmu_set_spte']) {
    it(`is one finding at the second of two when it is repeated: ${name}`, async () => {
      const at = nth(new RegExp(`${name}: `), 1);
      const { findings } = await replayedLines(lines.toSpliced(at, 0, lines[at]!));
      assert.deepEqual(
        findings.filter((found) => found.event <= at + 100).map((found) => [found.event, found.kind]),
        [[at + 1, 'unpredicted']],
      );
    });
  }

  it('leaves the recorded SPTE in view, and what had to come beside it', async () => {
    const at = nth(/set_spte: .* level 1/, 20);
    const replay = await replayedLines(lines.with(at, flip(/spte (\w+)/, 0x200n)(lines[at]!)));
    const place = replay.spteOf(event(at))!;
    const cursor = replay.cursor();
    cursor.seek(event(at));
    const entry = cursor.entry(place.page, place.index);
    assert.equal(entry.grade, 'contradicted');
    assert.equal(entry.value! ^ entry.derived!, 0x200n);
  });
});
