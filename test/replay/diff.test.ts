import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import fc from 'fast-check';
import { align } from '../../src/replay/diff/align.js';
import { diffRuns, type DiffResult } from '../../src/replay/diff/diff.js';
import { diffReport, type DiffReport } from '../../src/replay/diff/report.js';
import { recordedRun } from '../../src/replay/diff/run.js';
import { type Replay } from '../../src/replay/replay.js';
import { linesOf, replayed, replayedLines } from './recordings.js';

function compared(a: Replay, b: Replay, kernels: readonly [string?, string?] = []): DiffResult {
  return diffRuns(recordedRun(a.history, kernels[0]), recordedRun(b.history, kernels[1]));
}

function reported(result: DiffResult): DiffReport {
  const side = { file: '', kernel: '', without: [] };
  return diffReport(result, side, side);
}

const lineWith = (lines: readonly string[], text: string, from = 0): number =>
  lines.findIndex((line, i) => i >= from && line.includes(text));

describe('aligning two sequences', () => {
  const sequence = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 120 });

  it('pairs equal elements in the order of both', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        let last = -1;
        align(a, b).forEach((j, i) => {
          if (j < 0) return;
          assert.equal(a[i], b[j]);
          assert.ok(j > last);
          last = j;
        });
      }),
    );
  });

  it('is as long as a common subsequence can be, where few elements differ', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
        for (let i = 1; i <= a.length; i++)
          for (let j = 1; j <= b.length; j++)
            rows[i]![j] = a[i - 1] === b[j - 1] ? rows[i - 1]![j - 1]! + 1 : Math.max(rows[i - 1]![j]!, rows[i]![j - 1]!);
        const paired = align(a, b).filter((j) => j >= 0).length;
        // The exact search goes on up to 200 differences; with 240 elements that is all but the strangest pairs.
        if (a.length + b.length - 2 * rows[a.length]![b.length]! <= 200) assert.equal(paired, rows[a.length]![b.length]);
      }),
    );
  });

  it('survives what is put in and left out of a long one', () => {
    const a = Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 997);
    const b = [...a.slice(0, 1000), -1, -2, ...a.slice(1000, 30_000), ...a.slice(30_500), -3];
    const partner = align(a, b);
    assert.equal(partner.filter((j) => j >= 0).length, 59_500);
  });

  it('stays near-linear where nothing but some anchors is common', () => {
    const a = Array.from({ length: 40_000 }, (_, i) => (i % 100 === 0 ? 1e6 + i : i % 7));
    const b = Array.from({ length: 40_000 }, (_, i) => (i % 100 === 0 ? 1e6 + i : 10 + (i % 5)));
    assert.equal(align(a, b).filter((j) => j >= 0).length, 400);
  });
});

describe('the difference of two recordings', function () {
  this.timeout(60_000);
  let tour: Replay;
  let lines: string[];
  before(async () => {
    tour = await replayed('k6.1-nonpae-small-all.txt.zst');
    lines = linesOf(tour);
  });

  it('of one guest on one kernel is none, whatever the clock and the pointers', async () => {
    for (const name of ['k6.1-fmt-clock-counter.txt.zst', 'k6.1-fmt-record-tgid.txt.zst', 'k6.1-nonpae-small-all.dat']) {
      const { differences, aligned, onlyA, onlyB } = compared(tour, await replayed(name));
      assert.deepEqual(differences, [], name);
      assert.ok(aligned > 200 && onlyA + onlyB === 0, name);
    }
  });

  it('between 5.10 and 6.1 begins where the roles do: NX of a root', async () => {
    const old = await replayed('k5.10-nonpae-small-all.txt.zst');
    const report = reported(compared(old, tour, ['5.10', '6.1']));
    const [first] = report.differences;
    assert.deepEqual(first!.fields, { 'role.efer_nx': ['0', '1'] });
    assert.deepEqual(first!.features, ['nx-forced']);
    assert.match(first!.a!.text, /^kvm_mmu_get_page: sp gen 0 gfn 100 l2 4-byte q0 wux !nxe/);
    assert.match(first!.b!.text, /^kvm_mmu_get_page: sp gen 0 gfn 100 l2 4-byte q0 wux nxe/);
    // What follows are the other two rules that the tour meets, and nothing without a name.
    assert.deepEqual(
      [...new Set(report.differences.flatMap(({ features }) => features))],
      ['nx-forced', 'writable-stays', 'direct-has-8-byte-gptes'],
    );
    assert.ok(report.differences.every(({ features, follows }) => features.length > 0 || follows !== null));
    assert.deepEqual([report.onlyA, report.onlyB], [0, 0]);
  });

  it('between 6.1 and 7.2 names each rule that changed', async () => {
    const later = await replayed('k7.2-nonpae-small-all.txt.zst');
    const report = reported(compared(tour, later, ['6.1', '7.2']));
    const [first] = report.differences;
    assert.deepEqual(first!.features, ['invalidate-syncs']);
    assert.match(first!.a!.text, /^kvm_mmu_set_spte: gfn 799 /);
    assert.equal(first!.b, null);
    const named = new Set(report.differences.flatMap(({ features }) => features));
    for (const feature of ['unprotect-after-fault', 'injected-until-entry', 'resetting-keeps-dirty', 'read-access'])
      assert.ok(named.has(feature), feature);
    assert.ok(report.differences.every(({ features, follows, message }) => features.length || follows || /large page/.test(message)));
  });

  it('is one fault where only one run has it, and no slip of all that comes after', async () => {
    const fault = lineWith(lines, 'address 0x0000000080203000');
    const exit = fault - 1;
    const again = lines
      .slice(exit, lineWith(lines, 'kvm_exit', fault))
      .filter((line) => !/kvm_mmu_(get_page|set_spte|spte_requested)/.test(line))
      .map((line) => line.replaceAll('80203000', '80208000'));
    const more = await replayedLines(lines.toSpliced(exit, 0, ...again));
    const { differences, onlyA, onlyB } = compared(tour, more);
    assert.deepEqual([onlyA, onlyB], [0, 1]);
    assert.equal(differences[0]!.kind, 'missing');
    assert.equal(differences[0]!.a, null);
    assert.deepEqual([differences[0]!.beforeA, differences[0]!.b], [exit - 1, fault]);
  });

  it('is the quadrant, where one run has another', async () => {
    const at = lineWith(lines, 'gfn 104 l1 4-byte q1');
    const { differences } = compared(tour, await replayedLines(lines.with(at, lines[at]!.replace(' q1 ', ' q0 '))));
    assert.deepEqual(differences[0]!.fields, [{ name: 'role.quadrant', a: '1', b: '0' }]);
    assert.deepEqual([differences[0]!.a, differences[0]!.b], [at, at]);
  });

  it('is no difference of page frames, but of what an SPTE allows', async () => {
    const at = lineWith(lines, 'kvm_mmu_set_spte: gfn 400 ');
    const frame = await replayedLines(lines.map((line) => line.replaceAll('9c00', '9d80')));
    assert.deepEqual(compared(tour, frame).differences, []);
    const { differences } = compared(tour, await replayedLines(lines.with(at, lines[at]!.replace('9c00e63 (rwx-)', '9c00a21 (r-x-)'))));
    assert.deepEqual(
      differences[0]!.fields.map(({ name }) => name),
      ['spte.w', 'spte.d', 'spte.mw'],
    );
  });

  it('finds the same, with sides changed', async () => {
    const old = await replayed('k5.10-nonpae-small-all.txt.zst');
    const [one, other] = [compared(old, tour, ['5.10', '6.1']), compared(tour, old, ['6.1', '5.10'])];
    const places = ({ differences }: DiffResult, turned: boolean): unknown[] =>
      differences.map(({ a, b, features, count }) => [turned ? b : a, turned ? a : b, features, count]);
    assert.deepEqual(places(other, true), places(one, false));
  });
});
