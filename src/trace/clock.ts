/** 64-bit times in two halves, made from digits without a detour through a double. */
export interface Halves {
  low: number;
  high: number;
}

const TWO_16 = 0x1_0000;
const TWO_32 = 0x1_0000_0000;
const NANOS = 1_000_000_000;

/** seconds (below 2^32) and nanoseconds (below 10^9) as nanoseconds. Every product here stays an exact integer below 2^53. */
export function secondsToHalves(seconds: number, nanos: number, out: Halves): void {
  const upper = Math.floor(seconds / TWO_16) * NANOS;
  const lower = (seconds % TWO_16) * NANOS + nanos;
  const low = (upper % TWO_16) * TWO_16 + (lower % TWO_32);
  out.low = low % TWO_32;
  out.high = (Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32) + Math.floor(low / TWO_32)) % TWO_32;
}

/** Decimal digits bytes[from..to) as a 64-bit number; false when they are more than fit. */
export function digitsToHalves(bytes: Uint8Array, from: number, to: number, out: Halves): boolean {
  if (to - from <= 15) {
    let value = 0;
    for (let i = from; i < to; i++) value = value * 10 + (bytes[i]! - 0x30);
    out.low = value % TWO_32;
    out.high = Math.floor(value / TWO_32);
    return true;
  }
  let value = 0n;
  for (let i = from; i < to; i++) value = value * 10n + BigInt(bytes[i]! - 0x30);
  if (value >> 64n) return false;
  out.low = Number(value & 0xffff_ffffn);
  out.high = Number(value >> 32n);
  return true;
}
