import type { Role } from './ids.js';
import { ACC_EXEC, ACC_USER, ACC_WRITE, roleField } from './role.js';

/** Bits of a page fault's error code, and of the access that a walk is made for. */
export const PferrBit = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16, pk: 32 } as const;

/** The control bits that decide over a guest's rights; undefined where neither an event nor a role tells. */
export interface GuestControl {
  /** CR0.WP: the supervisor, too, may not write to read-only pages */
  readonly wp?: boolean | undefined;
  /** CR4.SMEP: the supervisor may not execute user pages */
  readonly smep?: boolean | undefined;
  /** CR4.SMAP: the supervisor may not read or write user pages, unless EFLAGS.AC is set */
  readonly smap?: boolean | undefined;
  /** EFER.NX: there is a no-execute bit */
  readonly nx?: boolean | undefined;
  /** CR4.PSE: bit 7 of a 4-byte page directory entry counts */
  readonly pse?: boolean | undefined;
}

/** What a kernel's roles tell of the guest's control bits. */
export interface RoleKnowledge {
  /** fields of the role that are known: a mask over the engine's word (a text trace prints a part only) */
  readonly mask: number;
  /** the role has the guest's own EFER.NX; from 5.18 on it is forced to 1 in shadow paging [6.1 mmu.c:kvm_init_shadow_mmu] */
  readonly guestNx: boolean;
  /** the role has CR4.SMEP itself, instead of `smep_andnot_wp` (7.x) */
  readonly smep: boolean;
}

/**
 * The control bits that the role of a page of a paging guest tells. `smep_andnot_wp` and `smap_andnot_wp` say something only while
 * CR0.WP is clear: with WP set they are 0 either way.
 */
export function controlOf(role: Role, knows: RoleKnowledge): GuestControl {
  const bit = (field: 'cr0_wp' | 'smep_andnot_wp' | 'smap_andnot_wp' | 'cr4_smep' | 'efer_nx'): boolean | undefined =>
    roleField(knows.mask as Role, field) !== 0 ? roleField(role, field) === 1 : undefined;
  const smepNotWp = bit('smep_andnot_wp');
  const smapNotWp = bit('smap_andnot_wp');
  // One of the two set shows that WP is clear, even if WP itself is not known.
  const wp = bit('cr0_wp') ?? (smepNotWp || smapNotWp ? false : undefined);
  return {
    wp,
    smep: knows.smep ? bit('cr4_smep') : wp === false ? smepNotWp : undefined,
    smap: wp === false ? smapNotWp : undefined,
    nx: knows.guestNx ? bit('efer_nx') : undefined,
  };
}

/**
 * Whether an access is refused by the rights a walk ended with [6.1 mmu.c:update_permission_bitmask, mmu.h:permission_fault];
 * spec/fault.md §2.2. Protection keys are left out: no event shows PKRU.
 *
 * @param rights ACC_* bits of the translation
 * @param error the access: write, user and fetch bits of {@link PferrBit}
 * @param ac EFLAGS.AC is set and the access is an explicit one: SMAP does not apply
 * @returns undefined where a control bit decides that is not known
 */
export function permissionFault(
  rights: number,
  error: number,
  control: GuestControl,
  options: { ac?: boolean | undefined; ept?: boolean } = {},
): boolean | undefined {
  const has = (bit: number): boolean => (rights & bit) !== 0;
  const user = (error & PferrBit.user) !== 0;
  const fetch = (error & PferrBit.fetch) !== 0;
  const ept = options.ept ?? false;
  if (user && !has(ACC_USER)) return true;
  const write = error & PferrBit.write && !has(ACC_WRITE) ? (user || ept ? true : control.wp) : false;
  const execute = fetch && !has(ACC_EXEC) ? (ept ? true : control.nx) : false;
  const ofUser = !ept && !user && has(ACC_USER) ? (fetch ? control.smep : smapFault(control.smap, options.ac)) : false;
  if (write || execute || ofUser) return true;
  return write === false && execute === false && ofUser === false ? false : undefined;
}

function smapFault(smap: boolean | undefined, ac: boolean | undefined): boolean | undefined {
  if (smap === false || ac === true) return false;
  return smap === undefined || ac === undefined ? undefined : true;
}
