import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SLOTS } from '../../src/trace/arguments.js';
import { Kind } from '../../src/trace/vocabulary.js';
import { recording, readText } from './files.js';
import type { EventTable } from '../../src/trace/table.js';

/** The two halves of every argument say what {@link EventTable.word} says. */
function sameHalves(table: EventTable): number {
  let given = 0;
  for (let e = 0; e < table.length; e++) {
    for (let slot = 0; slot < SLOTS; slot++) {
      const halves = (BigInt(table.high(e, slot)) << 32n) | BigInt(table.low(e, slot));
      assert.equal(halves, table.word(e, slot), `${table.lineText(e)} slot ${slot}`);
      if (table.has(e, slot)) given++;
    }
  }
  return given;
}

describe('the event table', () => {
  it('gives every argument as two halves without a bigint', async () => {
    for (const name of ['k6.1-nonpae-small-all.dat', 'k6.1-nonpae-small-all.txt.zst']) assert.ok(sameHalves(await recording(name)) > 2152);
  });

  it('extends the sign of a signed argument into the upper half', () => {
    const line = (u: string): string =>
      `        kvmguest-470     [000] d..1.     7.500000: kvm_mmu_set_spte: gfn 1 spte 80000000abcde007 (rwx${u}) level 1 at 123456789abc\n`;
    const table = readText(line('u'), line('-'), line(''));
    assert.deepEqual(
      [0, 1, 2].map((e) => [table.kind(e), table.low(e, 6), table.high(e, 6), table.num(e, 6)]),
      [
        [Kind.setSpte, 1, 0, 1],
        [Kind.setSpte, 0, 0, 0],
        [Kind.setSpte, 0xffff_ffff, 0xffff_ffff, -1],
      ],
    );
    assert.deepEqual([table.low(0, 1), table.high(0, 1)], [0xabcd_e007, 0x8000_0000]);
    assert.deepEqual([table.low(0, 7), table.high(0, 7)], [0, 0], 'no such argument');
    sameHalves(table);
  });
});
