import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Gfn, Pfn } from '../../src/engine/ids.js';
import { makeLinkSpte, makePdpte, makeSpecialRootPdpte, makeSpte, writeProtectSpte } from '../../src/engine/makeSpte.js';
import { ACC_ALL, ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE } from '../../src/engine/role.js';
import { EPT, PT64, PT64_5_10, PT64_7, isMmioSpte, makeMmioSpte, readMmioSpte } from '../../src/engine/spte.js';

const hex = (value: bigint): string => value.toString(16);
const pfn = 0xabcde as Pfn;
const leaf = { pfn, level: 1, access: ACC_ALL };

describe('SPTEs by KVM’s recipe', () => {
  it('of 6.1 have the values of vectors.md §8', () => {
    const writable = makeSpte(PT64, leaf);
    const vectors: readonly [what: string, spte: bigint, value: bigint][] = [
      ['non-leaf', makeLinkSpte(PT64, 0x12345 as Pfn), 0x12345827n],
      ['leaf wux', writable, 0xabcdee67n],
      ['prefetched', makeSpte(PT64, { ...leaf, prefetch: true }), 0xabcdee47n],
      ['shadowed table', makeSpte(PT64, { ...leaf, writeProtected: true }), 0xabcdea25n],
      ['dirty log', writeProtectSpte(PT64, writable, false), 0xabcdee65n],
      ['read-only user, no exec', makeSpte(PT64, { ...leaf, access: ACC_READ | ACC_USER }), 0x80000000abcdea25n],
      ['host read-only', makeSpte(PT64, { ...leaf, hostWritable: false }), 0xabcde825n],
      ['2M', makeSpte(PT64, { pfn: 0x40000 as Pfn, level: 2, access: ACC_ALL }), 0x40000ee7n],
      ['kernel page after the WP=0 fix', makeSpte(PT64, { ...leaf, access: ACC_READ | ACC_WRITE | ACC_EXEC }), 0xabcdee63n],
      ['PDPTE', makePdpte(0x777 as Pfn), 0x777001n],
      ['PDPTE of a special root', makeSpecialRootPdpte(PT64, 0x777 as Pfn), 0x777027n],
    ];
    for (const [what, spte, value] of vectors) assert.equal(hex(spte), hex(value), what);
  });

  it('write protection for a table takes the right to set W again, too', () => {
    assert.equal(hex(writeProtectSpte(PT64, 0xabcdee67n, true)), 'abcdea65');
    assert.equal(hex(writeProtectSpte(PT64_5_10, 0x8e00c63n, true)), '8e00461');
  });

  it('are those of the recordings of 5.10, 6.1 and 7.2', () => {
    const kernelPage = { pfn: 0x8e00 as Pfn, level: 1, access: ACC_READ | ACC_WRITE | ACC_EXEC };
    const readOnly = { pfn: 0x8410 as Pfn, level: 1, access: ACC_READ | ACC_EXEC };
    assert.equal(hex(makeSpte(PT64_5_10, kernelPage)), '8e00c63');
    assert.equal(hex(makeSpte(PT64_5_10, readOnly)), '8410421');
    assert.equal(hex(makeSpte(PT64, { ...readOnly, pfn: 0x9410 as Pfn })), '9410a21');
    assert.equal(hex(makeSpte(PT64, { ...kernelPage, pfn: 0xa600 as Pfn })), 'a600e63');
    assert.equal(hex(makeSpte(PT64, { pfn: 0xde00 as Pfn, level: 2, access: ACC_ALL })), 'de00ee7');
    assert.equal(hex(makeSpte(PT64_5_10, { pfn: 0xde00 as Pfn, level: 2, access: ACC_ALL })), 'de00ce7');
    assert.equal(hex(makeLinkSpte(PT64_5_10, 0x8123 as Pfn)), '8123027');
  });

  it('a writable SPTE that is set again gets D only on newer kernels', () => {
    assert.equal(hex(makeSpte(PT64, { ...leaf, wasWritable: true })), 'abcdee27');
    assert.equal(hex(makeSpte(PT64, { ...leaf, wasWritable: true, writeProtected: true })), 'abcdee27', 'and is not asked for unsync');
    assert.equal(hex(makeSpte(PT64, { ...leaf, wasWritable: true, keepsDirty: true })), 'abcdee67', '6.12');
  });

  it('say in bits 52 and 53 who tracks accesses and writes', () => {
    assert.equal(hex(makeSpte(PT64, { ...leaf, adDisabled: true })), '100000abcdee07');
    assert.equal(hex(makeSpte(PT64, { ...leaf, writeProtectOnly: true })), '200000abcdee67');
    assert.equal(hex(makeLinkSpte(PT64, 0x12345 as Pfn, true)), '10000012345807');
  });

  it('large pages are not executable under the NX huge page mitigation, small ones are', () => {
    assert.equal(hex(makeSpte(PT64, { ...leaf, noExecLarge: true })), 'abcdee67');
    assert.equal(hex(makeSpte(PT64, { pfn: 0x40000 as Pfn, level: 2, access: ACC_ALL, noExecLarge: true })), '8000000040000ee7');
  });

  it('of EPT have R for user, X positive, a memory type, and A and D two places up', () => {
    // R W X, write-back with IPAT, A, D, MMU-present, host- and MMU-writable (spec/spte.md §1.2)
    assert.equal(hex(makeSpte(EPT, leaf)), '6000000abcdeb77');
    assert.equal(hex(makeSpte(EPT, { ...leaf, access: ACC_READ | ACC_USER, memoryType: 0n })), '2000000abcde901');
    assert.equal(hex(makeSpte(EPT, { ...leaf, access: ACC_EXEC, memoryType: 0n, execOnly: true })), '2000000abcde904');
    assert.equal(hex(makeSpte(EPT, { ...leaf, level: 2 })), '6000000abcdebf7');
    assert.equal(hex(makeLinkSpte(EPT, 0x12345 as Pfn)), '12345907');
  });

  it('of EPT without A bits lose their rights when prefetched, and keep R and X aside', () => {
    // A/D type 1; R and X at bits 54 and 56
    assert.equal(hex(makeSpte(EPT, { ...leaf, adDisabled: true, prefetch: true })), '7500000abcde870');
    assert.equal(hex(makeSpte(EPT, { ...leaf, adDisabled: true })), '6100000abcde877');
  });
});

describe('MMIO SPTEs (vectors.md §9)', () => {
  const VECTORS: readonly [gfn: number, access: number, generation: number, spte: bigint][] = [
    [0xfee00, 6, 0x12, 0x00080000fee00097n],
    [0xfee00, 2, 0x7ffff, 0x7ff80000fee007fbn],
    [0xb8, 6, 0x0, 0x00080000000b8007n],
    [0xfec00, 4, 0x100, 0x00180000fec00005n],
    [0xa0, 6, 0xff, 0x00080000000a07ffn],
  ];
  for (const [gfn, access, generation, spte] of VECTORS) {
    it(`${hex(spte)} is made and read`, () => {
      assert.equal(hex(makeMmioSpte(PT64, gfn as Gfn, access, generation)), hex(spte));
      assert.ok(isMmioSpte(PT64, spte));
      assert.deepEqual(readMmioSpte(PT64, spte), { gfn, access, generation });
    });
  }

  it('keep write and user of the rights, whatever else there is', () => {
    assert.equal(makeMmioSpte(PT64, 0xb8 as Gfn, ACC_ALL, 0), 0x80000000b8007n);
    assert.equal(makeMmioSpte(PT64, 0xb8 as Gfn, ACC_READ | ACC_EXEC, 0), 0x80000000b8001n);
  });

  it('are read back in every format', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(PT64, PT64_5_10, PT64_7, EPT),
        fc.integer({ min: 0, max: 2 ** 28 - 1 }),
        fc.integer({ min: 0, max: 15 }),
        fc.integer({ min: 0, max: 2 ** 18 - 1 }),
        (format, gfn, access, generation) => {
          const spte = makeMmioSpte(format, gfn as Gfn, access, generation);
          assert.ok(isMmioSpte(format, spte));
          const kept = format === EPT ? 0 : access & (ACC_WRITE | ACC_USER);
          assert.deepEqual(readMmioSpte(format, spte), { gfn, access: kept, generation });
        },
      ),
    );
  });

  it('hide the highest address bits on hosts that are open to L1TF', () => {
    // 39 physical address bits: 34 to 38 are moved up by five
    const mask = 0x1fn << 34n;
    const gfn = 0x1500000 as Gfn;
    const spte = makeMmioSpte(PT64, gfn, ACC_WRITE, 1, mask);
    assert.equal(spte & mask, mask);
    assert.deepEqual(readMmioSpte(PT64, spte, mask), { gfn, access: ACC_WRITE, generation: 1 });
  });

  it('7.x has seven low bits of the generation, as recorded', () => {
    assert.deepEqual(readMmioSpte(PT64_7, 0x1800000416e127n), { gfn: 0x416e, access: ACC_WRITE | ACC_USER, generation: 0xa4 });
    assert.deepEqual(readMmioSpte(PT64_7, 0x280000040a1121n), { gfn: 0x40a1, access: 0, generation: 0x124 });
    assert.equal(hex(makeMmioSpte(PT64_7, 0x416e as Gfn, ACC_WRITE | ACC_USER, 0xa4)), '1800000416e127');
  });

  it('5.10 has nine low bits of the generation, for want of an MMU-present bit', () => {
    assert.equal(hex(makeMmioSpte(PT64_5_10, 0xd0000 as Gfn, ACC_WRITE | ACC_EXEC, 4)), '380000d0000023');
    assert.equal(hex(makeMmioSpte(PT64_5_10, 0xd0000 as Gfn, ACC_WRITE, 0x3ff)), '780000d0000ffb');
  });
});
