import type { Role } from './ids.js';
import { ACC_ALL, roleField, withRole } from './role.js';

/** What of a role an era's pages are told apart by; the rest is not in its word (spec/roles.md §2, §8). */
export interface KeyRules {
  /** bits of the engine's role that the era's word has */
  readonly bits: number;
  /** the rights above a guest table count; otherwise only those of a split large page do */
  readonly access: boolean;
}

/** A role as the era keeps it: together with the gfn what identifies a page. */
export function roleKey(role: Role, { bits, access }: KeyRules): Role {
  const key = ((role & bits) >>> 0) as Role;
  return access || roleField(key, 'direct') ? key : withRole(key, { access: ACC_ALL });
}
