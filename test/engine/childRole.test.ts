import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { childRole, rootQuadrant } from '../../src/engine/childRole.js';
import { childRoleRules, eraNamed, oldRoleRules, type Era } from '../../src/engine/eras.js';
import { pageOf, translatedGfn } from '../../src/engine/gpte.js';
import type { Role, SpteIndex } from '../../src/engine/ids.js';
import { oldChildRole, oldQuadrant, type RoleSource } from '../../src/engine/oldChildRole.js';
import { LAYOUT_2_6_20, encodeOldRole } from '../../src/engine/oldRoleLayout.js';
import { ACC_ALL, ACC_EXEC, ACC_READ, ACC_USER, makeRole, roleField, withRole } from '../../src/engine/role.js';
import { LAYOUT_5_1, LAYOUT_5_17, decodeRole, encodeRole } from '../../src/engine/roleLayout.js';
import { spteIndexOf } from '../../src/engine/spte.js';

const hex = (word: number): string => `0x${word.toString(16)}`;
const era = (name: string): Era => {
  const found = eraNamed(name);
  assert.ok(found, name);
  return found;
};

describe('child role from the parent (kvm_mmu_child_role, vectors.md §2)', () => {
  const CHILDREN: readonly [parent: number, index: number, direct: boolean, access: number, child: number, note: string][] = [
    [0x3712, 0, false, 7, 0x3711, 'VA 0'],
    [0x3712, 1, false, 7, 0x3731, 'VA 2M'],
    [0x3712, 511, false, 5, 0x3531, 'VA 1G-2M, read-only user'],
    [0x3772, 2, false, 7, 0x3711, 'VA 0xC0400000'],
    [0x3772, 3, false, 7, 0x3731, 'VA 0xC0600000'],
    [0x3732, 3, true, 7, 0x37b1, '4M page second half'],
    [0x3702, 3, false, 7, 0x3701, 'PAE: quadrant stays 0'],
    [0x3704, 511, false, 3, 0x3303, 'PML4 511, kernel only'],
    [0x3703, 0, true, 7, 0x3782, '1G page split'],
    [0x63705, 0, false, 7, 0x23704, 'passthrough cleared'],
    [0x1782, 1, true, 7, 0x1781, 'no paging'],
    [0x5712, 1, false, 7, 0x5731, 'WP=0, SMEP kept'],
  ];
  for (const [parent, index, direct, access, child, note] of CHILDREN) {
    it(`${hex(parent)} [${index}] leads to ${hex(child)}: ${note}`, () => {
      const role = childRole(decodeRole(LAYOUT_5_17, parent), index as SpteIndex, direct, ACC_READ | access);
      assert.equal(hex(encodeRole(LAYOUT_5_17, role)), hex(child));
    });
  }

  it('a page that splits 4 MiB has bit 9 of its own gfn for a quadrant (vectors.md §7, roles.md §6)', () => {
    const directory = decodeRole(LAYOUT_5_17, 0x3772);
    for (const [pde, address, gfn, quadrant] of [
      [0x800083n, 0xc0400000n, 0x800, 0],
      [0x800083n, 0xc07ff000n, 0xa00, 1],
      [0x800083n, 0xc0600000n, 0xa00, 1],
      [0x81e083n, 0xc0600000n, 0xf00a00, 1],
    ] as const) {
      const target = translatedGfn('32', 2, pde, address);
      const child = childRole(directory, spteIndexOf(pageOf('32', address), 2) as SpteIndex, true, ACC_ALL);
      assert.equal(target - (target % 512), gfn);
      assert.deepEqual([roleField(child, 'quadrant'), (gfn >> 9) & 1], [quadrant, quadrant]);
    }
  });

  it('inherits invalid where the kernel does not clear it, and can then never be found', () => {
    const zapped = makeRole({ level: 4, access: ACC_ALL, invalid: 1 });
    const child = (name: string): Role => childRole(zapped, 0 as SpteIndex, false, ACC_ALL, childRoleRules(era(name)));
    assert.equal(roleField(child('6.1.0'), 'invalid'), 1);
    assert.equal(roleField(child('6.1.192'), 'invalid'), 0);
  });

  it('gives page directories below a local page the quadrant of their slot, where parity would merge them in pairs', () => {
    const local = makeRole({ level: 3, has4ByteGpte: 1, access: ACC_ALL });
    const quadrants = (name: string): number[] =>
      [0, 1, 2, 3].map((slot) => roleField(childRole(local, slot as SpteIndex, false, ACC_ALL, childRoleRules(era(name))), 'quadrant'));
    assert.deepEqual(quadrants('rfc-local'), [0, 1, 2, 3]);
    assert.deepEqual(quadrants('6.1.192'), [0, 1, 0, 1]);
  });
});

describe('quadrants by the old formula (vectors.md §3)', () => {
  const QUADRANTS: readonly [address: bigint, slot: number, index: number, q2: number, q1: number][] = [
    [0x0n, 0, 0, 0, 0],
    [0x1fffffn, 0, 0, 0, 0],
    [0x200000n, 0, 1, 0, 1],
    [0x3fffffn, 0, 1, 0, 1],
    [0x400000n, 0, 2, 0, 0],
    [0x3fe00000n, 0, 511, 0, 1],
    [0x40000000n, 1, 0, 1, 0],
    [0x7fffffffn, 1, 511, 1, 1],
    [0x80200000n, 2, 1, 2, 1],
    [0xbfc00000n, 2, 510, 2, 0],
    [0xc0000000n, 3, 0, 3, 0],
    [0xc0400000n, 3, 2, 3, 0],
    [0xc0682000n, 3, 3, 3, 1],
    [0xffe00000n, 3, 511, 3, 1],
    [0xffffffffn, 3, 511, 3, 1],
  ];
  for (const [address, slot, index, q2, q1] of QUADRANTS) {
    it(`of ${address.toString(16)}: ${q2} at level 2, ${q1} at level 1, the parity of index ${index}`, () => {
      assert.equal(Number(address >> 30n), slot);
      assert.equal(spteIndexOf(Number(address >> 12n), 2), index);
      assert.deepEqual([oldQuadrant(address, 2), oldQuadrant(address, 1), index & 1], [q2, q1, q1]);
    });
  }

  it('of roots 2 and 3 are right although the address of the kernel’s int is negative there', () => {
    assert.deepEqual(
      [0n, 1n << 30n, -(1n << 31n), -(1n << 30n)].map((address) => oldQuadrant(address, 2)),
      [0, 1, 2, 3],
    );
  });
});

/**
 * Seeds 000 and 002: the child's role from the parent stands for the old one from vCPU and address. Every 2 MiB of the 4 GiB that a
 * 32-bit guest has is one entry of a page directory's shadow, hence one child.
 */
describe('old and new child role over 4 GiB', () => {
  const REGIONS = 2048;
  const ROOTS = 4;
  const RIGHTS = [ACC_ALL, ACC_READ | ACC_EXEC | ACC_USER, ACC_READ | ACC_EXEC];
  const base = makeRole({ efer_nx: 1, cr0_wp: 1 });

  interface Guest {
    readonly name: string;
    readonly vcpu: RoleSource;
    /** its page directories and page tables have quadrants */
    readonly quadrants: boolean;
  }
  const GUESTS: readonly Guest[] = [
    { name: 'non-PAE', vcpu: { role: withRole(base, { has4ByteGpte: 1 }), guestLevels: 2, directMmu: false }, quadrants: true },
    { name: 'PAE', vcpu: { role: base, guestLevels: 3, directMmu: false }, quadrants: false },
    { name: '4-level', vcpu: { role: base, guestLevels: 4, directMmu: false }, quadrants: false },
    { name: '5-level', vcpu: { role: base, guestLevels: 5, directMmu: false }, quadrants: false },
    {
      name: 'no paging (5.17 and later)',
      vcpu: { role: makeRole({ efer_nx: 1, direct: 1 }), guestLevels: 0, directMmu: true },
      quadrants: false,
    },
  ];

  for (const { name, vcpu, quadrants } of GUESTS) {
    const direct = roleField(vcpu.role, 'direct') === 1;
    const rules = { directHas8ByteGptes: false, quadrantsOfDirectMmu: false };
    const oldRoot = (slot: number): Role => oldChildRole(vcpu, BigInt(slot) << 30n, 2, direct, ACC_ALL, rules);
    const newRoot = (slot: number): Role =>
      withRole(vcpu.role, {
        level: 2,
        access: ACC_ALL,
        quadrant: rootQuadrant(roleField(vcpu.role, 'has4ByteGpte') === 1, slot),
      });

    it(`${name}: the four page directories have one role by both`, () => {
      for (let slot = 0; slot < ROOTS; slot++) {
        assert.equal(oldRoot(slot), newRoot(slot));
        assert.equal(roleField(newRoot(slot), 'quadrant'), quadrants ? slot : 0);
      }
    });

    it(`${name}: all ${REGIONS} page tables have one role by both, with any rights`, () => {
      let compared = 0;
      for (let region = 0; region < REGIONS; region++) {
        const address = BigInt(region) << 21n;
        const parent = newRoot(region >> 9);
        for (const access of RIGHTS) {
          const derived = childRole(parent, (region & 511) as SpteIndex, direct, access);
          assert.equal(oldChildRole(vcpu, address, 1, direct, access, rules), derived, `region ${region}`);
          assert.equal(roleField(derived, 'quadrant'), quadrants ? region & 1 : 0);
          compared++;
        }
      }
      assert.equal(compared, REGIONS * RIGHTS.length);
    });

    it(`${name}: the halves of large pages have one quadrant by both, and the rest of the word is that of the era`, () => {
      for (const kernel of ['5.15', '2.6.28'] as const) {
        const old = oldRoleRules(era(kernel));
        if (old.quadrantsOfDirectMmu && vcpu.directMmu) continue;
        for (let region = 0; region < REGIONS; region++) {
          const before = oldChildRole(vcpu, BigInt(region) << 21n, 1, true, ACC_ALL, old);
          const after = childRole(newRoot(region >> 9), (region & 511) as SpteIndex, true, ACC_ALL);
          assert.equal(roleField(before, 'quadrant'), roleField(after, 'quadrant'));
          assert.equal(withRole(before, { has4ByteGpte: roleField(after, 'has4ByteGpte') }), after);
        }
      }
    });
  }

  it('every address within a region has the quadrant of its first', () => {
    for (let region = 0; region < REGIONS; region++) {
      const first = BigInt(region) << 21n;
      for (const offset of [0x1000n, 0xff000n, 0x1fffffn]) {
        assert.equal(oldQuadrant(first + offset, 1), oldQuadrant(first, 1));
        assert.equal(oldQuadrant(first + offset, 2), oldQuadrant(first, 2));
      }
    }
  });

  it('the words differ in one place: half of a split 4 MiB page under 5.15', () => {
    const vcpu: RoleSource = { role: withRole(base, { has4ByteGpte: 1 }), guestLevels: 2, directMmu: false };
    const parent = oldChildRole(vcpu, 0xc0000000n, 2, false, ACC_ALL, oldRoleRules(era('5.15')));
    assert.equal(hex(encodeRole(LAYOUT_5_1, parent)), '0x3762');
    const before = oldChildRole(vcpu, 0xc0600000n, 1, true, ACC_ALL, oldRoleRules(era('5.15')));
    const posted = childRole(parent, 3 as SpteIndex, true, ACC_ALL, childRoleRules(era('5.15.y-S002')));
    assert.equal(hex(encodeRole(LAYOUT_5_1, before)), '0x37b1');
    assert.equal(hex(encodeRole(LAYOUT_5_1, posted)), '0x37a1');
    assert.equal(before ^ posted, makeRole({ has4ByteGpte: 1 }), 'bit 4 and nothing else');
  });

  it('the roots of a guest without paging differ, too, between 5.15 and the patch as it was posted (eras.md E3 c)', () => {
    // Without paging the base role says 4-byte gPTEs there: the bit is PG && PAE.
    const vcpu: RoleSource = { role: makeRole({ has4ByteGpte: 1, direct: 1 }), guestLevels: 0, directMmu: true };
    const slots = [0, 1, 2, 3];
    const before = slots.map((slot) => oldChildRole(vcpu, BigInt(slot) << 30n, 2, true, ACC_ALL, oldRoleRules(era('5.15'))));
    assert.deepEqual(
      before.map((role) => hex(encodeRole(LAYOUT_5_1, role))),
      ['0x792', '0x792', '0x792', '0x792'],
    );
    const posted = slots.map((slot) => withRole(vcpu.role, { level: 2, access: ACC_ALL, quadrant: rootQuadrant(true, slot) }));
    assert.deepEqual(
      posted.map((role) => hex(encodeRole(LAYOUT_5_1, role))),
      ['0x782', '0x7a2', '0x7c2', '0x7e2'],
    );
  });

  it('2.6.x tells the roots of a guest without paging apart by their quadrant', () => {
    const vcpu: RoleSource = { role: makeRole({}), guestLevels: 0, directMmu: true };
    const words = [0n, 1n, 2n, 3n].map((slot) =>
      hex(encodeOldRole(LAYOUT_2_6_20, oldChildRole(vcpu, slot << 30n, 2, true, ACC_ALL, oldRoleRules(era('2.6.24'))), 0)),
    );
    assert.deepEqual(words, ['0x10020', '0x10120', '0x10220', '0x10320']);
    for (let region = 0; region < REGIONS; region++) {
      const table = oldChildRole(vcpu, BigInt(region) << 21n, 1, true, ACC_ALL, oldRoleRules(era('2.6.24')));
      assert.equal(roleField(table, 'quadrant'), region & 1);
    }
  });
});
