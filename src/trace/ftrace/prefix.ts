import type { LineStyle } from '../shape.js';

/** The columns before an event's name, as places in the line. Nothing is decoded before it is known to be needed. */
export interface Prefix {
  /** the bracket of the CPU */
  bracket: number;
  commFrom: number;
  commTo: number;
  pid: number;
  pidWidth: number;
  /** undefined: no such column; -1: the kernel did not know it */
  tgid: number | undefined;
  cpu: number;
  flagsFrom: number;
  flagsTo: number;
  style: LineStyle;
}

const BLANK = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const LEFT = 0x28;
const RIGHT = 0x29;
/** Task names have at most 15 characters; the kernel pads to 16. */
const COMM_MAX = 16;

/**
 * `        kvmguest-470     [000] d..1.` and with a TGID column. A task name may hold anything, brackets and dashes too, so the columns
 * are found from the CPU's bracket leftwards; a name may even look like the columns, so the search can go on behind a bracket that was
 * not it. Undefined when the line has no such beginning.
 */
export function parsePrefix(bytes: Uint8Array, from: number, to: number, after = from): Prefix | undefined {
  for (let open = bytes.indexOf(OPEN, after); open >= 0 && open < to; open = bytes.indexOf(OPEN, open + 1)) {
    const found = columnsAround(bytes, from, to, open);
    if (found) return found;
  }
  return undefined;
}

function columnsAround(bytes: Uint8Array, from: number, to: number, open: number): Prefix | undefined {
  let close = open + 1;
  while (close < to && isDigit(bytes[close]!)) close++;
  if (close === open + 1 || bytes[close] !== CLOSE || close + 1 >= to) return undefined;
  const cpu = decimal(bytes, open + 1, close);

  let next = open;
  let tgid: number | undefined;
  let at = skipBlanksBack(bytes, from, next);
  if (at === next) return undefined;
  if (bytes[at - 1] === RIGHT) {
    const left = bytes.lastIndexOf(LEFT, at - 1);
    if (left <= from) return undefined;
    tgid = tgidOf(bytes, left + 1, at - 1);
    if (tgid === undefined) return undefined;
    next = left;
    at = skipBlanksBack(bytes, from, next);
    if (at === next) return undefined;
  }
  let digits = at;
  while (digits > from && isDigit(bytes[digits - 1]!)) digits--;
  if (digits === at || digits === from || bytes[digits - 1] !== DASH) return undefined;
  const commTo = digits - 1;
  const commFrom = skipBlanks(bytes, from, commTo);
  if (commTo - commFrom > COMM_MAX * 2) return undefined;

  // Without flags, a time that fills its column stands there; one of 12 digits and more leaves no blank.
  const bare = isTime(bytes, close + 1, to);
  if (!bare && bytes[close + 1] !== BLANK) return undefined;
  const flagsFrom = close + (bare ? 1 : 2);
  let flagsTo = flagsFrom;
  while (!bare && flagsTo < to && bytes[flagsTo] !== BLANK) flagsTo++;
  if (flagsTo - flagsFrom > 8) return undefined;
  return {
    bracket: open,
    commFrom,
    commTo,
    pid: decimal(bytes, digits, at),
    pidWidth: next - 1 - digits,
    tgid,
    cpu,
    flagsFrom,
    flagsTo,
    style: 'seconds',
  };
}

/** `74920.172620: ` or `715480724831: `, with blanks before it or without. */
function isTime(bytes: Uint8Array, from: number, to: number): boolean {
  let at = skipBlanks(bytes, from, to);
  if (at === to || !isDigit(bytes[at]!)) return false;
  while (at < to && (isDigit(bytes[at]!) || bytes[at] === DOT)) at++;
  return bytes[at] === COLON;
}

/** `kvmguest-1894      0d..1.`: the task name cut to 8 characters, the CPU and the flags in one column. */
export function parseLatencyPrefix(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
  for (let dash = bytes.indexOf(DASH, from); dash >= 0 && dash < to && dash - from <= 8; dash = bytes.indexOf(DASH, dash + 1)) {
    let at = dash + 1;
    while (at < to && isDigit(bytes[at]!)) at++;
    const pidTo = at;
    at = skipBlanks(bytes, at, to);
    const cpuFrom = at;
    while (at < to && isDigit(bytes[at]!)) at++;
    if (pidTo === dash + 1 || cpuFrom === pidTo || at === cpuFrom) continue;
    const cpuTo = Math.min(at, cpuFrom + Math.max(3, at - cpuFrom));
    let flagsTo = cpuTo;
    while (flagsTo < to && bytes[flagsTo] !== BLANK) flagsTo++;
    if (flagsTo - cpuTo < 4 || flagsTo - cpuTo > 8) continue;
    return {
      bracket: -1,
      commFrom: skipBlanks(bytes, from, dash),
      commTo: dash,
      pid: decimal(bytes, dash + 1, pidTo),
      // `%-7d %3d`: the CPU is right-aligned in three columns
      pidWidth: Math.max(pidTo - dash - 1, cpuTo - 3 - 1 - (dash + 1)),
      tgid: undefined,
      cpu: decimal(bytes, cpuFrom, cpuTo),
      flagsFrom: cpuTo,
      flagsTo,
      style: 'latency',
    };
  }
  return undefined;
}

function tgidOf(bytes: Uint8Array, from: number, to: number): number | undefined {
  const at = skipBlanks(bytes, from, to);
  if (bytes[at] === DASH) {
    for (let i = at; i < to; i++) if (bytes[i] !== DASH) return undefined;
    return -1;
  }
  for (let i = at; i < to; i++) if (!isDigit(bytes[i]!)) return undefined;
  return at < to ? decimal(bytes, at, to) : undefined;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

export function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] === BLANK) at++;
  return at;
}

function skipBlanksBack(bytes: Uint8Array, from: number, to: number): number {
  let at = to;
  while (at > from && bytes[at - 1] === BLANK) at--;
  return at;
}

function decimal(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = value * 10 + (bytes[i]! - 0x30);
  return value;
}
