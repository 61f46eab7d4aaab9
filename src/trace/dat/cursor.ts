import { textOf } from '../bytes.js';

/** Reading beyond the end, or a size that cannot be. */
export class DatEnd extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Reads numbers and strings one after the other. `base` is where the bytes stand in the file, for messages. */
export class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #base: number;

  constructor(bytes: Uint8Array, little: boolean, base = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = little;
    this.#base = base;
  }

  get offset(): number {
    return this.#base + this.at;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), this.#little);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), this.#little);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), this.#little);
  }

  /** A 64-bit offset or size, which must be a number that a file can have. */
  size64(what: string): number {
    const start = this.offset;
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new DatEnd(`${what} is impossible`, start);
    return Number(value);
  }

  /** Text up to a NUL, which is read too. */
  cstring(): string {
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0) throw new DatEnd('a string without end', this.offset);
    const text = textOf(this.#bytes, this.at, end);
    this.at = end + 1;
    return text;
  }

  bytes(length: number): Uint8Array {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  text(length: number): string {
    return textOf(this.bytes(length));
  }

  #advance(length: number): number {
    if (length > this.left) throw new DatEnd(`${length} bytes are needed and ${this.left} are there`, this.offset);
    const from = this.at;
    this.at += length;
    return from;
  }
}
