import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { linesOf, replayed, replayedLines } from './recordings.js';

/** W, host-writable and MMU-writable of a current kernel. */
const WRITABLE = 0x602n;

describe('invariants of a recording', function () {
  this.timeout(60_000);

  for (const name of ['k5.10-nonpae-small-all.dat', 'k6.1-nonpae-small-all.dat', 'k6.1-nonpae-small-all.txt.zst']) {
    it(`hold in ${name}, and are looked at`, async () => {
      const replay = await replayed(name, { invariants: true });
      const tallies = replay.checkInvariants();
      assert.equal(tallies.size, 53);
      assert.deepEqual(
        replay.findings.filter(({ kind }) => kind === 'invariant'),
        [],
      );
      for (const number of [1, 3, 8, 11, 12, 14, 18, 21, 23, 27, 29, 32, 33, 34, 36, 45])
        assert.ok(tallies.get(number)!.checked > 0, `I-${number}`);
    });
  }

  it('a shadowed page table that gets writable is found at its event, beside what else is wrong there', async () => {
    const lines = linesOf(await replayed('k6.1-nonpae-small-all.txt.zst'));
    const at = lines.findIndex((line) => /kvm_mmu_set_spte: gfn 100 .*\(r-x-\)/.test(line));
    const line = lines[at]!.replace(
      /spte (\w+) \(r-x-\)/,
      (_, spte: string) => `spte ${(BigInt(`0x${spte}`) | WRITABLE).toString(16)} (rwx-)`,
    );
    const replay = await replayedLines(lines.with(at, line), { invariants: true });
    const found = replay.findings.filter(({ kind }) => kind === 'invariant');
    assert.deepEqual([...new Set(found.map(({ event }) => event))], [at]);
    assert.deepEqual([...new Set(found.map(({ expected }) => expected['invariant']))], [33]);
    assert.equal(replay.findingAt(found[0]!.event, 'invariant'), found[0]);
    assert.match(found[0]!.message, /^I-33: SPTE \w+ of gfn \w+ L1 q\d 4-byte is writable and maps guest frame 100/);
  });

  it('are not checked unless they are asked for', async () => {
    const replay = await replayed('k6.1-nonpae-small-all.txt.zst');
    assert.equal(replay.checkInvariants().size, 0);
    assert.equal(replay.invariantsSince, undefined);
  });
});
