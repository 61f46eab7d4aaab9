/** Numbers as the views print them (ui.md §1.4): hex without 0x in names and columns, event numbers in decimal with separators. */

export const hex = (value: number | bigint, width = 0): string => value.toString(16).padStart(width, '0');

/** `300,045` */
export const count = (value: number): string => value.toLocaleString('en-US');

/** Name of an SPTE index: 3 hex digits, or plain decimal when the user switched to it. */
export const indexName = (index: number, decimal: boolean): string => (decimal ? String(index) : hex(index, 3));

/** `2 entries`, `1 entry` */
export const plural = (n: number, one: string, many: string): string => `${count(n)} ${n === 1 ? one : many}`;

/** Bytes as `32 K`, `4 M`, `2 G`: always exact, an SPTE maps at least 4 KiB. */
export function size(bytes: bigint): string {
  const units = ['K', 'M', 'G', 'T', 'P'];
  let value = bytes >> 10n;
  let unit = 0;
  while (value >= 1024n && value % 1024n === 0n && unit < units.length - 1) {
    value >>= 10n;
    unit++;
  }
  return `${value} ${units[unit]}`;
}

/** A 64-bit value in groups of 4 digits; what is not known of it as `?`. */
export function groups(digits: string): string {
  return (digits.padStart(16, '0').match(/.{4}/g) ?? []).join(' ');
}

/** Digits of a link whose page frame is not known: bits 51..12 as `?`. */
export function withoutFrame(flags: string): string {
  const digits = flags.padStart(16, '0');
  return `${digits.slice(0, 3)}${'?'.repeat(10)}${digits.slice(13)}`;
}

/** `gfn 2ced → pfn 16ceed` in decimal when the user switched to it. */
export function framesInBase(text: string, decimal: boolean): string {
  if (!decimal) return text;
  return text.replace(/\b(gfn|pfn|frame) ([0-9a-f]+)\b/g, (_, name: string, digits: string) => `${name} ${BigInt(`0x${digits}`)}`);
}
