import type { Role } from '../../engine/ids.js';
import { noNumber } from './columns.js';
import { roleColumn, spRole } from './eventFields.js';
import type { Field, NumberField } from './fields.js';
import { accessLetters, ROLE_ALIASES, ROLE_FIELDS, roleField, roleValue, roleWord, type RoleName } from './roles.js';
import type { EventScope, TraceFacts } from './scope.js';

/** `role` and its fields: those of the event, which the kernel prints of the page that it is about. */
export function roleFields(): Field[] {
  const names: RoleName[] = ROLE_FIELDS.filter((f) => f !== 'has4ByteGpte').map((field) => ({ name: field, field }));
  const word = number('word', 'the kernel’s role word; not in text traces, which print a part of it', 16, (role, { layout, roles }) =>
    roleWord(role, layout, roles),
  );
  return [
    { type: 'role', name: 'role', help: 'role of the page the event is about', has: (s) => spRole(s) !== undefined, number: word },
    word,
    number('gpte_bytes', 'size of a guest entry, 4 or 8', 10, (role) => (roleField(role, 'has4ByteGpte') ? 4 : 8)),
    ...names.map((n) => one(n.name, n)),
    ...Object.entries(ROLE_ALIASES).map(([alias, n]) => one(alias, n)),
  ];
}

function one(alias: string, name: RoleName): NumberField {
  const field = number(alias, `role field ${name.name}`, 10, (role, { layout, roles }) => roleValue(role, name, layout, roles));
  if (name.field !== 'access') return field;
  return {
    ...field,
    column: (columns, sample) => {
      const { layout, roles } = columns.table.info;
      const value = (role: Role): number => roleValue(role, name, layout, roles) ?? NaN;
      return roleColumn(columns, sample, value, (role) => accessLetters(role, layout)) ?? noNumber(true);
    },
    letters: (s) => {
      const role = spRole(s);
      return role === undefined ? undefined : accessLetters(role, s.replay.table.info.layout);
    },
  };
}

function number(name: string, help: string, base: 10 | 16, read: (role: Role, facts: TraceFacts) => number | undefined): NumberField {
  return {
    type: 'number',
    name: `role.${name}`,
    help,
    base,
    column: (columns, sample) => roleColumn(columns, sample, (role) => read(role, columns.table.info) ?? NaN) ?? noNumber(false),
    num: (s: EventScope) => {
      const role = spRole(s);
      return (role === undefined ? undefined : read(role, s.replay.table.info)) ?? NaN;
    },
    ofPage: (page, s) => read(page.role, s.replay.table.info),
  };
}
