/**
 * How a field is read of whatever conditions are held against: of an event in its scope, or, in a scan of the columns, of an event of some
 * form by its number. "It has no such field" is NaN for numbers and undefined for everything else.
 */
export interface NumberReader<T> {
  readonly type: 'number';
  /** exact below 2^53; above, still in order */
  num(of: T): number;
  /** for values that can reach 2^53 */
  word?(of: T): bigint | undefined;
  /** the same 64 bits in halves, unsigned; only where there is a value */
  low?(of: T): number;
  high?(of: T): number;
  /** access letters, for fields that have them */
  letters?(of: T): string | undefined;
}

export interface TextReader<T> {
  readonly type: 'text';
  text(of: T): string | undefined;
}

export interface TimeReader<T> {
  readonly type: 'time';
  /** nanoseconds, or a clock's ticks */
  time(of: T): bigint;
  /** the same, where a double holds it */
  shortTime(of: T): number | undefined;
  inSeconds(of: T): boolean;
  /** as the trace prints it */
  printed(of: T): string;
}

/** A page, an SPTE, a whole role. */
export interface ThingReader<T> {
  readonly type: 'page' | 'spte' | 'role';
  has(of: T): boolean;
  /** what a comparison with a number compares */
  readonly number?: NumberReader<T>;
}

export type Reader<T> = NumberReader<T> | TextReader<T> | TimeReader<T> | ThingReader<T>;
export type Predicate<T> = (of: T) => boolean;
