import type { Role } from './ids.js';
import { ACC_ALL, ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE, makeRole, roleField } from './role.js';

/**
 * Role words of the first kernels with KVM (spec/roles.md §2.1, §2.2). They name the guest's paging levels where later ones name the
 * size of its entries, so a word says a little more than the engine's role does.
 */

/** How many levels the guest's own tables have; 0 = paging is off. */
export type GuestLevels = 0 | 2 | 3 | 4;

export interface OldRoleLayout {
  readonly name: '2.6.20' | '2.6.25';
  /** [lowest bit, width]; `metaphysical` is what later became `direct` */
  readonly fields: {
    readonly glevels: readonly [number, number];
    readonly level: readonly [number, number];
    readonly quadrant: readonly [number, number];
    readonly metaphysical: readonly [number, number];
    readonly access: readonly [number, number];
    readonly invalid?: readonly [number, number];
  };
  /** the bits of `access` from the lowest, as engine bits */
  readonly accessBits: readonly number[];
  /** the access bit for execution says NX */
  readonly negativeExec: boolean;
  /** only a page that splits a large guest page has an access; the field is `hugepage_access` */
  readonly accessOfSplitsOnly: boolean;
}

const FIELDS = { glevels: [0, 4], level: [4, 4], quadrant: [8, 2], metaphysical: [16, 1], access: [17, 3] } as const;

/** 2.6.20 to 2.6.24 */
export const LAYOUT_2_6_20: OldRoleLayout = {
  name: '2.6.20',
  fields: FIELDS,
  accessBits: [ACC_WRITE, ACC_USER, ACC_EXEC],
  negativeExec: true,
  accessOfSplitsOnly: true,
};

/** 2.6.25 to 2.6.32 */
export const LAYOUT_2_6_25: OldRoleLayout = {
  name: '2.6.25',
  fields: { ...FIELDS, invalid: [20, 1] },
  accessBits: [ACC_EXEC, ACC_WRITE, ACC_USER],
  negativeExec: false,
  accessOfSplitsOnly: false,
};

/** The kernel's word of a role; fields that these kernels have not are left out. */
export function encodeOldRole(layout: OldRoleLayout, role: Role, glevels: GuestLevels): number {
  const { fields } = layout;
  const direct = roleField(role, 'direct') === 1;
  const hasAccess = !layout.accessOfSplitsOnly || isSplit(direct, glevels);
  const put = (value: number, [at]: readonly [number, number]): number => value << at;
  return (
    put(glevels, fields.glevels) |
    put(roleField(role, 'level'), fields.level) |
    put(roleField(role, 'quadrant'), fields.quadrant) |
    put(direct ? 1 : 0, fields.metaphysical) |
    (hasAccess ? put(accessTo(layout, roleField(role, 'access')), fields.access) : 0) |
    (fields.invalid ? put(roleField(role, 'invalid'), fields.invalid) : 0)
  );
}

/** The engine's role of a word, and the guest levels it names. Without an access of its own a page counts as one with all rights. */
export function decodeOldRole(layout: OldRoleLayout, word: number): { readonly role: Role; readonly glevels: GuestLevels } {
  const { fields } = layout;
  const get = ([at, width]: readonly [number, number]): number => (word >>> at) & ((1 << width) - 1);
  const glevels = get(fields.glevels) as GuestLevels;
  const direct = get(fields.metaphysical) === 1;
  const hasAccess = !layout.accessOfSplitsOnly || isSplit(direct, glevels);
  const role = makeRole({
    level: get(fields.level),
    has4ByteGpte: glevels === 2 ? 1 : 0,
    quadrant: get(fields.quadrant),
    direct: direct ? 1 : 0,
    access: hasAccess ? accessFrom(layout, get(fields.access)) : ACC_ALL,
    invalid: fields.invalid ? get(fields.invalid) : 0,
  });
  return { role, glevels };
}

/** A direct page in a guest with paging stands for a part of a large guest page. */
function isSplit(direct: boolean, glevels: GuestLevels): boolean {
  return direct && glevels !== 0;
}

function accessTo(layout: OldRoleLayout, access: number): number {
  const stored = layout.negativeExec ? access ^ ACC_EXEC : access;
  return layout.accessBits.reduce((bits, bit, i) => (stored & bit ? bits | (1 << i) : bits), 0);
}

function accessFrom(layout: OldRoleLayout, bits: number): number {
  const stored = layout.accessBits.reduce((access, bit, i) => ((bits >> i) & 1 ? access | bit : access), 0);
  return ACC_READ | (layout.negativeExec ? stored ^ ACC_EXEC : stored);
}
