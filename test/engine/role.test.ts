import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import type { Role } from '../../src/engine/ids.js';
import { LAYOUT_2_6_20, LAYOUT_2_6_25, decodeOldRole, encodeOldRole, type GuestLevels } from '../../src/engine/oldRoleLayout.js';
import { ACC_ALL, ACC_EXEC, ACC_READ, ACC_USER, PRINTED_MASK, makeRole, roleField, withRole } from '../../src/engine/role.js';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7, decodeRole, encodeRole, type RoleLayout } from '../../src/engine/roleLayout.js';

const pd = (quadrant: number): Role => makeRole({ level: 2, has4ByteGpte: 1, quadrant, access: ACC_ALL, efer_nx: 1, cr0_wp: 1 });
const pt = (quadrant: number, access: number): Role => withRole(pd(quadrant), { level: 1, access: ACC_READ | access });
const long = (level: number): Role => withRole(pd(0), { has4ByteGpte: 0, level });
/** A role before 5.18, which has the guest's own EFER.NX. */
const withoutNx = (role: Role): Role => withRole(role, { efer_nx: 0 });

/**
 * spec/vectors.md §1: one page in the layouts of 2.6.22, 2.6.26, 5.10, 6.1 and 7.x. Where a page has another role in another kernel, the
 * column has its own; 7.x is given with all four rights only.
 */
interface Vector {
  readonly page: string;
  readonly role: Role;
  readonly glevels: GuestLevels;
  readonly a?: number;
  readonly b?: number;
  readonly c: number | readonly [Role, number];
  readonly d: number | readonly [Role, number];
  readonly e?: number | readonly [Role, number];
}
const noPaging = makeRole({ level: 2, direct: 1, access: ACC_ALL });
const noPaging61 = withRole(noPaging, { efer_nx: 1 });
const smep = withRole(pd(2), { cr0_wp: 0, smep_andnot_wp: 1, smap_andnot_wp: 1 });

const VECTORS: readonly Vector[] = [
  { page: '2-level PD q0', role: pd(0), glevels: 2, a: 0x22, b: 0xe0022, c: 0x3702, d: 0x3712, e: 0x6f12 },
  { page: '2-level PD q1', role: pd(1), glevels: 2, a: 0x122, b: 0xe0122, c: 0x3722, d: 0x3732, e: 0x6f32 },
  { page: '2-level PD q2', role: pd(2), glevels: 2, a: 0x222, b: 0xe0222, c: 0x3742, d: 0x3752, e: 0x6f52 },
  { page: '2-level PD q3', role: pd(3), glevels: 2, a: 0x322, b: 0xe0322, c: 0x3762, d: 0x3772, e: 0x6f72 },
  { page: '2-level PT q0', role: pt(0, 7), glevels: 2, a: 0x12, b: 0xe0012, c: 0x3701, d: 0x3711, e: 0x6f11 },
  { page: '2-level PT q1', role: pt(1, 7), glevels: 2, a: 0x112, b: 0xe0112, c: 0x3721, d: 0x3731, e: 0x6f31 },
  { page: '2-level PT q1, read-only kernel', role: pt(1, ACC_EXEC), glevels: 2, a: 0x112, b: 0x20112, c: 0x3121, d: 0x3131 },
  {
    page: 'split 4M half q1',
    role: withRole(pt(1, 7), { direct: 1 }),
    glevels: 2,
    a: 0x70112,
    b: 0xf0112,
    c: [withRole(pt(1, 7), { direct: 1, has4ByteGpte: 0 }), 0x37b1],
    d: 0x37b1,
    e: 0x6fb1,
  },
  {
    page: 'split 4M half q0, read-only',
    role: withRole(pt(0, ACC_EXEC | ACC_USER), { direct: 1 }),
    glevels: 2,
    a: 0x50012,
    b: 0xb0012,
    c: [withRole(pt(0, ACC_EXEC | ACC_USER), { direct: 1, has4ByteGpte: 0 }), 0x3591],
    d: 0x3591,
  },
  { page: 'PAE PD', role: long(2), glevels: 3, a: 0x23, b: 0xe0023, c: 0x3712, d: 0x3702, e: 0x6f02 },
  { page: 'PAE PT', role: long(1), glevels: 3, a: 0x13, b: 0xe0013, c: 0x3711, d: 0x3701, e: 0x6f01 },
  { page: '4-level root', role: long(4), glevels: 4, a: 0x44, b: 0xe0044, c: 0x3714, d: 0x3704, e: 0x6f04 },
  { page: '5-level root', role: long(5), glevels: 4, c: 0x3715, d: 0x3705, e: 0x6f05 },
  {
    page: 'no paging, PD of slot 3',
    role: withRole(noPaging, { quadrant: 3 }),
    glevels: 0,
    a: 0x10320,
    b: 0xf0320,
    c: [noPaging, 0x792],
    d: [noPaging61, 0x1782],
    e: [noPaging61, 0x2f82],
  },
  {
    page: '4-level root, invalid',
    role: withRole(long(4), { invalid: 1 }),
    glevels: 4,
    b: 0x1e0044,
    c: 0x3f14,
    d: 0x3f04,
    e: 0x7f04,
  },
  {
    page: '4-level root of a guest without NX',
    role: long(4),
    glevels: 4,
    a: 0x44,
    b: 0xe0044,
    c: [withoutNx(long(4)), 0x2714],
    d: 0x3704,
    e: 0x6f04,
  },
  {
    page: '2-level PD q2, WP=0 SMEP=1 SMAP=1',
    role: smep,
    glevels: 2,
    c: 0xd742,
    d: 0xd752,
    e: [withRole(smep, { smep_andnot_wp: 0, cr4_smep: 1 }), 0x10af52],
  },
];

describe('role layouts', () => {
  const hex = (word: number): string => `0x${word.toString(16)}`;
  const check = (layout: RoleLayout, role: Role, expected: Vector['c'] | undefined): void => {
    if (expected === undefined) return;
    const [own, word] = typeof expected === 'number' ? ([role, expected] as const) : expected;
    assert.equal(hex(encodeRole(layout, own)), hex(word), layout.name);
    assert.equal(decodeRole(layout, word), own, layout.name);
  };

  for (const { page, role, glevels, a, b, c, d, e } of VECTORS) {
    it(`${page} has the words of vectors.md §1`, () => {
      if (a !== undefined) assert.equal(hex(encodeOldRole(LAYOUT_2_6_20, role, glevels)), hex(a));
      if (b !== undefined) assert.equal(hex(encodeOldRole(LAYOUT_2_6_25, role, glevels)), hex(b));
      check(LAYOUT_5_1, role, c);
      check(LAYOUT_5_17, role, d);
      check(LAYOUT_7, role, e);
    });
  }

  it('a 2-level guest has no NX in the words of 5.10', () => {
    assert.equal(hex(encodeRole(LAYOUT_5_1, withoutNx(pd(1)))), '0x2722');
  });

  it('the words of 2.6.x are read back, as far as they say something', () => {
    assert.deepEqual(decodeOldRole(LAYOUT_2_6_20, 0x10320), { role: withRole(noPaging, { quadrant: 3 }), glevels: 0 });
    const bare = makeRole({ level: 1, has4ByteGpte: 1, quadrant: 1, access: ACC_ALL });
    assert.deepEqual(decodeOldRole(LAYOUT_2_6_20, 0x112), { role: bare, glevels: 2 });
    const split = makeRole({ level: 1, has4ByteGpte: 1, direct: 1, access: ACC_READ | ACC_EXEC | ACC_USER });
    assert.deepEqual(decodeOldRole(LAYOUT_2_6_20, 0x50012), { role: split, glevels: 2 });
    assert.deepEqual(decodeOldRole(LAYOUT_2_6_25, 0xb0012), { role: split, glevels: 2 });
    assert.equal(roleField(decodeOldRole(LAYOUT_2_6_25, 0x1e0044).role, 'invalid'), 1);
  });

  it('of 2.6.25 lose nothing', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<GuestLevels>(0, 2, 3, 4),
        fc.record({
          level: fc.integer({ min: 1, max: 4 }),
          quadrant: fc.integer({ min: 0, max: 3 }),
          direct: fc.integer({ min: 0, max: 1 }),
          access: fc.integer({ min: 0, max: 7 }),
          invalid: fc.integer({ min: 0, max: 1 }),
        }),
        (glevels, fields) => {
          const role = makeRole({ ...fields, access: ACC_READ | fields.access, has4ByteGpte: glevels === 2 ? 1 : 0 });
          assert.deepEqual(decodeOldRole(LAYOUT_2_6_25, encodeOldRole(LAYOUT_2_6_25, role, glevels)), { role, glevels });
        },
      ),
    );
  });

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
