import { ARGUMENT_COLUMNS } from './argumentColumns.js';
import type { Column, Value } from './column.js';
import { EVENT_COLUMNS, FINDING_COLUMNS, TRACE_COLUMNS } from './eventColumns.js';
import { PAGE_COLUMNS, ROLE_COLUMNS } from './pageColumns.js';
import type { Rows } from './rows.js';

/** The table of events and findings: the same columns for every trace. */
export const COLUMNS: readonly Column[] = [
  ...TRACE_COLUMNS,
  ...EVENT_COLUMNS,
  ...FINDING_COLUMNS,
  ...PAGE_COLUMNS,
  ...ARGUMENT_COLUMNS,
  ...ROLE_COLUMNS,
];

/** A column's values in some rows. */
export function valuesOf(column: Column, rows: Rows): (Value | undefined)[] {
  const { kinds } = column;
  const values = new Array<Value | undefined>(rows.events.length);
  if (kinds && !kinds.some((has, kind) => has && rows.kinds[kind])) return values.fill(undefined);
  for (let row = 0; row < values.length; row++) values[row] = column.at(rows, row);
  return values;
}
