/** Numbers as people write them in conditions. Everything is a bigint until it is known to fit a double. */

const DECIMAL = /^-?(0|[1-9][0-9]*)$/u;
const HEX = /^-?0[xX][0-9a-fA-F]+$/u;
const SECONDS = /^(0|[1-9][0-9]*)(?:\.([0-9]{1,9}))?$/u;

/** A whole number: decimal, 0x hexadecimal, `true`, `false`. */
export function parseNumber(text: string): bigint | undefined {
  if (text === 'true') return 1n;
  if (text === 'false') return 0n;
  if (DECIMAL.test(text)) return BigInt(text);
  if (HEX.test(text)) return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return undefined;
}

/** Advice for what is almost a number. */
export function numberAdvice(text: string): string {
  if (/^0[0-9]+$/u.test(text)) return `a leading 0 is ambiguous; write ${text.replace(/^0+(?=.)/u, '')} or 0x${text}`;
  if (/^[0-9a-fA-F]+$/u.test(text)) return `hexadecimal numbers need 0x: 0x${text}`;
  if (/^[0-9]{1,3}(,[0-9]{3})+$/u.test(text)) return `write ${text.replaceAll(',', '')} without separators`;
  return `'${text}' is not a number`;
}

/** A time in seconds with up to nine decimals, exact. */
export interface Seconds {
  readonly ns: bigint;
  /** the number as it stands, for clocks that count ticks; undefined when it has decimals */
  readonly ticks: bigint | undefined;
  readonly decimals: number;
}

export function parseSeconds(text: string): Seconds | undefined {
  const match = SECONDS.exec(text);
  if (!match) return undefined;
  const [, whole = '', fraction = ''] = match;
  return {
    ns: BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0')),
    ticks: fraction ? undefined : BigInt(whole),
    decimals: fraction.length,
  };
}

/** True for values that a double holds exactly. */
export function isSafe(value: bigint): boolean {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
}
