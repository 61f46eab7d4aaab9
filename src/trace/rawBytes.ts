/** Byte strings in the arena: a unit with the length in bytes, then the bytes, four to a unit, first byte lowest. */

/** Units that `length` bytes take, their length included. */
export function unitsForBytes(length: number): number {
  return 1 + ((length + 3) >>> 2);
}

export function packBytes(bytes: Uint8Array, from: number, to: number, units: Uint32Array, at: number): void {
  const length = to - from;
  units[at] = length;
  let u = at + 1;
  let i = from;
  for (; i + 4 <= to; i += 4) units[u++] = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
  let rest = 0;
  for (let shift = 0; i < to; i++, shift += 8) rest |= bytes[i]! << shift;
  if (length & 3) units[u] = rest;
}

/** The bytes that {@link packBytes} wrote; `get` reads one unit of the arena. */
export function unpackBytes(get: (unit: number) => number, at: number): Uint8Array {
  const bytes = new Uint8Array(get(at));
  for (let i = 0; i < bytes.length; i++) bytes[i] = (get(at + 1 + (i >>> 2)) >>> ((i & 3) << 3)) & 0xff;
  return bytes;
}
