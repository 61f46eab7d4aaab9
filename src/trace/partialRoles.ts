import { PRINTED_FIELDS, roleMask, type RoleField } from '../engine/role.js';

/** Fields of roles that a report's flags stand for. It shows nothing of `ad_disabled`, `guest_mode` and `passthrough`, and of `smm` only whether. */
export const PARTIAL_FIELDS: readonly RoleField[] = [
  ...PRINTED_FIELDS.filter((field) => field !== 'ad_disabled'),
  'cr0_wp',
  'smep_andnot_wp',
  'smap_andnot_wp',
];
export const PARTIAL_MASK = roleMask(PARTIAL_FIELDS);
