import type { Literal, Node } from './ast.js';
import { Abort, ConditionError } from './errors.js';
import type { Field } from './fields.js';
import { globMatcher } from './glob.js';
import type { Comparison } from './lexer.js';
import { isSafe, numberAdvice, parseNumber, parseSeconds, type Seconds } from './numbers.js';
import type { NumberReader, Predicate, Reader, TextReader, TimeReader } from './readers.js';

export type CompareNode = Extract<Node, { type: 'compare' }>;

/**
 * The closure of one comparison. `not` negates an operator that has no opposite (`&`, `~`); the field must be there either way.
 */
export function compare<T>(text: string, field: Field, reader: Reader<T>, node: CompareNode, op: Comparison, not: boolean): Predicate<T> {
  const { value } = node;
  switch (reader.type) {
    case 'number':
      return compareNumber({ text, name: field.name, node, op, not }, reader);
    case 'text':
      return compareText({ text, name: field.name, node, op, not }, reader);
    case 'time': {
      const seconds = parseSeconds(value.text);
      if (!seconds) fail(text, value, `event.time needs seconds as the trace prints them, like 34.467238`);
      if (op === '~' || op === '&') fail(text, value, `event.time cannot be compared with ${op}`);
      return compareTime(seconds, op, reader);
    }
    default:
      if (reader.number) return compareNumber({ text, name: field.name, node, op, not }, reader.number);
      return fail(text, node.field, `${field.name} is a whole page; compare one of its fields, like sp.gfn or sp.unsync`);
  }
}

/** What is compared, and how: for the closures, and for what is said of a comparison that makes no sense. */
interface Compared {
  readonly text: string;
  /** of the field */
  readonly name: string;
  readonly node: CompareNode;
  readonly op: Comparison;
  readonly not: boolean;
}

function compareNumber<T>(compared: Compared, reader: NumberReader<T>): Predicate<T> {
  const { text, name, node, op, not } = compared;
  const { value } = node;
  const number = value.quoted ? undefined : parseNumber(value.text);
  if (number === undefined) {
    if (reader.letters && (value.quoted || /^[rwux-]+$/u.test(value.text))) return compareLetters(compared, reader);
    return fail(text, value, value.quoted ? `${name} is a number, not text` : `${name}: ${numberAdvice(value.text)}`);
  }
  if (op === '~') return fail(text, node.field, `~ compares text; ${name} is a number`);
  return isSafe(number) && op !== '&' ? inDoubles(reader, op, Number(number)) : inWords(reader, op, number, not);
}

/** NaN, the missing value, makes every comparison false but `!=`, which therefore asks for it. */
function inDoubles<T>(reader: NumberReader<T>, op: Comparison, c: number): Predicate<T> {
  switch (op) {
    case '==':
      return (of) => reader.num(of) === c;
    case '!=':
      return (of) => {
        const n = reader.num(of);
        return n !== c && !Number.isNaN(n);
      };
    case '<':
      return (of) => reader.num(of) < c;
    case '<=':
      return (of) => reader.num(of) <= c;
    case '>':
      return (of) => reader.num(of) > c;
    default:
      return (of) => reader.num(of) >= c;
  }
}

/** For numbers beyond 2^53, and for bits. Columns have them in halves, which need no bigint. */
function inWords<T>(reader: NumberReader<T>, op: Comparison, c: bigint, not: boolean): Predicate<T> {
  if (op === '&') return anyBit(reader, c, not);
  return (of) => {
    if (Number.isNaN(reader.num(of))) return false;
    const n = bits(reader, of);
    return holds(n < c ? -1 : n > c ? 1 : 0, op);
  };
}

function anyBit<T>(reader: NumberReader<T>, c: bigint, not: boolean): Predicate<T> {
  const low = Number(BigInt.asIntN(32, c));
  const high = Number(BigInt.asIntN(32, c >> 32n));
  const small = c >= 0n && c <= 0x7fff_ffffn;
  return (of) => {
    const n = reader.num(of);
    if (Number.isNaN(n)) return false;
    if (small && n >= 0 && n <= 0x7fff_ffff) return ((n & low) !== 0) !== not;
    if (reader.low && reader.high) return (((reader.low(of) & low) | (reader.high(of) & high)) !== 0) !== not;
    return ((bits(reader, of) & c) !== 0n) !== not;
  };
}

function bits<T>(reader: NumberReader<T>, of: T): bigint {
  return reader.word?.(of) ?? BigInt(reader.num(of));
}

/** Access letters are compared as letters; `--x` and `x` are the same access. */
function compareLetters<T>({ text, node, op, not }: Compared, reader: NumberReader<T>): Predicate<T> {
  const { value } = node;
  if (op === '~') {
    const match = globMatcher(value.text);
    return (of) => {
      const letters = reader.letters!(of);
      return letters !== undefined && match(letters) !== not;
    };
  }
  const wanted = value.text.replaceAll('-', '');
  if (!/^r?w?u?x?$/u.test(wanted)) fail(text, value, `access is written with the letters r, w, u, x, like w-x`);
  if (op !== '==' && op !== '!=') fail(text, node.field, `access letters can be compared with == and !=`);
  return (of) => {
    const letters = reader.letters!(of)?.replaceAll('-', '');
    return letters !== undefined && (letters === wanted) === (op === '==');
  };
}

function compareText<T>({ text, name, node, op, not }: Compared, reader: TextReader<T>): Predicate<T> {
  const wanted = node.value.text;
  if (op === '~') {
    const match = remembered(globMatcher(wanted));
    return (of) => {
      const t = reader.text(of);
      return t !== undefined && match(t) !== not;
    };
  }
  if (op === '==') return (of) => reader.text(of) === wanted;
  if (op === '!=') {
    return (of) => {
      const t = reader.text(of);
      return t !== undefined && t !== wanted;
    };
  }
  return fail(text, node.field, `${name} is text; compare it with ==, != or ~`);
}

/** Names repeat by the million, message texts do not: the answers of the first few thousand texts are kept. */
function remembered(match: (text: string) => boolean): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    const fresh = match(text);
    if (known.size < 4096) known.set(text, fresh);
    return fresh;
  };
}

/**
 * Exact, in nanoseconds or in ticks. What the trace prints is rounded; so that a time one sees can be asked for, `==` also holds
 * when the time as printed is the one written.
 */
function compareTime<T>(seconds: Seconds, op: Comparison, reader: TimeReader<T>): Predicate<T> {
  const equality = op === '==' || op === '!=';
  const ns = wantedTime(seconds.ns);
  const ticks = seconds.ticks === undefined ? undefined : wantedTime(seconds.ticks);
  return (of) => {
    const wanted = reader.inSeconds(of) ? ns : ticks;
    if (wanted === undefined) return false;
    const gap = gapOf(reader, of, wanted);
    // Rounded to whole seconds they could be the same: no trace prints less.
    const asPrinted = equality && gap !== 0 && gap <= SECOND && gap >= -SECOND && printedNs(reader.printed(of), wanted.exact);
    return holds(asPrinted ? 0 : gap, op);
  };
}

const SECOND = 1e9;

interface WantedTime {
  readonly exact: bigint;
  /** exact below 2^53, and above no less than that */
  readonly short: number;
}

function wantedTime(exact: bigint): WantedTime {
  return { exact, short: Number(exact) };
}

/** From a wanted time to that of an event; exact where it is small, and in its sign. */
function gapOf<T>(reader: TimeReader<T>, of: T, wanted: WantedTime): number {
  const short = reader.shortTime(of);
  return short === undefined ? Number(reader.time(of) - wanted.exact) : short - wanted.short;
}

function printedNs(printed: string, wanted: bigint): boolean {
  const seconds = parseSeconds(printed.trim());
  return seconds !== undefined && seconds.decimals > 0 && seconds.ns === wanted;
}

function holds(order: number, op: Comparison): boolean {
  switch (op) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return false;
  }
}

function fail(text: string, place: Literal | { readonly column: number; readonly length: number }, message: string): never {
  throw new Abort(new ConditionError(message, text, place.column, place.length));
}
