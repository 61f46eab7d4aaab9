import { ACC_READ, roleField, withRole, type RoleField } from './role.js';
import type { Role } from './ids.js';

/** Where one kernel era keeps the fields of its 32-bit role word: [lowest bit, width]. Fields it does not have are absent. */
export interface RoleLayout {
  readonly name: '5.1' | '5.17' | '7.x';
  readonly fields: Partial<Record<RoleField, readonly [number, number]>>;
  /** bit 4 is `gpte_is_8_bytes`: the opposite of `has_4_byte_gpte` */
  readonly bit4Is8Byte: boolean;
  /** the bits of `access`, as engine bits, from the lowest: 3 (X W U) or 4 (R W U X) */
  readonly accessBits: readonly number[];
}

const COMMON = {
  level: [0, 4],
  has4ByteGpte: [4, 1],
  quadrant: [5, 2],
  direct: [7, 1],
} as const;

const THREE_BIT = {
  ...COMMON,
  access: [8, 3],
  invalid: [11, 1],
  efer_nx: [12, 1],
  cr0_wp: [13, 1],
  smep_andnot_wp: [14, 1],
  smap_andnot_wp: [15, 1],
  ad_disabled: [16, 1],
  guest_mode: [17, 1],
  smm: [24, 8],
} as const;

/** 5.1 to 5.16 (spec/roles.md §2.5) */
export const LAYOUT_5_1: RoleLayout = { name: '5.1', fields: THREE_BIT, bit4Is8Byte: true, accessBits: [1, 2, 4] };

/** 5.17 to 6.x (spec/roles.md §2.6) */
export const LAYOUT_5_17: RoleLayout = {
  name: '5.17',
  fields: { ...THREE_BIT, passthrough: [18, 1], is_mirror: [19, 1] },
  bit4Is8Byte: false,
  accessBits: [1, 2, 4],
};

/** 7.x (spec/roles.md §2.7; access bits as recorded: R=1 W=2 U=4 X=8) */
export const LAYOUT_7: RoleLayout = {
  name: '7.x',
  fields: {
    ...COMMON,
    access: [8, 4],
    invalid: [12, 1],
    efer_nx: [13, 1],
    cr0_wp: [14, 1],
    smap_andnot_wp: [15, 1],
    ad_disabled: [16, 1],
    guest_mode: [17, 1],
    passthrough: [18, 1],
    is_mirror: [19, 1],
    cr4_smep: [20, 1],
    smm: [24, 8],
  },
  bit4Is8Byte: false,
  accessBits: [8, 2, 4, 1],
};

/** The layout with an access of 3 or 4 bits; what lies above moves (spec/roles.md §2.7). */
export function withAccess(layout: RoleLayout, letters: number): RoleLayout {
  const { bit4Is8Byte } = layout;
  if (letters === LAYOUT_7.accessBits.length) return { ...LAYOUT_7, bit4Is8Byte };
  return { ...LAYOUT_5_17, bit4Is8Byte, fields: { ...LAYOUT_5_17.fields, cr4_smep: [20, 1] } };
}

/** From the kernel's 32-bit word to the engine's role. */
export function decodeRole(layout: RoleLayout, word: number): Role {
  let role = 0 as Role;
  for (const [name, [at, width]] of Object.entries(layout.fields) as [RoleField, readonly [number, number]][]) {
    let value = (word >>> at) & ((1 << width) - 1);
    if (name === 'access') value = accessFrom(layout, value);
    else if (name === 'has4ByteGpte' && layout.bit4Is8Byte) value ^= 1;
    role = withRole(role, { [name]: value });
  }
  return role;
}

/** From the engine's role to the kernel's 32-bit word. */
export function encodeRole(layout: RoleLayout, role: Role): number {
  let word = 0;
  for (const [name, [at]] of Object.entries(layout.fields) as [RoleField, readonly [number, number]][]) {
    let value = roleField(role, name);
    if (name === 'access') value = accessTo(layout, value);
    else if (name === 'has4ByteGpte' && layout.bit4Is8Byte) value ^= 1;
    word |= value << at;
  }
  return word >>> 0;
}

function accessFrom(layout: RoleLayout, bits: number): number {
  const read = layout.accessBits.length === 3 ? ACC_READ : 0;
  return layout.accessBits.reduce((acc, bit, i) => ((bits >> i) & 1 ? acc | bit : acc), read);
}

/** From the engine's ACC_* bits to the kernel's. */
export function accessTo(layout: RoleLayout, access: number): number {
  return layout.accessBits.reduce((bits, bit, i) => (access & bit ? bits | (1 << i) : bits), 0);
}
