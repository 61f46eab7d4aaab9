import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { gptesWritten, isRepeated } from '../../src/engine/guestWrite.js';
import type { Gfn, Role } from '../../src/engine/ids.js';
import { ACC_ALL, makeRole } from '../../src/engine/role.js';
import { PT64, PT64_5_10, PT64_7, isMmioSpte, makeMmioSpte, spteFormatOf, spteIndexOf } from '../../src/engine/spte.js';
import { GuestWalk } from '../../src/engine/walk.js';

const page = (level: number, quadrant: number, bytes: 4 | 8): Role =>
  makeRole({ level, quadrant, has4ByteGpte: bytes === 4 ? 1 : 0, access: ACC_ALL });

describe('guest writes (spec/ptewrite.md §4)', () => {
  const first = (role: Role, offset: number): number | undefined => [...gptesWritten(role, offset)][0];

  it('hit the entries of vectors.md §5, in the quadrant they lie in only', () => {
    assert.equal(first(page(2, 3, 4), 0xc08), 4);
    assert.equal(first(page(2, 1, 4), 0x400), 0);
    assert.equal(first(page(1, 1, 4), 0x800), 0);
    assert.equal(first(page(1, 0, 4), 0x7f8), 510);
    assert.equal(first(page(1, 0, 8), 0xff8), 511);
    assert.equal(first(page(2, 0, 4), 0xc08), undefined);
    assert.equal(first(page(1, 0, 4), 0xa08), undefined);
  });

  it('a large page directory entry of 4 bytes owns two SPTEs', () => {
    assert.deepEqual([...gptesWritten(page(2, 0, 4), 0)].slice(0, 4), [0, 1, 2, 3]);
  });

  it('never leave the table', () => {
    assert.deepEqual([...gptesWritten(page(1, 0, 8), 0xffc)], [511]);
  });

  it('a rep prefix is found behind other prefixes, and not in the operands', () => {
    assert.ok(isRepeated(Uint8Array.of(0xf3, 0xab)));
    assert.ok(isRepeated(Uint8Array.of(0x66, 0xf2, 0xa5)));
    assert.ok(!isRepeated(Uint8Array.of(0x89, 0xf3)));
  });
});

describe('SPTEs', () => {
  it('MMIO entries have the values of vectors.md §9 and of the recordings', () => {
    assert.equal(makeMmioSpte(PT64, 0xfee00 as Gfn, 7, 0x12).toString(16), '80000fee00097');
    assert.equal(makeMmioSpte(PT64, 0xfee00 as Gfn, 3, 0x7ffff).toString(16), '7ff80000fee007fb');
    assert.equal(makeMmioSpte(PT64_5_10, 0xd0000 as Gfn, 3, 4).toString(16), '380000d0000023');
    assert.ok(isMmioSpte(PT64, 0x80000d0000023n));
    assert.ok(!isMmioSpte(PT64, 0x16ceede63n));
  });

  it('the software bits moved in 5.13', () => {
    assert.equal(spteFormatOf('5.10'), PT64_5_10);
    assert.equal(spteFormatOf('5.15'), PT64);
    assert.equal(spteFormatOf('6.12'), PT64);
    assert.equal(spteFormatOf('7.2'), PT64_7);
    assert.equal(spteFormatOf(''), PT64);
  });

  it('indices are those of vectors.md §4', () => {
    assert.equal(spteIndexOf(0xc0682, 2), 3);
    assert.equal(spteIndexOf(0xc0682, 1), 130);
    assert.equal(spteIndexOf(0xfffff, 1), 511);
  });
});

describe('guest walk', () => {
  it('of 4-byte tables ends in a frame, with the rights of the tables above', () => {
    const walk = new GuestWalk(0xc0682000n, 2);
    walk.read(2, 0x5063n);
    assert.equal(walk.gfn, undefined, 'a walk that is not at its end has no frame');
    walk.read(1, 0x77063n);
    assert.equal(walk.mode, '32');
    assert.equal(walk.gfn, 0x77);
    assert.equal(walk.tableGfn(1), 5);
    assert.equal(walk.tableAccess(1), ACC_ALL & ~4);
  });

  it('of a 4 MiB page uses PSE-36 (vectors.md §7)', () => {
    const frame = (pde: bigint, address: bigint): number | undefined => {
      const walk = new GuestWalk(address, 0);
      walk.read(2, pde);
      return walk.gfn;
    };
    assert.equal(frame(0x800083n, 0xc0400000n), 0x800);
    assert.equal(frame(0x800083n, 0xc07ff000n), 0xbff);
    assert.equal(frame(0x802083n, 0xc0400000n), 0x100800);
    assert.equal(frame(0x81e083n, 0xc0400000n), 0xf00800);
  });

  it('is read again from the top after a lost race', () => {
    const walk = new GuestWalk(0x1000n, 0);
    walk.read(2, 0x5063n);
    walk.read(1, 0n);
    walk.read(2, 0x6063n);
    walk.read(1, 0x9063n);
    assert.equal(walk.tableGfn(1), 6);
    assert.equal(walk.gfn, 9);
  });
});
