import type { Span } from './statement.js';

/** A word, a number, or a sign of a line. */
export interface Token extends Span {
  readonly kind: 'word' | 'sign' | 'other';
  readonly text: string;
}

/** One line taken apart. */
export interface Line {
  readonly tokens: readonly Token[];
  /** column after the statement, where a comment or nothing follows */
  readonly end: number;
  /** column of the `#` */
  readonly comment: number | undefined;
}

/** Words may hold dots (versions) and hyphens (features), but not the `..` of a range. */
const TOKEN = /(?<word>[\w-](?:[\w-]|\.(?!\.))*)|(?<sign>\.\.|[|=[\](),:])|(?<other>[^\s\w#|=[\](),:-]+)/gy;
const SPACE = /\s*/y;

export function tokensOf(text: string): Line {
  const tokens: Token[] = [];
  let at = skip(text, 0);
  while (at < text.length && text[at] !== '#') {
    TOKEN.lastIndex = at;
    const { groups } = TOKEN.exec(text)!;
    const kind = groups!.word !== undefined ? 'word' : groups!.sign !== undefined ? 'sign' : 'other';
    const found = groups![kind]!;
    tokens.push({ kind, text: found, column: at + 1, end: at + 1 + found.length });
    at = skip(text, at + found.length);
  }
  return { tokens, end: tokens.at(-1)?.end ?? 1, comment: at < text.length ? at + 1 : undefined };
}

function skip(text: string, from: number): number {
  SPACE.lastIndex = from;
  SPACE.exec(text);
  return SPACE.lastIndex;
}

/** Lines of a file, whatever ends them, without a byte order mark. */
export function linesOf(text: string): string[] {
  return text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
}

const NUMBER = /^(?:0x(?<hex>[0-9a-f][0-9a-f_]*)|(?<decimal>\d[\d_]*))(?<size>[kmgt])?$/i;
const SIZES: Readonly<Record<string, bigint>> = { k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n };

/** A number as it is written: decimal or 0x…, `_` inside, and with a size K, M, G or T; undefined when it is none. */
export function numberOf(text: string): bigint | undefined {
  const groups = NUMBER.exec(text)?.groups;
  if (!groups) return undefined;
  const { hex, decimal, size } = groups;
  const number = BigInt(hex === undefined ? decimal!.replaceAll('_', '') : `0x${hex.replaceAll('_', '')}`);
  return number * (size === undefined ? 1n : SIZES[size.toLowerCase()]!);
}
