import { formatNumber, pad, type Conversion } from './printf.js';
import { roleMember } from './roleMembers.js';
import type { RoleLayout } from '../../engine/roleLayout.js';
import type { EventFormat } from './format.js';
import { visit, type Expr, type PrintFmt } from './expr.js';

/** Where a print fmt finds the fields of a record. */
export interface Fields {
  /** a number, with its sign */
  value(name: string): bigint;
  /** the bytes of an array, in place or dynamic */
  bytes(name: string): Uint8Array;
  /** bytes per element of an array, and the sign of its elements */
  elements(name: string): { readonly size: number; readonly signed: boolean };
  /** where a field's data begins in the record: what `%s` of a pointer field would follow */
  readonly layout: RoleLayout;
  readonly format: EventFormat;
  /** the name of a kernel address */
  symbol(address: bigint): string;
}

type Value = bigint | string | Uint8Array;
const decoder = new TextDecoder();

/** The text of an event, as the kernel prints it. */
export function printEvent(fmt: PrintFmt, fields: Fields): string {
  let text = '';
  let next = 0;
  const arg = (): Value => {
    const expression = fmt.args[next++];
    return expression ? evaluate(expression, fields) : 0n;
  };
  for (const piece of fmt.pieces) text += typeof piece === 'string' ? piece : converted(piece, arg, fields);
  return text;
}

function converted(c: Conversion, arg: () => Value, fields: Fields): string {
  const width = c.width === '*' ? Number(number(arg())) : c.width;
  const precision = c.precision === '*' ? Number(number(arg())) : c.precision;
  const value = arg();
  switch (c.type) {
    case 's':
      return pad(c, stringOf(value).slice(0, precision), width);
    case 'c':
      // The kernel ends its own strings with a printed NUL.
      return number(value) === 0n ? '' : pad(c, String.fromCharCode(Number(number(value) & 0xffn)), width);
    case 'p':
      return pointerText(c, value, fields, width);
    default:
      return formatNumber(c, number(value), width, precision);
  }
}

function pointerText(c: Conversion, value: Value, fields: Fields, width: number): string {
  switch (c.pointer[0]) {
    case 'S':
    case 's':
    case 'F':
    case 'f':
    case 'B':
      return fields.symbol(number(value));
    case 'x':
      return number(value).toString(16);
    case 'U':
      return value instanceof Uint8Array ? uuid(value) : '';
    case 'I':
      return value instanceof Uint8Array && value.length === 4 ? value.join('.') : hexOf(value, ':');
    case 'M':
      return hexOf(value, ':');
    case 'h':
      return hexOf(value, c.pointer === 'hC' ? ':' : c.pointer === 'hD' ? '-' : c.pointer === 'hN' ? '' : ' ');
    default:
      // The real pointer; the kernel's text has a hash in its place.
      return pad(c, BigInt.asUintN(64, number(value)).toString(16).padStart(16, '0'), width);
  }
}

export function evaluate(e: Expr, fields: Fields): Value {
  switch (e.t) {
    case 'num':
    case 'str':
      return e.value;
    case 'field':
      return isNumberField(e.name, fields) ? fields.value(e.name) : fields.bytes(e.name);
    case 'enum':
      return fields.format.enums[e.name] ?? 0n;
    case 'unary': {
      const a = number(evaluate(e.a, fields));
      return e.op === '!' ? bool(a === 0n) : e.op === '~' ? ~a : -a;
    }
    case 'binary':
      return binary(e.op, e.a, e.b, fields);
    case 'cond':
      return evaluate(truth(evaluate(e.c, fields)) ? e.a : e.b, fields);
    case 'cast': {
      const a = evaluate(e.a, fields);
      if (typeof a !== 'bigint') return a;
      return e.signed ? BigInt.asIntN(e.bits, a) : BigInt.asUintN(e.bits, a);
    }
    case 'names':
      return e.flags ? flagNames(e, fields) : symbolName(e, fields);
    case 'element': {
      const { size, signed } = fields.elements(e.field);
      return elementsOf(fields.bytes(e.field), size, signed, fields.format.little)[Number(number(evaluate(e.i, fields)))] ?? 0n;
    }
    case 'table':
      return e.items[Number(number(evaluate(e.i, fields)))] ?? '';
    case 'role':
      return roleMember(fields.layout, e.member, Number(BigInt.asUintN(32, number(evaluate(e.word, fields)))));
    case 'text':
      return printEvent(e.fmt, fields);
    case 'call':
      return call(e.name, e.args, fields);
  }
}

function isNumberField(name: string, fields: Fields): boolean {
  return fields.format.fields.find((field) => field.name === name)?.storage === 'number';
}

function binary(op: string, left: Expr, right: Expr, fields: Fields): Value {
  if (op === '&&') return bool(truth(evaluate(left, fields)) && truth(evaluate(right, fields)));
  if (op === '||') return bool(truth(evaluate(left, fields)) || truth(evaluate(right, fields)));
  const a = number(evaluate(left, fields));
  const b = number(evaluate(right, fields));
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return BigInt.asIntN(65, a * b);
    case '/':
      return b === 0n ? 0n : a / b;
    case '%':
      return b === 0n ? 0n : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return BigInt.asUintN(64, a << (b & 63n));
    case '>>':
      return a >> (b & 63n);
    case '==':
      return bool(a === b);
    case '!=':
      return bool(a !== b);
    case '<':
      return bool(a < b);
    case '>':
      return bool(a > b);
    case '<=':
      return bool(a <= b);
    default:
      return bool(a >= b);
  }
}

type Names = Extract<Expr, { t: 'names' }>;

function symbolName(e: Names, fields: Fields): string {
  const value = BigInt.asUintN(64, number(evaluate(e.value, fields)));
  for (const [key, name] of e.pairs) if (isKnown(key, fields) && BigInt.asUintN(64, number(evaluate(key, fields))) === value) return name;
  return `0x${value.toString(16)}`;
}

/** A key that is a name of the kernel's, of which nobody knows the number, names nothing. */
function isKnown(key: Expr, fields: Fields): boolean {
  let known = true;
  visit(key, (e) => {
    if (e.t === 'enum' && !(e.name in fields.format.enums)) known = false;
  });
  return known;
}

function flagNames(e: Names, fields: Fields): string {
  let rest = BigInt.asUintN(64, number(evaluate(e.value, fields)));
  const names: string[] = [];
  for (const [key, name] of e.pairs) {
    if (!isKnown(key, fields)) continue;
    const mask = BigInt.asUintN(64, number(evaluate(key, fields)));
    if ((rest & mask) !== mask) continue;
    names.push(name);
    rest &= ~mask;
    if (rest === 0n) break;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.join(e.delimiter);
}

function call(name: string, args: readonly Expr[], fields: Fields): Value {
  const [first, second, third] = args;
  const own = first?.t === 'field' ? first.name : '';
  switch (name) {
    case '__get_str':
      return stringOf(fields.bytes(own));
    case '__get_dynamic_array':
      return fields.bytes(own);
    case '__get_dynamic_array_len':
      return BigInt(fields.bytes(own).length);
    case '__get_bitmask':
    case '__get_cpumask':
      return bitmask(fields.bytes(own), fields.format.little);
    case '__print_hex':
    case '__print_hex_str': {
      const bytes = bytesOf(evaluate(first!, fields)).subarray(0, Number(number(evaluate(second!, fields))));
      return hexOf(bytes, name === '__print_hex' ? ' ' : '');
    }
    case '__print_dynamic_array':
    case '__print_array': {
      const dynamic = name === '__print_dynamic_array';
      const bytes = dynamic ? fields.bytes(own) : bytesOf(evaluate(first!, fields));
      const size = Number(number(evaluate((dynamic ? second : third)!, fields)));
      const items = elementsOf(bytes, size, false, fields.format.little);
      const count = dynamic ? items.length : Number(number(evaluate(second!, fields)));
      return `{${items
        .slice(0, count)
        .map((v) => `0x${v.toString(16)}`)
        .join(',')}}`;
    }
    default:
      return '';
  }
}

export function elementsOf(bytes: Uint8Array, size: number, signed: boolean, little: boolean): bigint[] {
  const items: bigint[] = [];
  if (size < 1 || size > 8) return items;
  for (let at = 0; at + size <= bytes.length; at += size) {
    let value = 0n;
    for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(bytes[at + (little ? size - 1 - i : i)]!);
    items.push(signed ? BigInt.asIntN(size * 8, value) : value);
  }
  return items;
}

function bitmask(bytes: Uint8Array, little: boolean): string {
  const words = elementsOf(bytes, 4, false, little).reverse();
  return words.map((word) => word.toString(16).padStart(8, '0')).join(',');
}

function number(value: Value): bigint {
  return typeof value === 'bigint' ? value : 0n;
}

function truth(value: Value): boolean {
  return typeof value === 'bigint' ? value !== 0n : value.length > 0;
}

function bool(value: boolean): bigint {
  return value ? 1n : 0n;
}

function stringOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return value === 0n ? '(null)' : `0x${BigInt.asUintN(64, value).toString(16)}`;
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

function bytesOf(value: Value): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function hexOf(value: Value, between: string): string {
  return [...bytesOf(value)].map((byte) => byte.toString(16).padStart(2, '0')).join(between);
}

function uuid(bytes: Uint8Array): string {
  return hexOf(bytes, '').replace(/^(.{8})(.{4})(.{4})(.{4})(.*)$/, '$1-$2-$3-$4-$5');
}
