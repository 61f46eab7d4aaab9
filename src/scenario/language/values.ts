import { NX, PAGE_SIZE_BIT } from '../../engine/spte.js';
import { type Reader, SyntaxFailure } from './reader.js';
import type { Bytes, Located, Location, Span, Value } from './statement.js';

/** MAXPHYADDR of the machine's CPU, bits. */
export const PHYSICAL_BITS = 40;
export const MOST_GFN = 2 ** (PHYSICAL_BITS - 12) - 1;
export const MOST_GPA = 2 ** PHYSICAL_BITS - 1;
/** page frames of the host: 52 bits of address */
export const MOST_PFN = 2 ** 40 - 1;
export const MOST_VA = (1n << 64n) - 1n;
const MOST_WORD = (1n << 64n) - 1n;
const MAXPHYADDR = ` (MAXPHYADDR is ${PHYSICAL_BITS})`;
/** 512 8-byte entries, or 1024 of 4 bytes; those of one byte are the most */
const MOST_INDEX = 4095;

/** Flags of guest entries [Intel SDM vol. 3A 4.4]. */
export const FLAGS = {
  P: 1n << 0n,
  W: 1n << 1n,
  U: 1n << 2n,
  PWT: 1n << 3n,
  PCD: 1n << 4n,
  A: 1n << 5n,
  D: 1n << 6n,
  PS: PAGE_SIZE_BIT,
  G: 1n << 8n,
  NX,
} as const;
export type Flag = keyof typeof FLAGS;
export const FLAG_NAMES = Object.keys(FLAGS) as Flag[];

export function gfn(reader: Reader, what = 'a gfn'): Located<number> | undefined {
  return reader.count(what, MOST_GFN, MAXPHYADDR);
}

export function pfn(reader: Reader): Located<number> {
  return reader.need(reader.count('a pfn', MOST_PFN));
}

/** An address in bytes, or `gfn(N)`. */
export function address(reader: Reader, what: string, most: bigint, why?: string): Located<bigint> | undefined {
  return gfnAddress(reader) ?? reader.number(what, most, why);
}

export function gpa(reader: Reader, what = 'a guest physical address'): Located<number> | undefined {
  const found = address(reader, what, BigInt(MOST_GPA), MAXPHYADDR);
  return found && { ...found, value: Number(found.value) };
}

export function va(reader: Reader): Located<bigint> {
  return reader.need(address(reader, 'an address', MOST_VA));
}

/** `gfn(N)`: where a guest frame begins. */
function gfnAddress(reader: Reader): Located<bigint> | undefined {
  const begin = reader.word('gfn');
  if (!begin) return undefined;
  reader.need(reader.sign('('));
  const { value } = reader.need(gfn(reader));
  const { end } = reader.need(reader.sign(')'));
  return { value: BigInt(value) << 12n, column: begin.column, end };
}

/** `GPA`, `TABLE[INDEX]`, and with `ranges` `TABLE[FIRST..LAST]`. */
export function location(reader: Reader, ranges: boolean): Location {
  const base = reader.need(gpa(reader));
  if (!reader.sign('[')) return { base, column: base.column, end: base.end };
  const first = reader.need(index(reader));
  const last = ranges && reader.sign('..') ? reader.need(index(reader)) : first;
  const { end } = reader.need(reader.sign(']'));
  if (last.value < first.value) throw new SyntaxFailure(last, `expected an index from ${first.value} on, found '${last.value}'`);
  return { base, index: { first, last }, column: base.column, end };
}

export function index(reader: Reader): Located<number> | undefined {
  return reader.count('an index', MOST_INDEX);
}

/** Numbers and flags joined by `|`. */
export function value(reader: Reader): Value {
  const first = term(reader);
  let { bits, end, nx } = first;
  while (reader.sign('|')) {
    const more = term(reader);
    bits |= more.bits;
    end = more.end;
    nx ??= more.nx;
  }
  return { value: bits, column: first.column, end, ...(nx && { nx }) };
}

interface Term extends Span {
  readonly bits: bigint;
  readonly nx: Span | undefined;
}

function term(reader: Reader): Term {
  const frame = gfnAddress(reader);
  if (frame) return { ...frame, bits: frame.value, nx: undefined };
  const number = reader.number('a number', MOST_WORD);
  if (number) return { ...number, bits: number.value, nx: undefined };
  const flag = reader.need(reader.choice(FLAG_NAMES, 'a flag'));
  return { ...flag, bits: FLAGS[flag.value], nx: flag.value === 'NX' ? flag : undefined };
}

/** `as N bytes` */
export function asBytes(reader: Reader): Located<Bytes> | undefined {
  if (!reader.word('as')) return undefined;
  const { value: size, column, end } = reader.need(reader.choice(['1', '2', '4', '8'] as const, 'a size'));
  reader.need(reader.word('bytes') ?? reader.word('byte'));
  return { value: Number(size) as Bytes, column, end };
}
