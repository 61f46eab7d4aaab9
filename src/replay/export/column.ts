import type { Rows } from './rows.js';

/**
 * What a column holds: whole numbers with their width in bits and whether they have a sign, `bool`, `text`, and `texts`, a list of them.
 * 64-bit numbers are bigints, others numbers.
 */
export type ColumnType = 'u64' | 'i64' | 'u32' | 'i32' | 'bool' | 'text' | 'texts';

export type Value = bigint | number | boolean | string | readonly string[];

/** One column of the table of events that SQL engines read. Its name and type stay, so that tables of many traces are one. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** what it is, in half a line */
  readonly help: string;
  /** by kind of event: 1 where the column may have a value; absent where every event may */
  readonly kinds?: Uint8Array;
  /** values change by about as much from row to row */
  readonly steady?: true;
  /** least and greatest value of a group of rows would help nobody */
  readonly statistics?: false;
  /** the value in a row; undefined is null */
  at(rows: Rows, row: number): Value | undefined;
}

const LOW_BITS = 32n;

/** The halves of a 64-bit word as one number, unsigned. */
export function wordOf(low: number, high: number): bigint {
  return high === 0 ? BigInt(low) : (BigInt(high) << LOW_BITS) | BigInt(low);
}

/** For {@link Column.kinds}. */
export function ofKinds(kinds: Iterable<number>): Uint8Array {
  const set = new Uint8Array(256);
  for (const kind of kinds) set[kind] = 1;
  return set;
}
