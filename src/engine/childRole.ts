import type { Role, SpteIndex } from './ids.js';
import { roleField, withRole } from './role.js';

/**
 * The role of the page that a parent's SPTE leads to, [6.1 mmu.c:kvm_mmu_child_role]; spec/roles.md §7.1.
 *
 * The parent's role is copied, one level down, with the child's own access and directness. In a guest with 4-byte gPTEs the guest
 * page table behind a level-1 page has 1024 entries and fills two shadow pages: which one it is, is the parity of the SPTE's index.
 */
export function childRole(parent: Role, index: SpteIndex, direct: boolean, access: number): Role {
  const level = roleField(parent, 'level') - 1;
  return withRole(parent, {
    level,
    access,
    direct: direct ? 1 : 0,
    passthrough: 0,
    invalid: 0,
    quadrant: childQuadrant(parent, index),
  });
}

/** Quadrant of a child: parity of the index below a page directory with 4-byte gPTEs; inherited, which is 0, otherwise. */
export function childQuadrant(parent: Role, index: SpteIndex): number {
  return roleField(parent, 'has4ByteGpte') ? index & 1 : roleField(parent, 'quadrant');
}

/** Quadrant of the page in a slot of the root's PDPT, [6.1 mmu.c:mmu_alloc_shadow_roots]: the slot for 4-byte gPTEs, else 0. */
export function rootQuadrant(has4ByteGpte: boolean, slot: number): number {
  return has4ByteGpte ? slot : 0;
}
