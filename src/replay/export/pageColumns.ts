import { NO_PAGE } from '../../engine/ids.js';
import type { Birth } from '../../engine/pages.js';
import { ROLE_FIELDS, roleField, type RoleField } from '../../engine/role.js';
import type { Role } from '../../engine/ids.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import { accessLetters, roleFieldKnown, roleWord } from '../query/roles.js';
import { ofKinds, type Column, type ColumnType, type Value } from './column.js';
import type { Rows } from './rows.js';

/** Events that begin with the fields of a shadow page. */
export const PAGE_KINDS = ofKinds([Kind.getPage, Kind.syncPage, Kind.unsyncPage, Kind.prepareZap]);

/** Names under which the role's fields are read, where they are not the engine's. */
const FIELD_NAMES: Partial<Record<RoleField, string>> = { has4ByteGpte: 'has_4_byte_gpte' };
const NUMBERS: readonly RoleField[] = ['level', 'quadrant', 'smm'];

/** The shadow page that an event is about, as the engine knows it from its birth on. */
export const PAGE_COLUMNS: readonly Column[] = [
  {
    name: 'sp',
    type: 'i32',
    help: 'the shadow page that the event is about: its number in this trace, in order of birth',
    at: (rows, r) => rows.page(r) || undefined,
  },
  sp('gfn', 'u64', 'guest frame that the page shadows', ({ gfn }) => BigInt(gfn)),
  sp('level', 'i32', 'its level, 1 to 5', ({ role }) => roleField(role, 'level')),
  sp('quadrant', 'i32', 'its quadrant, 0 to 3', ({ role }) => roleField(role, 'quadrant')),
  sp('direct', 'bool', 'no guest table behind it', ({ role }) => roleField(role, 'direct') === 1),
  sp('gpte_bytes', 'i32', 'size of a guest entry, 4 or 8', ({ role }) => (roleField(role, 'has4ByteGpte') ? 4 : 8)),
  sp('access', 'text', 'its access, as the kernel prints it: wux', ({ role }, rows) => accessLetters(role, rows.table.info.layout)),
  sp(
    'role',
    'u32',
    'its role word at birth, where the trace gives all of it',
    ({ role }, rows) => rows.replay.history.wordOf(role) ?? undefined,
  ),
  {
    name: 'sp_born',
    type: 'i32',
    help: 'first event about it',
    at: (rows, r) => {
      const page = rows.page(r);
      return page === NO_PAGE ? undefined : rows.replay.history.pages.born(page);
    },
  },
  sp('existing', 'bool', 'it was there before the trace began, or before a loss', ({ before }) => before),
  {
    name: 'spte_index',
    type: 'i32',
    help: 'index of the SPTE that the event is about, 0 to 511',
    at: (rows, r) => rows.replay.spteOf(rows.event(r))?.index,
  },
];

/** The role in an event about a page. A field is null where the kernel has none, or the trace does not show it. */
export const ROLE_COLUMNS: readonly Column[] = [
  ofRole('role', 'u32', "the kernel's role word, where the trace gives all of it", (role, { table: { info } }) =>
    roleWord(role, info.layout, info.roles),
  ),
  ofRole('role_access', 'text', 'access, as the kernel prints it: wux', (role, { table }) => accessLetters(role, table.info.layout)),
  ...ROLE_FIELDS.filter((field) => field !== 'access' && field !== 'hidden').map(roleColumn),
];

function sp(name: string, type: ColumnType, help: string, read: (birth: Birth, rows: Rows) => Value | undefined): Column {
  return {
    name: `sp_${name}`,
    type,
    help,
    at: (rows, r) => {
      const page = rows.page(r);
      return page === NO_PAGE ? undefined : read(rows.replay.history.pages.birth(page), rows);
    },
  };
}

function ofRole(name: string, type: ColumnType, help: string, read: (role: Role, rows: Rows) => Value | undefined): Column {
  return {
    name,
    type,
    help,
    kinds: PAGE_KINDS,
    at: (rows, r) => {
      const role = roleOf(rows, r);
      return role === undefined ? undefined : read(role, rows);
    },
  };
}

function roleColumn(field: RoleField): Column {
  const name = FIELD_NAMES[field] ?? field;
  const isNumber = NUMBERS.includes(field);
  return ofRole(`role_${name}`, isNumber ? 'i32' : 'bool', `field ${name} of the role`, (role, { table: { info } }) => {
    if (!info.layout.fields[field] || !roleFieldKnown(field, info.roles)) return undefined;
    return isNumber ? roleField(role, field) : roleField(role, field) === 1;
  });
}

/** The role in an event about a page, in the engine's layout; undefined for other events. */
export function roleOf(rows: Rows, row: number): Role | undefined {
  const event = rows.event(row);
  if (!PAGE_KINDS[rows.kind(row)] || !rows.table.has(event, SpSlot.role)) return undefined;
  return rows.table.num(event, SpSlot.role) as Role;
}
