import type { Role, SpteIndex } from './ids.js';
import { roleField, withRole } from './role.js';

const DIRECTORY_LEVEL = 2;

/** What differs between kernels with this rule; the defaults are those of today's. */
export interface ChildRoleRules {
  /** the page directories of a 32-bit guest are children of a local page, and not roots (seed 001) */
  readonly localDirectories?: boolean;
  /** a child of an invalid parent is born valid */
  readonly clearsInvalid?: boolean;
  /** a direct child loses its parent's 4-byte gPTEs, and keeps the quadrant: before 5.17 (spec/roles.md §7.2) */
  readonly directHas8ByteGptes?: boolean;
  /** pages of a guest without paging have quadrants, too: 2.6.x */
  readonly quadrantsOfDirectMmu?: boolean;
}

/**
 * The role of the page that a parent's SPTE leads to, [6.1 mmu.c:kvm_mmu_child_role]; spec/roles.md §7.1.
 *
 * The parent's role is copied, one level down, with the child's own access and directness. In a guest with 4-byte gPTEs the guest
 * page table behind a level-1 page has 1024 entries and fills two shadow pages: which one it is, is the parity of the SPTE's index.
 */
export function childRole(parent: Role, index: SpteIndex, direct: boolean, access: number, rules: ChildRoleRules = {}): Role {
  const level = roleField(parent, 'level') - 1;
  return withRole(parent, {
    level,
    access,
    direct: direct ? 1 : 0,
    passthrough: 0,
    invalid: (rules.clearsInvalid ?? true) ? 0 : roleField(parent, 'invalid'),
    quadrant: childQuadrant(parent, index, rules),
    ...(direct && rules.directHas8ByteGptes ? { has4ByteGpte: 0 } : {}),
  });
}

/**
 * Quadrant of a child with 4-byte gPTEs: parity of the index below a page directory, and the slot itself where page directories hang
 * below a local page (spec/roles.md §7.4). Otherwise it is inherited, and is 0.
 */
export function childQuadrant(parent: Role, index: SpteIndex, rules: ChildRoleRules = {}): number {
  const divided = roleField(parent, 'has4ByteGpte') || (rules.quadrantsOfDirectMmu && roleField(parent, 'direct'));
  if (!divided) return roleField(parent, 'quadrant');
  return rules.localDirectories && roleField(parent, 'level') === DIRECTORY_LEVEL + 1 ? index & 3 : index & 1;
}

/** The role of a page of the root, [6.1 mmu.c:mmu_alloc_root]: the MMU's own, with level and quadrant. */
export function rootRole(base: Role, level: number, slot: number, rules: ChildRoleRules = {}): Role {
  const direct = roleField(base, 'direct') === 1;
  const has4ByteGpte = roleField(base, 'has4ByteGpte') === 1 && !(direct && rules.directHas8ByteGptes);
  const quadrant = rootQuadrant(has4ByteGpte || (direct && rules.quadrantsOfDirectMmu === true), slot);
  return withRole(base, { level, quadrant, has4ByteGpte: has4ByteGpte ? 1 : 0 });
}

/** Quadrant of the page in a slot of the root's PDPT, [6.1 mmu.c:mmu_alloc_shadow_roots]: the slot for 4-byte gPTEs, else 0. */
export function rootQuadrant(has4ByteGpte: boolean, slot: number): number {
  return has4ByteGpte ? slot : 0;
}
