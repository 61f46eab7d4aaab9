import type { Role } from './ids.js';

/**
 * Roles, `union kvm_mmu_page_role`. The kernel moved and inverted bits over the years (spec/roles.md §2), so the engine keeps
 * roles in one layout of its own and converts at the edges with the layout of the kernel that wrote the trace.
 */

/** Fields of a role with their place in the engine's own word: [lowest bit, width]. */
const FIELDS = {
  level: [0, 4],
  /** 1 = 4-byte gPTEs (`has_4_byte_gpte`; kernels before 5.17 store the opposite as `gpte_is_8_bytes`) */
  has4ByteGpte: [4, 1],
  quadrant: [5, 2],
  direct: [7, 1],
  /** {@link ACC_EXEC} | {@link ACC_WRITE} | {@link ACC_USER} | {@link ACC_READ} */
  access: [8, 4],
  invalid: [12, 1],
  efer_nx: [13, 1],
  cr0_wp: [14, 1],
  smep_andnot_wp: [15, 1],
  smap_andnot_wp: [16, 1],
  ad_disabled: [17, 1],
  guest_mode: [18, 1],
  passthrough: [19, 1],
  is_mirror: [20, 1],
  cr4_smep: [21, 1],
  smm: [22, 8],
  /** no field of the kernel's: which setting of the bits that text does not print, see `HiddenClasses`; 0 where all are known */
  hidden: [30, 2],
} as const satisfies Record<string, readonly [number, number]>;

export type RoleField = keyof typeof FIELDS;
export type RoleFields = Record<RoleField, number>;
export const ROLE_FIELDS = Object.keys(FIELDS) as RoleField[];

export const ACC_EXEC = 1;
export const ACC_WRITE = 2;
export const ACC_USER = 4;
/** Kernels from 7.x on; older ones have no such bit, and every page of theirs has it set here. */
export const ACC_READ = 8;
export const ACC_ALL = 15;

/** The mask of each field's value above its lowest bit (5 bits), in one number: roles are asked for fields several times an event. */
const PLACES = Object.fromEntries(ROLE_FIELDS.map((field) => [field, placeOf(FIELDS[field])])) as RoleFields;

function placeOf([at, width]: readonly [at: number, width: number]): number {
  return (((1 << width) - 1) << 5) | at;
}

/** One field of a role. */
export function roleField(role: Role, field: RoleField): number {
  const place = PLACES[field];
  return (role >>> (place & 31)) & (place >>> 5);
}

/** The role with one field replaced. */
export function withRole(role: Role, changes: Partial<RoleFields>): Role {
  let word: number = role;
  for (const name in changes) {
    const place = PLACES[name as RoleField];
    const mask = (place >>> 5) << (place & 31);
    word = (word & ~mask) | ((changes[name as RoleField]! << (place & 31)) & mask);
  }
  return (word >>> 0) as Role;
}

export function makeRole(fields: Partial<RoleFields>): Role {
  return withRole(0 as Role, fields);
}

/** Mask over the engine's word that covers the given fields. */
export function roleMask(fields: readonly RoleField[]): number {
  return withRole(0 as Role, Object.fromEntries(fields.map((f) => [f, 0xff])));
}

/** What `KVM_MMU_PAGE_PRINTK` shows: the fields a text trace knows. */
export const PRINTED_FIELDS: readonly RoleField[] = [
  'level',
  'has4ByteGpte',
  'quadrant',
  'direct',
  'access',
  'invalid',
  'efer_nx',
  'ad_disabled',
];
export const PRINTED_MASK = roleMask(PRINTED_FIELDS);
