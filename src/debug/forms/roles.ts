import type { Role } from '../../engine/ids.js';
import {
  accessLetters,
  accessNumber,
  knownWord,
  ROLE_FIELDS,
  roleField,
  roleFieldKnown,
  roleNames,
  roleValue,
  type RoleField,
  type RoleLayout,
} from '../../replay/query/roles.js';

/** The forms of a role. `exact`: the trace gives the whole word. */
export interface RoleForm {
  readonly role: Role;
  readonly layout: RoleLayout;
  readonly exact: boolean;
  /** the kernel's own word, where it is known and may be laid out otherwise (before 5.1) */
  readonly word?: number | null;
}

/** Short names of the fields that text traces do not print, in the order of the views. */
const MISSING: readonly (readonly [RoleField, string])[] = [
  ['cr0_wp', 'cr0_wp'],
  ['smep_andnot_wp', 'smep'],
  ['smap_andnot_wp', 'smap'],
  ['cr4_smep', 'smep'],
  ['guest_mode', 'guest_mode'],
  ['smm', 'smm'],
];

/** `0x3391`, or `0x1391 ?cr0_wp ?smep ?smap ?guest_mode ?smm`. */
export function roleWordText({ role, layout, exact, word: own }: RoleForm): string {
  const word = `0x${((exact ? own : null) ?? knownWord(role, layout)).toString(16)}`;
  if (exact) return word;
  const missing = MISSING.filter(([field]) => layout.fields[field]).map(([, name]) => `?${name}`);
  return [word, ...missing].join(' ');
}

/** `0x3772  level 2, 4-byte, q3, wux, efer_nx, cr0_wp` */
export function roleLine(form: RoleForm): string {
  return `${roleWordText(form)}  ${roleWords(form)}`;
}

/** `level 2, 4-byte, q3, wux, efer_nx, cr0_wp` */
export function roleWords({ role, layout, exact }: RoleForm): string {
  const has = (field: RoleField): boolean => roleField(role, field) !== 0;
  const flags = FLAGS.filter((f) => layout.fields[f] && has(f) && roleFieldKnown(f, exact ? 'exact' : 'printed'));
  return [
    `level ${roleField(role, 'level')}`,
    has('has4ByteGpte') ? '4-byte' : '8-byte',
    `q${roleField(role, 'quadrant')}`,
    ...(has('direct') ? ['direct'] : []),
    accessLetters(role, layout),
    ...(has('invalid') ? ['invalid'] : []),
    ...flags,
  ].join(', ');
}

const FLAGS = ROLE_FIELDS.filter((f) => !['level', 'has4ByteGpte', 'quadrant', 'direct', 'access', 'invalid'].includes(f));

/** Every field of the kernel's word: [`quadrant`, `0`], [`access`, `w-x (3)`], `?` where the trace has none. */
export function roleRows({ role, layout, exact }: RoleForm): [string, string][] {
  return roleNames(layout).map((name): [string, string] => {
    const value = roleValue(role, name, layout, exact ? 'exact' : 'printed');
    if (value === undefined) return [name.name, '?'];
    return [name.name, name.field === 'access' ? `${accessLetters(role, layout)} (${accessNumber(role, layout)})` : String(value)];
  });
}
