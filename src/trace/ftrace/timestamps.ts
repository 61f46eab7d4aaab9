import { LATENCY_MARKS } from '../lineText.js';
import { digitsToHalves, secondsToHalves, type Halves } from '../clock.js';
import { startsWith } from '../bytes.js';
import { isDigit, skipBlanks } from './prefix.js';

const BLANK = 0x20;
const COLON = 0x3a;
const DOT = 0x2e;

/** Reads the time columns of trace lines; the last time read stands in `low` and `high`. */
export class Timestamps implements Halves {
  low = 0;
  high = 0;
  /** the last time read had no fraction: a clock that counts something else than time */
  ticks = false;
  /** the last time read had nine digits after the point */
  nanos = false;
  readonly #nanosToo: boolean;
  /** the mark behind the last time in latency format */
  mark = ' ';

  /** @param nanosToo the text may have times in nanoseconds; the kernel's own never has */
  constructor(nanosToo = false) {
    this.#nanosToo = nanosToo;
  }

  /** `    7.552773: ` or `166599545512: `; where the event's name begins, or -1. */
  read(bytes: Uint8Array, from: number, to: number): number {
    const start = skipBlanks(bytes, from, to);
    let seconds = 0;
    let at = start;
    for (; at < to && isDigit(bytes[at]!); at++) seconds = seconds * 10 + (bytes[at]! - 0x30);
    if (at === start) return -1;
    this.ticks = bytes[at] !== DOT;
    if (this.ticks) {
      if (bytes[at] !== COLON || bytes[at + 1] !== BLANK || at + 1 >= to || !digitsToHalves(bytes, start, at, this)) return -1;
      return at + 2;
    }
    let value = 0;
    const fraction = at + 1;
    for (at = fraction; at < to && isDigit(bytes[at]!); at++) value = value * 10 + (bytes[at]! - 0x30);
    this.nanos = this.#nanosToo && at - fraction === 9;
    if ((at - fraction !== 6 && !this.nanos) || bytes[at] !== COLON || bytes[at + 1] !== BLANK || at + 1 >= to || seconds >= 0x1_0000_0000)
      return -1;
    secondsToHalves(seconds, this.nanos ? value : value * 1000, this);
    return at + 2;
  }

  /** ` 358504us+: `, microseconds since the trace began. */
  latency(bytes: Uint8Array, from: number, to: number): number {
    const digits = skipBlanks(bytes, from, to);
    let at = digits;
    while (at < to && isDigit(bytes[at]!)) at++;
    if (at === digits || at + 5 > to || !startsWith(bytes, 'us', at) || !startsWith(bytes, ': ', at + 3)) return -1;
    this.mark = String.fromCharCode(bytes[at + 2]!);
    if (!LATENCY_MARKS.includes(this.mark) || !digitsToHalves(bytes, digits, at, this)) return -1;
    const nanos = BigInt.asUintN(64, ((BigInt(this.high) << 32n) | BigInt(this.low)) * 1000n);
    this.low = Number(nanos & 0xffff_ffffn);
    this.high = Number(nanos >> 32n);
    return at + 5;
  }
}
