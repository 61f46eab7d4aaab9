import { parseConversions, formatNumber, pad } from './printf.js';

/** The kernel's symbols, from the text of /proc/kallsyms; read when the first is asked for. */
export class Symbols {
  readonly #load: () => string;
  #addresses: BigUint64Array | undefined;
  #names: string[] = [];
  readonly #cache = new Map<bigint, string>();

  constructor(load: () => string) {
    this.#load = load;
  }

  /** The function an address lies in; the address itself where the trace has no name for it. */
  name(address: bigint): string {
    let name = this.#cache.get(address);
    if (name === undefined) {
      name = this.#find(address) ?? `0x${address.toString(16)}`;
      this.#cache.set(address, name);
    }
    return name;
  }

  #find(address: bigint): string | undefined {
    const addresses = (this.#addresses ??= this.#parse());
    let low = 0;
    let high = addresses.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#names[low - 1];
  }

  /** `ffffffff81000000 T _stext` and, of modules, `ffffffffc0a00000 t snap\t[mmudump]` */
  #parse(): BigUint64Array {
    const entries: [bigint, string][] = [];
    for (const match of this.#load().matchAll(/^([0-9a-f]+) [tTwW] ([^\s[]+)/gim)) entries.push([BigInt(`0x${match[1]}`), match[2]!]);
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#names = entries.map(([, name]) => name);
    return BigUint64Array.from(entries, ([address]) => address);
  }
}

/** `0xffffffff8234aef8 : "CPU_ON"`: format strings of trace_printk, by address. */
export function parsePrintkFormats(text: string): Map<bigint, string> {
  const formats = new Map<bigint, string>();
  for (const match of text.matchAll(/^(0x[0-9a-f]+) : "(.*)"$/gim)) {
    formats.set(
      BigInt(match[1]!),
      match[2]!.replace(/\\([nt"\\])/g, (_, c: string) => (c === 'n' ? '\n' : c === 't' ? '\t' : c)),
    );
  }
  return formats;
}

/**
 * What trace_printk recorded: its format string and the arguments as `vbin_printf` packed them. Integers stand aligned to their size,
 * 64-bit ones to 4; strings stand as they are, with their NUL.
 */
export function printBinary(format: string, data: Uint8Array, little: boolean, symbol: (address: bigint) => string): string {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  const integer = (size: 1 | 2 | 4 | 8): bigint => {
    const align = Math.min(size, 4);
    at = Math.ceil(at / align) * align;
    const start = at;
    at += size;
    if (at > data.length) return 0n;
    if (size === 1) return BigInt(view.getUint8(start));
    if (size === 2) return BigInt(view.getUint16(start, little));
    if (size === 4) return BigInt(view.getUint32(start, little));
    return view.getBigUint64(start, little);
  };
  const string = (): string => {
    const end = data.indexOf(0, at);
    const text = new TextDecoder().decode(data.subarray(at, end < 0 ? undefined : end));
    at = end < 0 ? data.length : end + 1;
    return text;
  };
  let text = '';
  for (const piece of parseConversions(format)) {
    if (typeof piece === 'string') {
      text += piece;
      continue;
    }
    const width = piece.width === '*' ? Number(integer(4)) : piece.width;
    const precision = piece.precision === '*' ? Number(integer(4)) : piece.precision;
    if (piece.type === 's') text += pad(piece, string().slice(0, precision), width);
    else if (piece.type === 'c') text += pad(piece, String.fromCharCode(Number(integer(1))), width);
    else if (piece.type === 'p') {
      const value = integer(8);
      text += /^[sSfFB]/.test(piece.pointer) ? symbol(value) : pad(piece, value.toString(16).padStart(16, '0'), width);
    } else text += formatNumber(piece, integer((piece.bits / 8) as 1 | 2 | 4 | 8), width, precision);
  }
  return text;
}
