import { concat } from '../bytes.js';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** The kernel never writes longer lines; whatever does is not a trace, and must not fill the memory. */
const LONGEST = 64 * 1024;

/** Takes the bytes [from..to) of one line, without its end. `ended` is false for a last line without a line end, `cut` for an over-long one. */
export type TakeLine = (bytes: Uint8Array, from: number, to: number, ended: boolean, cut: boolean) => void;

/** Cuts a stream of bytes into lines. However the stream is cut into chunks, the lines are the same. */
export class LineSplitter {
  readonly #take: TakeLine;
  #carry: Uint8Array = new Uint8Array(0);
  /** inside a line that was cut at {@link LONGEST}: skip to its end */
  #skipping = false;

  constructor(take: TakeLine) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      if (this.#carry.length > 0 || this.#skipping) this.#finishCarried(chunk.subarray(from, end));
      else this.#line(chunk, from, end, true);
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  end(): void {
    if (this.#carry.length > 0) this.#line(this.#carry, 0, this.#carry.length, false);
    this.#carry = new Uint8Array(0);
    this.#skipping = false;
  }

  #finishCarried(rest: Uint8Array): void {
    if (!this.#skipping) {
      const line = concat([this.#carry, rest]);
      this.#line(line, 0, line.length, true);
    }
    this.#carry = new Uint8Array(0);
    this.#skipping = false;
  }

  #keep(rest: Uint8Array): void {
    if (this.#skipping) return;
    this.#carry = concat([this.#carry, rest]);
    if (this.#carry.length <= LONGEST) return;
    this.#take(this.#carry, 0, LONGEST, true, true);
    this.#carry = new Uint8Array(0);
    this.#skipping = true;
  }

  #line(bytes: Uint8Array, from: number, end: number, ended: boolean): void {
    if (end - from > LONGEST) this.#take(bytes, from, from + LONGEST, ended, true);
    else this.#take(bytes, from, end > from && bytes[end - 1] === RETURN ? end - 1 : end, ended, false);
  }
}
