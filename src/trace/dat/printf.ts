/** `printf` as the kernel has it (lib/vsprintf.c): conversions, and the numbers they make. */

export type Piece = string | Conversion;

export interface Conversion {
  /** d u x X o c s p */
  readonly type: string;
  /** what follows %p: S, s, f, F, U … */
  readonly pointer: string;
  readonly left: boolean;
  readonly zero: boolean;
  readonly alternate: boolean;
  readonly plus: boolean;
  readonly width: number | '*';
  readonly precision: number | '*' | undefined;
  /** of integers: 8, 16, 32, 64 */
  readonly bits: number;
}

const CONVERSION =
  /%(?<flags>[-+ #0]*)(?<width>\d+|\*)?(?:\.(?<precision>\d*|\*))?(?<length>hh|h|ll|l|L|z|j|t|q)?(?<type>[diuxXoscp%])(?<pointer>(?<=p)[A-Za-z][A-Za-z0-9]*)?/g;
const BITS: Readonly<Record<string, number>> = { hh: 8, h: 16, l: 64, ll: 64, L: 64, z: 64, j: 64, t: 64, q: 64 };
const POINTERS = /^(?:[SsFfB]R?b?|x|K|U[bBlL]?|I[46]|i[46]|M|m|E|e|h[CDN]?|[a-z])/;

export function parseConversions(format: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of format.matchAll(CONVERSION)) {
    if (match.index < at) continue;
    if (match.index > at) pieces.push(format.slice(at, match.index));
    const { flags = '', width, precision, length, type, pointer: after = '' } = match.groups as Record<string, string | undefined>;
    // Letters behind %p belong to it only as far as they are one of its extensions.
    const pointer = type === 'p' ? (POINTERS.exec(after)?.[0] ?? '') : '';
    at = match.index + match[0].length - after.length + pointer.length;
    if (type === '%') {
      pieces.push('%');
      continue;
    }
    pieces.push({
      type: type === 'i' ? 'd' : type!,
      pointer,
      left: flags.includes('-'),
      zero: flags.includes('0'),
      alternate: flags.includes('#'),
      plus: flags.includes('+'),
      width: width === '*' ? '*' : Number(width ?? 0),
      precision: precision === '*' ? '*' : precision === undefined ? undefined : Number(precision),
      bits: BITS[length ?? ''] ?? 32,
    });
  }
  if (at < format.length) pieces.push(format.slice(at));
  return pieces;
}

export function formatNumber(c: Conversion, value: bigint, width: number, precision: number | undefined): string {
  const signed = c.type === 'd';
  const number = signed ? BigInt.asIntN(c.bits, value) : BigInt.asUintN(c.bits, value);
  const negative = number < 0n;
  const base = c.type === 'd' || c.type === 'u' ? 10 : c.type === 'o' ? 8 : 16;
  let digits = (negative ? -number : number).toString(base).padStart(precision ?? 1, '0');
  if (c.type === 'X') digits = digits.toUpperCase();
  // Unlike the C library, the kernel writes 0x before a zero too.
  const prefix = (negative ? '-' : c.plus && signed ? '+' : '') + (c.alternate ? (base === 16 ? '0x' : base === 8 ? '0' : '') : '');
  if (c.zero && !c.left && precision === undefined) digits = digits.padStart(width - prefix.length, '0');
  return pad(c, prefix + digits, width);
}

export function pad(c: Conversion, text: string, width: number): string {
  return c.left ? text.padEnd(width) : text.padStart(width);
}
