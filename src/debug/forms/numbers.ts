/**
 * Numbers as the views print them (ui.md §1.4): hexadecimal without 0x in columns and names, event numbers in decimal with
 * separators. Copied text has event numbers bare.
 */

/** `300,045` */
export function count(n: number | bigint): string {
  return String(n).replace(/\B(?=(?:[0-9]{3})+$)/gu, ',');
}

/** Lower case, no 0x; of unsigned values. */
export function hex(value: number | bigint, width = 0): string {
  return value.toString(16).padStart(width, '0');
}

/** An SPTE index: 3 hex digits. */
export function indexName(index: number): string {
  return hex(index, 3);
}

/** A guest address: 8 digits, more where it needs them. */
export function address(value: bigint): string {
  return hex(value, 8);
}

/** `c2c00000–c2dfffff`, both ends with the same number of digits. `last` is the last byte. */
export function addressRange(first: bigint, last: bigint, dash = '–'): string {
  const width = Math.max(8, hex(last).length);
  return `${hex(first, width)}${dash}${hex(last, width)}`;
}

const UNITS = ['K', 'M', 'G', 'T', 'P'];

/** Bytes as `4K`, `2M`, `1G`: the largest unit in which the number is whole. */
export function size(bytes: bigint, gap = ''): string {
  let value = bytes >> 10n;
  let unit = 0;
  while (value >= 1024n && value % 1024n === 0n && unit < UNITS.length - 1) {
    value >>= 10n;
    unit++;
  }
  return `${value}${gap}${UNITS[unit]}`;
}

/** Bytes that one SPTE of a level maps: 4 KiB, 2 MiB, 1 GiB … */
export function spanOf(level: number): bigint {
  return 4096n << BigInt(9 * (level - 1));
}

/** `1 change`, `2 changes` */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A list in a sentence, of which only the first few are named. */
export function firstFew(items: readonly string[], most: number): string {
  return items.length > most ? `${items.slice(0, most).join(', ')} and ${count(items.length - most)} more` : items.join(', ');
}
