import type { Role } from './ids.js';
import { roleField, withRole } from './role.js';

/**
 * The role of a shadow page as kernels before 6.0 made it, `kvm_mmu_get_page(vcpu, gfn, gaddr, level, direct, access)`: from the role
 * of the vCPU and the faulting address, without a look at the parent (spec/roles.md §7.2). `childRole.ts` has the rule that took its
 * place; that both give the same quadrants is proved by enumeration in the tests.
 */

/** What of a vCPU goes into the roles of its pages. */
export interface RoleSource {
  /** the MMU's base role */
  readonly role: Role;
  /** paging levels of the guest: 0 (paging off), 2, 3 (PAE), 4 or 5 */
  readonly guestLevels: number;
  /** the MMU maps guest frames directly: paging is off, or the CPU walks two dimensions */
  readonly directMmu: boolean;
}

/** Where kernels with the old formula differ among themselves. */
export interface OldRoleRules {
  /** a direct page counts as one with 8-byte entries: 5.1 to 5.16, and 5.15.y until its backport of the new rule */
  readonly directHas8ByteGptes: boolean;
  /** pages of a direct MMU have quadrants, too: 2.6.x, where the four roots of a guest without paging all have gfn 0 */
  readonly quadrantsOfDirectMmu: boolean;
}

/** What the page of a root tells of its vCPU; the page directories of a guest of 8-byte entries are taken for PAE's. */
export function roleSource(root: Role): RoleSource {
  const level = roleField(root, 'level');
  const directMmu = roleField(root, 'direct') === 1;
  const small = roleField(root, 'has4ByteGpte') === 1;
  return {
    role: withRole(root, { quadrant: 0, invalid: 0, passthrough: 0 }),
    guestLevels: directMmu ? 0 : small ? PT32_ROOT_LEVEL : Math.max(level, PAE_ROOT_LEVEL),
    directMmu,
  };
}

const PAGE_SHIFT = 12;
const PT64_PT_BITS = 9;
const PT32_PT_BITS = 10;
const PT32_ROOT_LEVEL = 2;
const PAE_ROOT_LEVEL = 3;

/** @param address the faulting address; for a root, the first address of its quarter, `slot << 30` */
export function oldChildRole(vcpu: RoleSource, address: bigint, level: number, direct: boolean, access: number, rules: OldRoleRules): Role {
  const hasQuadrants = vcpu.guestLevels <= PT32_ROOT_LEVEL && (rules.quadrantsOfDirectMmu || !vcpu.directMmu);
  return withRole(vcpu.role, {
    level,
    direct: direct ? 1 : 0,
    access,
    has4ByteGpte: direct && rules.directHas8ByteGptes ? 0 : roleField(vcpu.role, 'has4ByteGpte'),
    quadrant: hasQuadrants ? oldQuadrant(address, level) : roleField(vcpu.role, 'quadrant'),
  });
}

/** The bits of an address that a guest table of 1024 entries resolves and a shadow page of 512 does not. */
export function oldQuadrant(address: bigint, level: number): number {
  const bits = (PT32_PT_BITS - PT64_PT_BITS) * level;
  return Number(BigInt.asUintN(bits, address >> BigInt(PAGE_SHIFT + PT64_PT_BITS * level)));
}
