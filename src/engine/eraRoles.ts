import { childRole, rootRole, type ChildRoleRules } from './childRole.js';
import { childRoleRules, hasFeature, keyRules, oldRoleRules, type Era } from './eras.js';
import type { Role, SpteIndex } from './ids.js';
import { oldChildRole, roleSource, type OldRoleRules } from './oldChildRole.js';
import { roleField, withRole } from './role.js';
import { roleKey, type KeyRules } from './roleKey.js';

/** How the kernels of an era make the roles of their pages. */
export class EraRoles {
  private readonly rules: ChildRoleRules;
  private readonly oldRules: OldRoleRules;
  private readonly keyRules: KeyRules;
  /** a child's role comes from its parent's; otherwise from the vCPU's and the address */
  readonly fromParent: boolean;

  constructor(era: Era) {
    this.rules = childRoleRules(era);
    this.oldRules = oldRoleRules(era);
    this.keyRules = keyRules(era);
    this.fromParent = hasFeature(era, 'role-from-parent');
  }

  /** A role as the kernel's word holds it. */
  key(role: Role): Role {
    return roleKey(role, this.keyRules);
  }

  /** Role of a page of a root, from the role that the MMU's pages start from, or from that of another of the root's pages. */
  root(base: Role, level: number, slot: number): Role {
    if (this.fromParent) return this.key(rootRole(base, level, slot, this.rules));
    const direct = roleField(base, 'direct') === 1;
    const role = this.ofAddress(base, BigInt(slot) << 30n, level, direct, roleField(base, 'access'));
    return this.key(withRole(role, { passthrough: roleField(base, 'passthrough') }));
  }

  /** Role of the page that an SPTE of a page with role `parent` must lead to. */
  child(parent: Role, index: SpteIndex, direct: boolean, access: number): Role {
    return this.key(childRole(parent, index, direct, access, this.rules));
  }

  /**
   * The same by the rule of kernels before 6.0.
   *
   * @param root role of a page of the vCPU's root, or the one that its pages start from
   * @param address that the fault is about
   */
  ofAddress(root: Role, address: bigint, level: number, direct: boolean, access: number): Role {
    return this.key(oldChildRole(roleSource(root), address, level, direct, access, this.oldRules));
  }
}
