import type { Literal, Node } from './ast.js';
import { Abort, ConditionError } from './errors.js';
import type { Field, NumberField, TextField } from './fields.js';
import { globMatcher } from './glob.js';
import type { Comparison } from './lexer.js';
import { isSafe, numberAdvice, parseNumber, parseSeconds, type Seconds } from './numbers.js';
import type { EventScope } from './scope.js';

type Predicate = (scope: EventScope) => boolean;
type CompareNode = Extract<Node, { type: 'compare' }>;

/**
 * The closure of one comparison. `not` negates an operator that has no opposite (`&`, `~`); the field must be there either way.
 */
export function compare(text: string, field: Field, node: CompareNode, op: Comparison, not: boolean): Predicate {
  const { value } = node;
  switch (field.type) {
    case 'number':
      return compareNumber(text, field, node, op, not);
    case 'text':
      return compareText(text, field, node, op, not);
    case 'time': {
      const seconds = parseSeconds(value.text);
      if (!seconds) fail(text, value, `event.time needs seconds as the trace prints them, like 34.467238`);
      if (op === '~' || op === '&') fail(text, value, `event.time cannot be compared with ${op}`);
      return compareTime(seconds, op);
    }
    default:
      if (field.number) return compareNumber(text, field.number, node, op, not);
      return fail(text, node.field, `${field.name} is a whole page; compare one of its fields, like sp.gfn or sp.unsync`);
  }
}

function compareNumber(text: string, field: NumberField, node: CompareNode, op: Comparison, not: boolean): Predicate {
  const { value } = node;
  const number = value.quoted ? undefined : parseNumber(value.text);
  if (number === undefined) {
    if (field.letters && (value.quoted || /^[rwux-]+$/u.test(value.text))) return compareLetters(text, field, node, op, not);
    return fail(text, value, value.quoted ? `${field.name} is a number, not text` : `${field.name}: ${numberAdvice(value.text)}`);
  }
  if (op === '~') return fail(text, node.field, `~ compares text; ${field.name} is a number`);
  return isSafe(number) ? inDoubles(field, op, Number(number), not) : inWords(field, op, number, not);
}

/** NaN, the missing value, makes every comparison false but `!=`, which therefore asks for it. */
function inDoubles(field: NumberField, op: Comparison, c: number, not: boolean): Predicate {
  switch (op) {
    case '==':
      return (s) => field.num(s) === c;
    case '!=':
      return (s) => {
        const n = field.num(s);
        return n !== c && !Number.isNaN(n);
      };
    case '<':
      return (s) => field.num(s) < c;
    case '<=':
      return (s) => field.num(s) <= c;
    case '>':
      return (s) => field.num(s) > c;
    case '>=':
      return (s) => field.num(s) >= c;
    default: {
      const wide = BigInt(c);
      return (s) => {
        const n = field.num(s);
        if (Number.isNaN(n)) return false;
        const small = n >= 0 && n <= 0x7fff_ffff && c >= 0 && c <= 0x7fff_ffff;
        return (small ? (n & c) !== 0 : (bits(field, s) & wide) !== 0n) !== not;
      };
    }
  }
}

function inWords(field: NumberField, op: Comparison, c: bigint, not: boolean): Predicate {
  return (s) => {
    if (Number.isNaN(field.num(s))) return false;
    const n = bits(field, s);
    return op === '&' ? ((n & c) !== 0n) !== not : holds(n < c ? -1 : n > c ? 1 : 0, op);
  };
}

function bits(field: NumberField, s: EventScope): bigint {
  return field.word?.(s) ?? BigInt(field.num(s));
}

/** Access letters are compared as letters; `--x` and `x` are the same access. */
function compareLetters(text: string, field: NumberField, node: CompareNode, op: Comparison, not: boolean): Predicate {
  const { value } = node;
  if (op === '~') {
    const match = globMatcher(value.text);
    return (s) => {
      const letters = field.letters!(s);
      return letters !== undefined && match(letters) !== not;
    };
  }
  const wanted = value.text.replaceAll('-', '');
  if (!/^r?w?u?x?$/u.test(wanted)) fail(text, value, `access is written with the letters r, w, u, x, like w-x`);
  if (op !== '==' && op !== '!=') fail(text, node.field, `access letters can be compared with == and !=`);
  return (s) => {
    const letters = field.letters!(s)?.replaceAll('-', '');
    return letters !== undefined && (letters === wanted) === (op === '==');
  };
}

function compareText(text: string, field: TextField, node: CompareNode, op: Comparison, not: boolean): Predicate {
  const wanted = node.value.text;
  if (op === '~') {
    const match = remembered(globMatcher(wanted));
    return (s) => {
      const t = field.text(s);
      return t !== undefined && match(t) !== not;
    };
  }
  if (op === '==') return (s) => field.text(s) === wanted;
  if (op === '!=') {
    return (s) => {
      const t = field.text(s);
      return t !== undefined && t !== wanted;
    };
  }
  return fail(text, node.field, `${field.name} is text; compare it with ==, != or ~`);
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
function compareTime(seconds: Seconds, op: Comparison): Predicate {
  return (s) => {
    const table = s.replay.table;
    const printed = table.timeText(s.event);
    const wanted = printed.includes('.') ? seconds.ns : seconds.ticks;
    if (wanted === undefined) return false;
    const time = table.time(s.event);
    const asPrinted = (op === '==' || op === '!=') && printedNs(printed, wanted);
    return holds(asPrinted ? 0 : time < wanted ? -1 : time > wanted ? 1 : 0, op);
  };
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
