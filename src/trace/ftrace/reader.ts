import { NoteBook, counted } from '../notes.js';
import { BYTE_ORDER_MARK, startsWith, textOf } from '../bytes.js';
import { Kind, kindOf } from '../vocabulary.js';
import { isDigit, parseLatencyPrefix, parsePrefix, skipBlanks, type Prefix } from './prefix.js';
import { Timestamps } from './timestamps.js';
import { KernelEvidence } from '../evidence.js';
import { Header } from './header.js';
import { LineSplitter } from './lines.js';
import { ContextCache } from './contexts.js';
import { TextEvents } from '../textEvents.js';
import type { BatchBuilder } from '../batch.js';
import type { TraceInfo } from '../info.js';
import type { TextReader } from '../textReader.js';

const BLANK = 0x20;
const HASH = 0x23;
const COLON = 0x3a;
const DOT = 0x2e;
const LESS = 0x3c;

const RUN_TOGETHER = 'lines run into one another, as the trace option nohash-ptr makes kernel 6.1 print them: record without it';

/**
 * Reads the text of the kernel's `trace` and `trace_pipe` files in every shape that the trace options give it. Resumable: any way of
 * cutting the file into chunks gives the same events.
 */
export class FtraceReader implements TextReader {
  readonly #builder: BatchBuilder;
  readonly #file: string;
  readonly #compressed: boolean;
  readonly #notes = new NoteBook();
  readonly #evidence = new KernelEvidence();
  readonly #header = new Header(this.#evidence);
  readonly #lines = new LineSplitter((bytes, from, to, ended, cut) => this.#line(bytes, from, to, ended && !cut));
  readonly #events: TextEvents;
  readonly #contexts: ContextCache;
  readonly #clock = new Timestamps();
  #lost = 0;
  #stackRecords = 0;
  /** the stack being read; undefined outside of one */
  #stack: { readonly cpu: number; readonly functions: string[] } | undefined;
  /** lines are nothing but `event: message` (nocontext-info); undefined until the first event shows it */
  #bare: boolean | undefined;

  constructor(builder: BatchBuilder, emit: () => void, file: string, compressed: boolean) {
    this.#builder = builder;
    this.#file = file;
    this.#compressed = compressed;
    this.#events = new TextEvents({
      builder,
      emit,
      notes: this.#notes,
      evidence: this.#evidence,
      clock: this.#clock,
      embedded: { find: (bytes, from, to) => this.#embedded(bytes, from, to), why: RUN_TOGETHER },
    });
    this.#contexts = new ContextCache(builder);
  }

  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }

  end(): void {
    this.#lines.end();
    this.#endStack();
    const { entries } = this.#header;
    const read = this.#builder.events + this.#stackRecords;
    if (entries && read < entries.inBuffer) {
      this.#notes.damage('cut', { line: this.#events.line }, () => {
        return `the header counts ${entries.inBuffer} entries, the file holds ${read}: its end or a part of it is missing; record it again or work with what is there`;
      });
    }
  }

  get notes(): NoteBook {
    return this.#notes;
  }

  info(): TraceInfo {
    return {
      file: this.#file,
      format: 'ftrace-text',
      compressed: this.#compressed,
      kernel: this.#evidence.kernel(),
      scenario: this.#header.scenario,
      layout: this.#evidence.layout(),
      roles: 'printed',
      accessLetters: this.#evidence.letters,
      lost: this.#lost,
      notes: this.#notes.list(),
      damaged: this.#notes.damaged,
    };
  }

  #line(bytes: Uint8Array, from: number, to: number, ended: boolean): void {
    this.#events.line++;
    if (this.#events.line === 1 && startsWith(bytes, BYTE_ORDER_MARK, from)) from += BYTE_ORDER_MARK.length;
    if (from >= to) return;
    const first = bytes[from]!;
    if (first === HASH) return this.#headerLine(bytes, from, to);
    if (this.#stack && this.#stackLine(this.#stack.functions, bytes, from, to)) return;
    if (first === 0x43 && startsWith(bytes, 'CPU:', from) && this.#lostLine(bytes, from, to)) return;
    if (this.#bare) {
      if (this.#bareEvent(bytes, from, to, ended)) return;
    } else {
      const context = this.#prefix(bytes, from, to);
      if (context >= 0) {
        this.#bare = false;
        return this.#event(bytes, this.#after, to, context, ended);
      }
      if (this.#bare === undefined && !this.#header.columns && this.#bareEvent(bytes, from, to, ended)) {
        this.#bare = true;
        return;
      }
    }
    this.#junk(bytes, from, to);
  }

  #headerLine(bytes: Uint8Array, from: number, to: number): void {
    const known = this.#header.unknown.length;
    const lost = this.#header.line(bytes, from, to);
    const unknown = this.#header.unknown.slice(known);
    if (unknown.length) {
      this.#notes.remark('rules', { line: this.#events.line }, () => {
        return `the header names rules that are not known here, '${unknown.join("', '")}': the trace is replayed without them; give the kernel with --kernel`;
      });
    }
    if (lost > 0) this.#loss(lost);
  }

  #loss(count: number): void {
    this.#lost += Math.max(0, count);
    this.#builder.lostHere(count);
  }

  /** `CPU:1 [LOST 646 EVENTS]`, `CPU:1 [LOST EVENTS]` */
  #lostLine(bytes: Uint8Array, from: number, to: number): boolean {
    const match = /^CPU:\d+ \[LOST (?:(\d+) )?EVENTS\]/.exec(textOf(bytes, from, Math.min(to, from + 60)));
    if (!match) return false;
    this.#loss(match[1] === undefined ? -1 : Number(match[1]));
    return true;
  }

  /** ` => do_syscall_64`, below a `<stack trace>` line. */
  #stackLine(stack: string[], bytes: Uint8Array, from: number, to: number): boolean {
    const at = skipBlanks(bytes, from, to);
    if (at > from && startsWith(bytes, '=> ', at)) {
      stack.push(textOf(bytes, at + 3, to).trimEnd());
      return true;
    }
    this.#endStack();
    return false;
  }

  #endStack(): void {
    if (this.#stack) this.#builder.stackOf(this.#stack.cpu, this.#stack.functions);
    this.#stack = undefined;
  }

  /** Set by {@link #prefix}: where the event's name begins. */
  #after = 0;

  /** Reads the columns of a line and its time; the context's number, or -1 when the line has none. */
  #prefix(bytes: Uint8Array, from: number, to: number): number {
    const known = this.#contexts.recent(bytes, from, to);
    if (known >= 0) {
      this.#after = this.#clock.read(bytes, this.#contexts.recentEnd, to);
      if (this.#after >= 0 && this.#contexts.recentFits(this.#clock)) return known;
    }
    const prefix = this.#columns(bytes, from, to);
    if (prefix) {
      const width = prefix.flagsTo - prefix.flagsFrom;
      if (width === 4 || width === 5) this.#evidence.see(width === 4 ? 'flags4' : 'flags5');
      return this.#contexts.remember(bytes, from, prefix);
    }
    return this.#latency(bytes, from, to);
  }

  /** The columns and the time behind them, which makes sure that they are the columns. */
  #columns(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
    for (let prefix = parsePrefix(bytes, from, to); prefix; prefix = parsePrefix(bytes, from, to, prefix.bracket + 1)) {
      this.#after = this.#clock.read(bytes, prefix.flagsTo, to);
      if (this.#after < 0) continue;
      prefix.style = this.#clock.ticks ? 'ticks' : 'seconds';
      return prefix;
    }
    return undefined;
  }

  #latency(bytes: Uint8Array, from: number, to: number): number {
    const prefix = parseLatencyPrefix(bytes, from, to);
    if (!prefix) return -1;
    this.#after = this.#clock.latency(bytes, prefix.flagsTo, to);
    return this.#after < 0 ? -1 : this.#contexts.latency(bytes, prefix, this.#clock.mark);
  }

  /** `event: message` and nothing before it. Junk looks like that too: only names that a kernel can give. */
  #bareEvent(bytes: Uint8Array, from: number, to: number, ended: boolean): boolean {
    let at = from;
    while (at < to && isNameByte(bytes[at]!)) at++;
    if (at === from || bytes[at] !== COLON || (at + 1 < to && bytes[at + 1] !== BLANK)) return false;
    if (this.#bare === undefined && !this.#header.tracer && kindOf(textOf(bytes, from, at)) === Kind.other) return false;
    this.#clock.low = 0;
    this.#clock.high = 0;
    this.#event(bytes, from, to, this.#contexts.bare(), ended);
    return true;
  }

  /** An event whose name begins at `from`. */
  #event(bytes: Uint8Array, from: number, to: number, context: number, ended: boolean): void {
    if (bytes[from] === LESS && isStackMark(bytes, from, to)) {
      this.#endStack();
      this.#stackRecords++;
      this.#stack = { cpu: this.#contexts.cpuOf(context), functions: [] };
      return;
    }
    let colon = from;
    while (colon < to && bytes[colon] !== COLON && bytes[colon] !== BLANK) colon++;
    if (bytes[colon] !== COLON || colon >= to || colon === from) {
      if (ended) this.#events.nameless(bytes, from, to, context);
      else this.#events.half('line whose event has no name yet: it is skipped');
      return;
    }
    const message = Math.min(to, colon + 2);
    const inner = this.#events.take({ bytes, nameFrom: from, nameTo: colon, message, to, context, ended });
    if (inner < 0) return;
    const innerContext = this.#prefix(bytes, inner, to);
    if (innerContext >= 0) this.#event(bytes, this.#after, to, innerContext, ended);
  }

  /** Where in a message the next line begins that has run into it; -1 almost always. */
  #embedded(bytes: Uint8Array, from: number, to: number): number {
    const open = bytes.indexOf(0x5b, from);
    if (open < 0 || open >= to) return -1;
    const { low, high } = this.#clock;
    const prefix = this.#columns(bytes, from, to);
    this.#clock.low = low;
    this.#clock.high = high;
    if (!prefix) return -1;
    // A task's name is right-aligned in 16 columns; what stands before those belongs to the broken message.
    return Math.max(from, prefix.commTo - 16);
  }

  #junk(bytes: Uint8Array, from: number, to: number): void {
    if (skipBlanks(bytes, from, to) === to) return;
    this.#notes.damage('junk', { line: this.#events.line }, (n) => `${counted(n, 'line')} that no trace file has: skipped`);
  }
}

function isNameByte(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || isDigit(byte) || byte === 0x5f || byte === DOT;
}

function isStackMark(bytes: Uint8Array, from: number, to: number): boolean {
  return startsWith(bytes, '<stack trace>', from) || (startsWith(bytes, '<user stack trace>', from) && to > from);
}
