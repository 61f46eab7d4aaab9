/** Small helpers on byte arrays. */

/** Some editors put it in front of UTF-8 text. */
export const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const decoder = new TextDecoder();

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function startsWith(bytes: Uint8Array, text: string | readonly number[], at = 0): boolean {
  const expected = typeof text === 'string' ? [...text].map((c) => c.charCodeAt(0)) : text;
  return expected.every((byte, i) => bytes[at + i] === byte);
}

export function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return decoder.decode(bytes.subarray(from, to));
}
