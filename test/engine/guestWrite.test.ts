import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isMisaligned, sptesWritten } from '../../src/engine/guestWrite.js';
import type { Role } from '../../src/engine/ids.js';
import { ACC_ALL, makeRole } from '../../src/engine/role.js';

const page = (level: number, quadrant: number, bytes: 4 | 8): Role =>
  makeRole({ level, quadrant, has4ByteGpte: bytes === 4 ? 1 : 0, access: ACC_ALL });

describe('guest writes to shadowed tables (vectors.md §5)', () => {
  interface Write {
    readonly offset: number;
    readonly bytes: number;
    /** quadrant and SPTEs of the page directory of 4-byte entries, and of the page table */
    readonly directory: readonly [number, readonly number[]];
    readonly table: readonly [number, number];
    readonly long: number;
    readonly misaligned: readonly [four: boolean, eight: boolean];
  }
  const WRITES: readonly Write[] = [
    { offset: 0x0, bytes: 4, directory: [0, [0, 1]], table: [0, 0], long: 0, misaligned: [false, false] },
    { offset: 0x4, bytes: 4, directory: [0, [2, 3]], table: [0, 1], long: 0, misaligned: [false, false] },
    { offset: 0x3fc, bytes: 4, directory: [0, [510, 511]], table: [0, 255], long: 127, misaligned: [false, false] },
    { offset: 0x400, bytes: 4, directory: [1, [0, 1]], table: [0, 256], long: 128, misaligned: [false, false] },
    { offset: 0x7fc, bytes: 4, directory: [1, [510, 511]], table: [0, 511], long: 255, misaligned: [false, false] },
    { offset: 0x800, bytes: 4, directory: [2, [0, 1]], table: [1, 0], long: 256, misaligned: [false, false] },
    { offset: 0xa08, bytes: 4, directory: [2, [260, 261]], table: [1, 130], long: 321, misaligned: [false, false] },
    { offset: 0xc04, bytes: 4, directory: [3, [2, 3]], table: [1, 257], long: 384, misaligned: [false, false] },
    { offset: 0xffc, bytes: 4, directory: [3, [510, 511]], table: [1, 511], long: 511, misaligned: [false, false] },
    { offset: 0x0, bytes: 8, directory: [0, [0, 1]], table: [0, 0], long: 0, misaligned: [true, false] },
    { offset: 0x10, bytes: 8, directory: [0, [8, 9]], table: [0, 4], long: 2, misaligned: [true, false] },
    { offset: 0x14, bytes: 8, directory: [0, [10, 11]], table: [0, 5], long: 2, misaligned: [true, true] },
    { offset: 0x4, bytes: 1, directory: [0, [2, 3]], table: [0, 1], long: 0, misaligned: [false, true] },
    { offset: 0x5, bytes: 1, directory: [0, [2, 3]], table: [0, 1], long: 0, misaligned: [true, true] },
    { offset: 0x8, bytes: 1, directory: [0, [4, 5]], table: [0, 2], long: 1, misaligned: [false, false] },
    { offset: 0x8, bytes: 2, directory: [0, [4, 5]], table: [0, 2], long: 1, misaligned: [true, true] },
    { offset: 0x20, bytes: 16, directory: [0, [16, 17]], table: [0, 8], long: 4, misaligned: [true, true] },
    { offset: 0x6, bytes: 4, directory: [0, [2, 3]], table: [0, 1], long: 0, misaligned: [true, true] },
  ];
  for (const { offset, bytes, directory, table, long, misaligned } of WRITES) {
    it(`${bytes} bytes at ${offset.toString(16)}`, () => {
      for (let quadrant = 0; quadrant < 4; quadrant++)
        assert.deepEqual(sptesWritten(page(2, quadrant, 4), offset, bytes), quadrant === directory[0] ? directory[1] : []);
      for (let quadrant = 0; quadrant < 2; quadrant++)
        assert.deepEqual(sptesWritten(page(1, quadrant, 4), offset, bytes), quadrant === table[0] ? [table[1]] : []);
      for (const level of [1, 2, 3, 4]) assert.deepEqual(sptesWritten(page(level, 0, 8), offset, bytes), [long]);
      assert.equal(isMisaligned(page(2, 0, 4), offset, bytes), misaligned[0]);
      assert.equal(isMisaligned(page(1, 0, 8), offset, bytes), misaligned[1]);
    });
  }

  it('a vCPU with 8-byte entries is taken to write the whole entry that 4 bytes lie in', () => {
    const rules = { longEntries: true };
    assert.equal(isMisaligned(page(1, 0, 8), 0x6, 4, rules), false);
    assert.equal(isMisaligned(page(1, 0, 8), 0x14, 8, rules), true, '8 bytes are what they are');
    assert.equal(isMisaligned(page(1, 0, 4), 0x4, 4, rules), true, 'the page of a 4-byte guest is crossed then');
    assert.deepEqual(sptesWritten(page(1, 0, 8), 0xa0c, 4, rules), [321]);
    assert.deepEqual(sptesWritten(page(1, 1, 4), 0x80c, 4, rules), [2], 'from the start of the 8 bytes');
  });

  it('2.6.x took any byte for a sign of something else, and had no filter before 2.6.22', () => {
    assert.equal(isMisaligned(page(1, 0, 8), 0x8, 1, { byteExempt: false }), true);
    for (let quadrant = 0; quadrant < 4; quadrant++)
      assert.deepEqual(sptesWritten(page(2, quadrant, 4), 0xc04, 4, { quadrantFilter: false }), [2, 3]);
  });

  it('each entry of a 4-byte table has its SPTEs in one quadrant, and none is shared (ptewrite.md §4)', () => {
    for (const [level, quadrants] of [
      [1, 2],
      [2, 4],
    ] as const) {
      const seen = new Set<string>();
      for (let gpte = 0; gpte < 1024; gpte++) {
        for (let quadrant = 0; quadrant < quadrants; quadrant++)
          for (const index of sptesWritten(page(level, quadrant, 4), 4 * gpte, 4)) {
            assert.ok(index >= 0 && index < 512);
            seen.add(`${quadrant}:${index}`);
          }
        assert.equal(seen.size, (gpte + 1) * level);
      }
      assert.equal(seen.size, 512 * quadrants);
    }
  });
});
