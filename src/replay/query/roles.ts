import { PARTIAL_FIELDS } from '../../trace/partialRoles.js';
import { encodeRole, type RoleLayout } from '../../engine/roleLayout.js';
import { PRINTED_FIELDS, roleField, withRole, type RoleField } from '../../engine/role.js';
import type { Role } from '../../engine/ids.js';

/**
 * Roles under the kernel's names: what conditions compare and what the views print. A trace in text does not show every field
 * (`KVM_MMU_PAGE_PRINTK`); such a field has no value here, never 0.
 */

/** Which fields of a trace's roles can be believed. */
export type RoleKnowledge = 'exact' | 'printed' | 'partial';

/** A role's field under the name of this kernel's `kvm_mmu_page_role`. */
export interface RoleName {
  readonly name: string;
  readonly field: RoleField;
  /** the kernel stores the opposite: `gpte_is_8_bytes` */
  readonly inverted?: true;
}

/** The fields that a kernel's role word has, lowest bit first, under that kernel's names. */
export function roleNames(layout: RoleLayout): RoleName[] {
  return (Object.entries(layout.fields) as [RoleField, readonly [number, number]][])
    .sort(([, a], [, b]) => a[0] - b[0])
    .map(([field]) => {
      if (field !== 'has4ByteGpte') return { name: field, field };
      return layout.bit4Is8Byte ? { name: 'gpte_is_8_bytes', field, inverted: true } : { name: 'has_4_byte_gpte', field };
    });
}

/** A field as the kernel's word has it; undefined when this kernel has no such field or the trace does not show it. */
export function roleValue(role: Role, { field, inverted }: RoleName, layout: RoleLayout, roles: RoleKnowledge): number | undefined {
  if (!layout.fields[field] || !roleFieldKnown(field, roles)) return undefined;
  if (field === 'access') return accessNumber(role, layout);
  return inverted ? 1 - roleField(role, field) : roleField(role, field);
}

export function roleFieldKnown(field: RoleField, roles: RoleKnowledge): boolean {
  return roles === 'exact' || (roles === 'printed' ? PRINTED_FIELDS : PARTIAL_FIELDS).includes(field);
}

/** The kernel's word; undefined when the trace does not show all of it. */
export function roleWord(role: Role, layout: RoleLayout, roles: RoleKnowledge): number | undefined {
  return roles === 'exact' ? encodeRole(layout, role) : undefined;
}

/** The kernel's word with zeros where the trace shows nothing. For people, with the missing names beside it. */
export function knownWord(role: Role, layout: RoleLayout): number {
  return encodeRole(layout, role);
}

/** Access as the kernel prints it: `wux`, `w-x`, on 7.x `rwux`. */
export function accessLetters(role: Role, layout: RoleLayout): string {
  const access = roleField(role, 'access');
  const letters = (layout.accessBits.length === 4 ? 'r' : '') + 'wux';
  return [...letters].map((c) => (access & ACCESS_BIT[c as keyof typeof ACCESS_BIT] ? c : '-')).join('');
}

/** Access as the number in this kernel's word. */
export function accessNumber(role: Role, layout: RoleLayout): number {
  const access = roleField(role, 'access');
  return layout.accessBits.reduce((bits, bit, i) => (access & bit ? bits | (1 << i) : bits), 0);
}

/** One page may have both names over the years; either is understood in a condition. */
export const ROLE_ALIASES: Readonly<Record<string, RoleName>> = {
  has_4_byte_gpte: { name: 'has_4_byte_gpte', field: 'has4ByteGpte' },
  gpte_is_8_bytes: { name: 'gpte_is_8_bytes', field: 'has4ByteGpte', inverted: true },
  nxe: { name: 'efer_nx', field: 'efer_nx' },
};

const ACCESS_BIT = { x: 1, w: 2, u: 4, r: 8 } as const;

/** The same page role, another quadrant: the pages that together shadow one guest table. `invalid` is life, not kind. */
export function sameButQuadrant(a: Role, b: Role): boolean {
  const of = (role: Role): Role => withRole(role, { quadrant: 0, invalid: 0 });
  return of(a) === of(b);
}

/** The same page role, dead or alive. */
export function sameRole(a: Role, b: Role): boolean {
  return withRole(a, { invalid: 0 }) === withRole(b, { invalid: 0 });
}

export { ROLE_FIELDS, roleField } from '../../engine/role.js';
export type { RoleField } from '../../engine/role.js';
export type { RoleLayout } from '../../engine/roleLayout.js';
