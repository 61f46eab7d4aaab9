import { digitsToHalves } from './clock.js';
import { exceptionVector } from './exceptions.js';
import { parsePluginRole } from './report/roleWord.js';
import { parseRole } from './roleText.js';
import type { BatchBuilder } from './batch.js';
import { ByteInterner } from './byteInterner.js';
import type { HoleType, Spelling, Template } from './template.js';

/** Value of a hexadecimal digit, lower case only as the kernel prints it; -1 for any other byte. */
const HEX = new Int8Array(256).fill(-1);
for (let d = 0; d < 16; d++) HEX[d.toString(16).charCodeAt(0)] = d;

const NO = -1;
const UNKNOWN_ROLE = -2;

/** Reads messages by templates, from bytes into the units of a batch. */
export class TemplateReader {
  readonly #builder: BatchBuilder;
  readonly #texts = new ByteInterner();
  /** string of the table by text of the interner */
  readonly #stringOf: number[] = [];
  readonly #spelledOf: number[] = [];
  /** word by text of the interner; {@link UNKNOWN_ROLE} for texts that are none */
  readonly #pluginWords: number[] = [];
  /** role by text of the interner and number of letters; {@link UNKNOWN_ROLE} for texts that are none */
  readonly #roles: [number[], number[]] = [[], []];
  readonly #textOfString = new Map<number, string>();
  readonly #lookUp = (id: number): string => this.#textOfString.get(id)!;

  constructor(builder: BatchBuilder) {
    this.#builder = builder;
  }

  /** Reads bytes[from..to) into `units` at `base`; whether the template fits, all of it. */
  read(template: Template, bytes: Uint8Array, from: number, to: number, units: Uint32Array, base: number): boolean {
    let at = from;
    for (const step of template.steps) {
      if ('literal' in step) {
        const { literal } = step;
        if (at + literal.length > to) return false;
        for (let i = 0; i < literal.length; i++) if (bytes[at + i] !== literal[i]) return false;
        at += literal.length;
      } else {
        at = this.#hole(step.hole, bytes, at, to, units, base, base + step.at);
        if (at < 0) return false;
      }
    }
    if (at !== to) return false;
    return template.finish === undefined || template.finish(units, base, this.#lookUp);
  }

  /** Reads one hole; where it ends, or {@link NO}. */
  #hole(hole: HoleType, bytes: Uint8Array, at: number, to: number, units: Uint32Array, base: number, unit: number): number {
    switch (hole.type) {
      case 'hex':
        return hex(bytes, at, to, units, unit, hole.wide, hole.width);
      case 'dec':
        return decimal(bytes, at, to, units, unit, hole.signed);
      case 'flag':
        units[unit] = startsWith(bytes, at, to, hole.yes) ? 1 : 0;
        if (units[unit]) return at + hole.yes.length;
        return startsWith(bytes, at, to, hole.no) ? at + hole.no.length : NO;
      case 'str': {
        const end = hole.until.length ? find(bytes, at, to, hole.until) : to;
        if (end < 0) return NO;
        units[unit] = hole.spelling ? this.#spelled(bytes, at, end, hole.spelling) : this.#string(bytes, at, end);
        return end;
      }
      case 'wideDec':
        return wideDecimal(bytes, at, to, units, unit);
      case 'plugin': {
        const end = find(bytes, at, to, hole.until);
        const word = end < 0 ? UNKNOWN_ROLE : this.#pluginWord(this.#texts.id(bytes, at, end));
        units[unit] = word;
        return word === UNKNOWN_ROLE ? NO : end;
      }
      case 'tail':
        if (at < to && (bytes[at]! >= 0x80 || isWord(bytes[at]!))) return NO;
        units[unit] = this.#string(bytes, at, to);
        return to;
      case 'role': {
        const end = find(bytes, at, to, hole.until);
        if (end < 0) return NO;
        const role = this.#role(this.#texts.id(bytes, at, end), hole.letters);
        if (role === UNKNOWN_ROLE) return NO;
        units[unit] = role;
        return end;
      }
      case 'u':
        units[unit] = bytes[at] === U ? 1 : bytes[at] === DASH ? 0 : -1;
        return bytes[at] === U || bytes[at] === DASH ? at + 1 : at;
      case 'wbit':
        return bytes[at] === (units[base + hole.spte]! & 2 ? W : DASH) ? at + 1 : NO;
      case 'insn':
        return instruction(bytes, at, to, units, unit, base + hole.len);
      case 'exc': {
        let end = at;
        while (end < to && bytes[end] !== BLANK) end++;
        const vector = exceptionVector(this.#texts.text(this.#texts.id(bytes, at, end)));
        units[unit] = vector;
        return vector < 0 ? NO : end;
      }
    }
  }

  #string(bytes: Uint8Array, from: number, to: number): number {
    const text = this.#texts.id(bytes, from, to);
    return (this.#stringOf[text] ??= this.#keep(this.#texts.text(text)));
  }

  /** The string of another name for what the text says. A text that is not what the name is written as is its own name. */
  #spelled(bytes: Uint8Array, from: number, to: number, { read, write }: Spelling): number {
    const text = this.#texts.id(bytes, from, to);
    let id = this.#spelledOf[text];
    if (id === undefined) {
      const printed = this.#texts.text(text);
      const name = read(printed);
      id = this.#keep(write(name) === printed ? name : printed);
      this.#spelledOf[text] = id;
    }
    return id;
  }

  #keep(text: string): number {
    const id = this.#builder.string(text);
    this.#textOfString.set(id, text);
    return id;
  }

  #pluginWord(text: number): number {
    return (this.#pluginWords[text] ??= parsePluginRole(this.#texts.text(text)) ?? UNKNOWN_ROLE);
  }

  #role(text: number, letters: 3 | 4): number {
    const roles = this.#roles[letters - 3]!;
    return (roles[text] ??= parseRole(this.#texts.text(text), letters) ?? UNKNOWN_ROLE);
  }
}

const BLANK = 0x20;
const DASH = 0x2d;
const U = 0x75;
const W = 0x77;
const ZERO = 0x30;

function isWord(byte: number): boolean {
  return (byte >= ZERO && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f;
}

function startsWith(bytes: Uint8Array, at: number, to: number, text: Uint8Array): boolean {
  if (at + text.length > to) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

function find(bytes: Uint8Array, at: number, to: number, text: Uint8Array): number {
  for (let i = at; i + text.length <= to; i++) if (startsWith(bytes, i, to, text)) return i;
  return -1;
}

function hex(bytes: Uint8Array, at: number, to: number, units: Uint32Array, unit: number, wide: boolean, width: number): number {
  let low = 0;
  let high = 0;
  let i = at;
  for (; i < to; i++) {
    const digit = HEX[bytes[i]!]!;
    if (digit < 0) break;
    high = (high << 4) | (low >>> 28);
    low = (low << 4) | digit;
  }
  const digits = i - at;
  // Only as the kernel writes it: at least `width` digits, and no leading zero beyond that.
  if (digits < width || digits > (wide ? 16 : 8) || (digits > width && bytes[at] === ZERO)) return NO;
  units[unit] = low;
  if (wide) units[unit + 1] = high;
  return i;
}

function decimal(bytes: Uint8Array, at: number, to: number, units: Uint32Array, unit: number, signed: boolean): number {
  const negative = signed && bytes[at] === DASH;
  const first = negative ? at + 1 : at;
  let value = 0;
  let i = first;
  for (; i < to; i++) {
    const digit = bytes[i]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const digits = i - first;
  if (digits === 0 || digits > 10 || value > (signed ? 0x8000_0000 : 0xffff_ffff) || (digits > 1 && bytes[first] === ZERO)) return NO;
  units[unit] = negative ? -value : value;
  return i;
}

/** A decimal number of 64 bits. */
function wideDecimal(bytes: Uint8Array, at: number, to: number, units: Uint32Array, unit: number): number {
  let i = at;
  while (i < to && i - at < 21 && bytes[i]! >= ZERO && bytes[i]! <= 0x39) i++;
  const halves = { low: 0, high: 0 };
  if (i === at || i - at > 20 || (i - at > 1 && bytes[at] === ZERO) || !digitsToHalves(bytes, at, i, halves)) return NO;
  units[unit] = halves.low;
  units[unit + 1] = halves.high;
  return i;
}

/** `0f 22 d9`: the bytes to `unit` and the three after it, their number to `len`. */
function instruction(bytes: Uint8Array, at: number, to: number, units: Uint32Array, unit: number, len: number): number {
  let count = 0;
  let i = at;
  for (; i + 1 < to && count < 16; i += 2, count++) {
    if (count > 0) {
      if (bytes[i] !== BLANK || HEX[bytes[i + 1]!]! < 0) break;
      i++;
    }
    const value = (HEX[bytes[i]!]! << 4) | HEX[bytes[i + 1]!]!;
    if (value < 0) break;
    units[unit + (count >>> 2)]! |= value << ((count & 3) * 8);
  }
  units[len] = count;
  return i;
}
