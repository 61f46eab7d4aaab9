import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { childRole, rootQuadrant } from '../../src/engine/childRole.js';
import type { Role, SpteIndex } from '../../src/engine/ids.js';
import { ACC_ALL, PRINTED_MASK, makeRole, roleField, withRole } from '../../src/engine/role.js';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7, decodeRole, encodeRole, type RoleLayout } from '../../src/engine/roleLayout.js';

/** spec/vectors.md §1: one role in the layouts of 5.10, 6.1 and 7.x. */
const pd = (quadrant: number): Role => makeRole({ level: 2, has4ByteGpte: 1, quadrant, access: ACC_ALL, efer_nx: 1, cr0_wp: 1 });
const VECTORS: readonly [string, Role, number, number, number][] = [
  ['2-level page directory q0', pd(0), 0x3702, 0x3712, 0x6f12],
  ['2-level page directory q1', pd(1), 0x3722, 0x3732, 0x6f32],
  ['2-level page directory q3', pd(3), 0x3762, 0x3772, 0x6f72],
  ['2-level page table q1', withRole(pd(1), { level: 1 }), 0x3721, 0x3731, 0x6f31],
  ['PAE page directory', withRole(pd(0), { has4ByteGpte: 0 }), 0x3712, 0x3702, 0x6f02],
  ['4-level root', withRole(pd(0), { has4ByteGpte: 0, level: 4 }), 0x3714, 0x3704, 0x6f04],
  ['zapped 4-level root', withRole(pd(0), { has4ByteGpte: 0, level: 4, invalid: 1 }), 0x3f14, 0x3f04, 0x7f04],
];

describe('role layouts', () => {
  for (const [name, role, k5, k6, k7] of VECTORS) {
    it(`${name} has the words of vectors.md`, () => {
      assert.deepEqual(
        [LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7].map((layout) => encodeRole(layout, role).toString(16)),
        [k5, k6, k7].map((word) => word.toString(16)),
      );
    });
  }

  it('decode and encode are inverse on every bit a layout has', () => {
    const used = (layout: RoleLayout): number =>
      Object.values(layout.fields).reduce((mask, [at, width]) => (mask | (((1 << width) - 1) << at)) >>> 0, 0);
    fc.assert(
      fc.property(fc.constantFrom(LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7), fc.integer({ min: 0, max: 0xffffffff }), (layout, bits) => {
        const word = (bits & used(layout)) >>> 0;
        assert.equal(encodeRole(layout, decodeRole(layout, word)), word);
      }),
    );
  });

  it('what a text trace prints covers what the page line shows', () => {
    const hidden = makeRole({ cr0_wp: 1, smep_andnot_wp: 1, smap_andnot_wp: 1, guest_mode: 1, smm: 1 });
    assert.equal(hidden & PRINTED_MASK, 0);
    assert.equal(pd(3) & PRINTED_MASK, withRole(pd(3), { cr0_wp: 0 }));
  });
});

describe('child role (kvm_mmu_child_role)', () => {
  const word = (parent: number, index: number, direct: boolean, access: number): string =>
    encodeRole(LAYOUT_5_17, childRole(decodeRole(LAYOUT_5_17, parent), index as SpteIndex, direct, 8 | access)).toString(16);

  it('has the words of vectors.md §2', () => {
    assert.equal(word(0x3712, 0, false, 7), '3711');
    assert.equal(word(0x3712, 1, false, 7), '3731');
    assert.equal(word(0x3712, 511, false, 5), '3531');
    assert.equal(word(0x3772, 3, false, 7), '3731');
    assert.equal(word(0x3732, 3, true, 7), '37b1');
    assert.equal(word(0x3702, 3, false, 7), '3701');
    assert.equal(word(0x3704, 511, false, 3), '3303');
    assert.equal(word(0x63705, 0, false, 7), '23704');
    assert.equal(word(0x1782, 1, true, 7), '1781');
    assert.equal(word(0x5712, 1, false, 7), '5731');
  });

  it('gives the quadrant of the address for all 2048 regions of 4 GiB', () => {
    for (let region = 0; region < 2048; region++) {
      const address = region * 2 ** 21;
      const slot = Math.floor(address / 2 ** 30);
      const root = pd(rootQuadrant(true, slot));
      const child = childRole(root, (region & 511) as SpteIndex, false, ACC_ALL);
      assert.equal(roleField(root, 'quadrant'), Math.floor(address / 2 ** 30) & 3);
      assert.equal(roleField(child, 'quadrant'), Math.floor(address / 2 ** 21) & 1);
    }
  });
});
