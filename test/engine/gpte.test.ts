import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import {
  accessedMask,
  dirtyMask,
  gpteAccess,
  gpteFrame,
  gpteGpa,
  gpteIndex,
  highHalf,
  isLastGpte,
  lowHalf,
  isPresentGpte,
  pageOf,
  pagesMapped,
  topLevel,
  translatedGfn,
  type PagingMode,
} from '../../src/engine/gpte.js';
import type { Gfn } from '../../src/engine/ids.js';
import { KnownReservedBits, reservedMask, type GuestCpu } from '../../src/engine/reserved.js';
import { ACC_ALL, ACC_READ } from '../../src/engine/role.js';
import { spteIndexOf } from '../../src/engine/spte.js';

describe('guest page tables', () => {
  /** spec/vectors.md §4: VA, gPDE index, gPTE index, [quadrant, index] in the page directory's and the page table's shadow page. */
  const WALKS: readonly [bigint, number, number, [number, number], [number, number]][] = [
    [0x0n, 0, 0, [0, 0], [0, 0]],
    [0x401000n, 1, 1, [0, 2], [0, 1]],
    [0x40f000n, 1, 15, [0, 2], [0, 15]],
    [0x601000n, 1, 513, [0, 3], [1, 1]],
    [0x3ffff000n, 255, 1023, [0, 511], [1, 511]],
    [0x40000000n, 256, 0, [1, 0], [0, 0]],
    [0x8048000n, 32, 72, [0, 64], [0, 72]],
    [0xbffff000n, 767, 1023, [2, 511], [1, 511]],
    [0xc0100000n, 768, 256, [3, 0], [0, 256]],
    [0xc0400000n, 769, 0, [3, 2], [0, 0]],
    [0xc0482000n, 769, 130, [3, 2], [0, 130]],
    [0xc0682000n, 769, 642, [3, 3], [1, 130]],
    [0xfffff000n, 1023, 1023, [3, 511], [1, 511]],
  ];
  for (const [address, pde, pte, directory, table] of WALKS) {
    it(`of 4-byte entries: the indices of ${address.toString(16)} (vectors.md §4)`, () => {
      assert.equal(gpteIndex('32', pageOf('32', address), 2), pde);
      assert.equal(gpteIndex('32', pageOf('32', address), 1), pte);
      const page = pageOf('32', address);
      assert.deepEqual([pde >> 8, spteIndexOf(page, 2)], directory);
      assert.deepEqual([pte >> 9, spteIndexOf(page, 1)], table);
    });
  }

  it('of 8-byte entries are indexed by nine bits a level, and a PAE guest has four PDPTEs', () => {
    assert.deepEqual(
      [3, 2, 1].map((level) => gpteIndex('pae', pageOf('pae', 0xc0682000n), level)),
      [3, 3, 130],
    );
    const kernel = 0xffffffff81000000n;
    assert.deepEqual(
      [4, 3, 2, 1].map((level) => gpteIndex('4-level', pageOf('4-level', kernel), level)),
      [511, 510, 8, 0],
    );
    assert.equal(gpteIndex('5-level', pageOf('5-level', 0xff11000000000000n), 5), 273);
    assert.equal(gpteIndex('4-level', pageOf('4-level', kernel), 4), gpteIndex('ept-4-level', pageOf('ept-4-level', kernel), 4));
  });

  it('give the physical address of an entry', () => {
    assert.equal(gpteGpa('32', 0x102 as Gfn, 0x10000n, 1), 0x102040n);
    assert.equal(gpteGpa('32', 0x100 as Gfn, 0xc0400000n, 2), 0x100c04n);
    assert.equal(gpteGpa('4-level', 0x124 as Gfn, 0x400000n, 2), 0x124010n);
  });

  it('map what their mode says', () => {
    assert.deepEqual([pagesMapped('32', 2), pagesMapped('pae', 2), pagesMapped('4-level', 3)], [1024, 512, 262144]);
    assert.deepEqual((['32', 'pae', '4-level', 'ept-5-level'] as const).map(topLevel), [2, 3, 4, 5]);
  });

  it('are present by bit 0, those of EPT by any right', () => {
    assert.ok(!isPresentGpte('pae', 6n));
    assert.ok(isPresentGpte('ept-4-level', 4n));
    assert.ok(!isPresentGpte('ept-4-level', 0x1000n));
  });

  it('have accessed and dirty bits, those of EPT when the EPTP turns them on', () => {
    assert.deepEqual([accessedMask('32'), dirtyMask('4-level')], [0x20n, 0x40n]);
    assert.deepEqual([accessedMask('ept-4-level', true), dirtyMask('ept-4-level', true)], [0x100n, 0x200n]);
    assert.deepEqual([accessedMask('ept-4-level', false), dirtyMask('ept-4-level', false)], [0n, 0n]);
  });

  it('end in a large page where bit 7 means one: with 4-byte entries only under CR4.PSE', () => {
    assert.equal(isLastGpte('32', 2, 0x83, true), true);
    assert.equal(isLastGpte('32', 2, 0x83, false), false);
    assert.equal(isLastGpte('32', 2, 0x83, undefined), undefined);
    assert.equal(isLastGpte('32', 2, 0x3, undefined), false);
    assert.equal(isLastGpte('pae', 2, 0x83, false), true);
    assert.equal(isLastGpte('pae', 3, 0x83, true), false);
    assert.equal(isLastGpte('4-level', 3, 0x83, undefined), true);
    assert.equal(isLastGpte('4-level', 4, 0x83, undefined), false);
    assert.equal(isLastGpte('4-level', 1, 0x3, undefined), true);
  });

  it('4 MiB pages use PSE-36 (vectors.md §7)', () => {
    assert.equal(translatedGfn('32', 2, 0x800083n, 0xc0400000n), 0x800);
    assert.equal(translatedGfn('32', 2, 0x800083n, 0xc0600000n), 0xa00);
    assert.equal(translatedGfn('32', 2, 0x800083n, 0xc07ff000n), 0xbff);
    assert.equal(translatedGfn('32', 2, 0x802083n, 0xc0400000n), 0x100800);
    assert.equal(translatedGfn('32', 2, 0x81e083n, 0xc0400000n), 0xf00800);
    assert.equal(translatedGfn('pae', 2, 0x81e083n, 0n), 0x800, 'PAE has no PSE-36');
    assert.equal(gpteFrame('32', 0xffffffffn), 0xfffff);
    assert.equal(gpteFrame('pae', 0x8000_0001_2345_6067n), 0x123456);
  });

  /** spec/vectors.md §6; ACC X=1 W=2 U=4. */
  const ACCESS: readonly [PagingMode, bigint, number][] = [
    ['32', 0x1067n, 7],
    ['32', 0x1025n, 5],
    ['32', 0x1063n, 3],
    ['32', 0x1021n, 1],
    ['4-level', 0x1067n, 7],
    ['4-level', 0x8000000000001067n, 6],
    ['4-level', 0x8000000000001025n, 4],
    ['4-level', 0x1021n, 1],
    ['ept-4-level', 0x1n, 4],
    ['ept-4-level', 0x3n, 6],
    ['ept-4-level', 0x5n, 5],
    ['ept-4-level', 0x7n, 7],
    ['ept-4-level', 0x4n, 1],
  ];
  for (const [mode, gpte, access] of ACCESS) {
    it(`${mode} ${gpte.toString(16)} grants ${access} (vectors.md §6)`, () => assert.equal(gpteAccess(mode, gpte), ACC_READ | access));
  }
  it('PAE entries grant what long-mode ones do', () => {
    assert.equal(gpteAccess('pae', 0x1067n), ACC_ALL);
    assert.equal(gpteAccess('pae', 0x8000000000001067n), ACC_ALL & ~1);
  });
});

describe('reserved bits of guest entries', () => {
  const hasReservedBits = (mode: PagingMode, level: number, gpte: bigint, known: Partial<GuestCpu>): boolean | undefined =>
    new KnownReservedBits(known).areIn(mode, level, lowHalf(gpte), highHalf(gpte));
  const cpu = (maxPhyAddr: number, other: Partial<GuestCpu> = {}): GuestCpu => ({
    maxPhyAddr,
    nx: true,
    gbPages: true,
    amd: false,
    pse: true,
    pse36: true,
    eptLargestLevel: 3,
    eptExecOnly: false,
    ...other,
  });

  /** spec/vectors.md §14: PAE PDPTE, PAE PDE and PTE, PAE 2M, L4 entry, 2M in long mode, 1G. */
  const MASKS: readonly [number, bigint, bigint, bigint, bigint, bigint, bigint][] = [
    [36, 0xfffffff0000001e6n, 0x7ffffff000000000n, 0x7ffffff0001fe000n, 0xffff000000080n, 0xffff0001fe000n, 0xffff03fffe000n],
    [40, 0xffffff00000001e6n, 0x7fffff0000000000n, 0x7fffff00001fe000n, 0xfff0000000080n, 0xfff00001fe000n, 0xfff003fffe000n],
    [46, 0xffffc000000001e6n, 0x7fffc00000000000n, 0x7fffc000001fe000n, 0xfc00000000080n, 0xfc000001fe000n, 0xfc0003fffe000n],
    [52, 0xfff00000000001e6n, 0x7ff0000000000000n, 0x7ff00000001fe000n, 0x80n, 0x1fe000n, 0x3fffe000n],
  ];
  for (const [bits, pdpte, pae, pae2m, l4, long2m, long1g] of MASKS) {
    it(`of a guest with ${bits} physical address bits (vectors.md §14)`, () => {
      assert.equal(reservedMask('pae', 3, false, cpu(bits)), pdpte);
      assert.equal(reservedMask('pae', 2, false, cpu(bits)), pae);
      assert.equal(reservedMask('pae', 1, false, cpu(bits)), pae);
      assert.equal(reservedMask('pae', 1, true, cpu(bits)), pae, 'bit 7 of a page table entry is PAT');
      assert.equal(reservedMask('pae', 2, true, cpu(bits)), pae2m);
      assert.equal(reservedMask('4-level', 4, false, cpu(bits)), l4);
      assert.equal(reservedMask('4-level', 2, true, cpu(bits)), long2m);
      assert.equal(reservedMask('4-level', 3, true, cpu(bits)), long1g);
    });
  }

  it('of 4-byte entries: only in 4 MiB pages, and only under CR4.PSE', () => {
    assert.equal(reservedMask('32', 2, true, cpu(36)), 0x3e0000n);
    assert.equal(reservedMask('32', 2, true, cpu(36, { pse36: false })), 0x3fe000n);
    assert.equal(reservedMask('32', 2, true, cpu(36, { pse: false })), 0n);
    assert.equal(reservedMask('32', 2, false, cpu(36)), 0n);
    assert.equal(reservedMask('32', 1, true, cpu(36)), 0n);
  });

  it('depend on NX, on 1 GiB pages, and on an AMD CPU', () => {
    assert.equal(reservedMask('4-level', 1, false, cpu(52, { nx: false })), 1n << 63n);
    assert.equal(reservedMask('pae', 1, false, cpu(52, { nx: false })), 0xfff0000000000000n);
    assert.equal(reservedMask('4-level', 3, true, cpu(52, { gbPages: false })), 0x3fffe080n);
    assert.equal(reservedMask('5-level', 5, false, cpu(52, { amd: true })), 0x180n);
    assert.equal(reservedMask('5-level', 3, false, cpu(52, { amd: true })), 0n);
  });

  it('of EPT: by level, memory type and rights', () => {
    const ept = cpu(52);
    assert.equal(reservedMask('ept-4-level', 4, false, ept), 0xf8n);
    assert.equal(reservedMask('ept-4-level', 3, false, ept), 0x78n);
    assert.equal(reservedMask('ept-4-level', 3, true, ept), 0x3ffff000n);
    assert.equal(reservedMask('ept-4-level', 2, true, ept), 0x1ff000n);
    assert.equal(reservedMask('ept-4-level', 2, true, cpu(52, { eptLargestLevel: 1 })), 0x1ff080n);
    const bad = (gpte: bigint, execOnly = false): boolean | undefined =>
      hasReservedBits('ept-4-level', 1, gpte, cpu(52, { eptExecOnly: execOnly }));
    assert.deepEqual(
      [0n, 1n, 4n, 5n, 6n].map((type) => bad(7n | (type << 3n))),
      [false, false, false, false, false],
    );
    assert.deepEqual(
      [2n, 3n, 7n].map((type) => bad(7n | (type << 3n))),
      [true, true, true],
    );
    assert.deepEqual([bad(2n), bad(6n), bad(4n), bad(4n, true)], [true, true, true, false]);
  });

  it('are left open where what is not known decides', () => {
    assert.equal(hasReservedBits('4-level', 1, 1n | (1n << 40n), {}), undefined);
    assert.equal(hasReservedBits('4-level', 1, 1n | (1n << 40n), { maxPhyAddr: 40 }), true);
    assert.equal(hasReservedBits('4-level', 1, 1n | (1n << 40n), { maxPhyAddr: 41 }), false);
    assert.equal(hasReservedBits('4-level', 4, 0x81n, {}), true, 'bit 7 of a level-4 entry is reserved on every CPU');
    assert.equal(hasReservedBits('32', 1, 0xffffffffn, {}), false);
  });
});
