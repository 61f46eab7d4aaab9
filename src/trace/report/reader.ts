import { decodeRole } from '../../engine/roleLayout.js';
import { PARTIAL_MASK } from '../partialRoles.js';
import { BYTE_ORDER_MARK, startsWith, textOf } from '../bytes.js';
import { KernelEvidence } from '../evidence.js';
import { ContextCache } from '../ftrace/contexts.js';
import { LineSplitter } from '../ftrace/lines.js';
import { parseLatencyPrefix, parsePrefix, skipBlanks, type Prefix } from '../ftrace/prefix.js';
import { Timestamps } from '../ftrace/timestamps.js';
import { REPORT_TEMPLATES_OF } from '../kernelText.js';
import { NoteBook, counted } from '../notes.js';
import { TextEvents } from '../textEvents.js';
import { SpSlot } from '../vocabulary.js';
import { Survey } from './survey.js';
import type { BatchBuilder } from '../batch.js';
import type { TraceInfo } from '../info.js';
import type { Template } from '../template.js';
import type { TextReader } from '../textReader.js';

const COLON = 0x3a;
const BLANK = 0x20;
/** Names are padded to so many characters, their colon included. */
const NAME_WIDTH = 21;
/** A file whose beginning shows no pages has them read by the layout of most kernels. */
const SURVEYED_BYTES = 4 << 20;

/**
 * Reads what `trace-cmd report` prints. A role word is taken back out of the plugin's print (`roleWord.ts`), with the layout that the
 * beginning of the file shows, so chunks are held until that is known.
 */
export class ReportReader implements TextReader {
  readonly notes = new NoteBook();
  readonly #builder: BatchBuilder;
  readonly #file: string;
  readonly #compressed: boolean;
  readonly #evidence = new KernelEvidence();
  readonly #survey = new Survey(this.#evidence);
  /** of the role words; settled by the survey */
  #layout = this.#evidence.layout();
  readonly #lines = new LineSplitter((bytes, from, to, ended, cut) => this.#line(bytes, from, to, ended && !cut));
  readonly #clock = new Timestamps(true);
  readonly #events: TextEvents;
  readonly #contexts: ContextCache;
  /** chunks that wait for the survey; undefined once it is over */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #lost = 0;
  #pages = 0;
  #stack: { readonly cpu: number; readonly functions: string[] } | undefined;

  constructor(builder: BatchBuilder, emit: () => void, file: string, compressed: boolean) {
    this.#builder = builder;
    this.#file = file;
    this.#compressed = compressed;
    this.#contexts = new ContextCache(builder, 'trace-cmd');
    this.#events = new TextEvents({
      builder,
      emit,
      notes: this.notes,
      evidence: this.#evidence,
      clock: this.#clock,
      templatesOf: (kind) => REPORT_TEMPLATES_OF.get(kind) ?? [],
      finish: (template, units, base) => this.#finish(template, units, base),
    });
  }

  push(chunk: Uint8Array): void {
    if (!this.#held) return this.#lines.push(chunk);
    this.#survey.push(chunk);
    this.#held.push(chunk.slice());
    this.#heldBytes += chunk.length;
    if (this.#survey.done || this.#heldBytes > SURVEYED_BYTES) this.#release();
  }

  end(): void {
    this.#release();
    this.#lines.end();
    this.#endStack();
  }

  info(): TraceInfo {
    const whole = this.#survey.form === 'number';
    return {
      file: this.#file,
      format: 'trace-cmd-report',
      compressed: this.#compressed,
      kernel: this.#evidence.kernel(),
      layout: this.#layout,
      roles: whole ? 'exact' : 'partial',
      accessLetters: this.#evidence.letters,
      lost: this.#lost,
      notes: [...(this.#pages > 0 && !whole ? [PARTIAL] : []), ...this.notes.list()],
      damaged: this.notes.damaged,
    };
  }

  #release(): void {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    this.#layout = this.#evidence.layout();
    for (const chunk of held) this.#lines.push(chunk);
  }

  #finish(template: Template, units: Uint32Array, base: number): boolean {
    const { extras, slots } = template.shape;
    // Of kernels that old the format does not explain the names that the outcome is made of (README of the recordings).
    if (extras['fixed'] === undefined && template.shape.name === 'fast_page_fault') return !this.#layout.bit4Is8Byte;
    const { word } = extras;
    if (!word) return true;
    this.#pages++;
    const role = decodeRole(this.#layout, units[base + word.at]!);
    units[base + slots[SpSlot.role]!.at] = this.#survey.form === 'number' ? role : role & PARTIAL_MASK;
    return true;
  }

  #line(bytes: Uint8Array, from: number, to: number, ended: boolean): void {
    this.#events.line++;
    if (this.#events.line === 1 && startsWith(bytes, BYTE_ORDER_MARK, from)) from += BYTE_ORDER_MARK.length;
    if (from >= to) return;
    if (this.#stack && this.#stackLine(this.#stack.functions, bytes, from, to)) return;
    const prefix = this.#prefix(bytes, from, to);
    if (prefix >= 0) this.#event(bytes, this.#after, to, prefix, ended);
    else if (!this.#otherLine(bytes, from, to) && skipBlanks(bytes, from, to) < to) {
      this.notes.damage('junk', { line: this.#events.line }, (n) => `${counted(n, 'line')} that trace-cmd report does not print: skipped`);
    }
  }

  /** `cpus=2`, `CPU 1 is empty`, `CPU:1 [646 EVENTS DROPPED]`: what is no event. */
  #otherLine(bytes: Uint8Array, from: number, to: number): boolean {
    const text = textOf(bytes, from, Math.min(to, from + 100)).trimEnd();
    const lost = /^CPU:\d+ \[(?:LOST )?(?:(\d+) )?EVENTS(?: DROPPED)?\]$/.exec(text);
    if (lost) {
      const count = lost[1] === undefined ? -1 : Number(lost[1]);
      this.#lost += Math.max(0, count);
      this.#builder.lostHere(count);
    }
    return lost !== null || /^(?:cpus=\d+|version = .*|CPU \d+ is empty|\s*|.*[uU]nknown event.*|trace-cmd: .*)$/.test(text);
  }

  /** `=> do_syscall_64 (ffffffff81…)`, below a stack event. */
  #stackLine(stack: string[], bytes: Uint8Array, from: number, to: number): boolean {
    const at = skipBlanks(bytes, from, to);
    if (startsWith(bytes, '=> ', at)) {
      stack.push(
        textOf(bytes, at + 3, to)
          .trimEnd()
          .replace(/ \([0-9a-f]+\)$/, ''),
      );
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

  #prefix(bytes: Uint8Array, from: number, to: number): number {
    const known = this.#contexts.recent(bytes, from, to);
    if (known >= 0) {
      this.#after = this.#clock.read(bytes, this.#contexts.recentEnd, to);
      if (this.#after >= 0 && this.#contexts.recentFits(this.#clock)) return known;
    }
    const prefix = this.#columns(bytes, from, to) ?? this.#latency(bytes, from, to);
    return prefix ? this.#contexts.remember(bytes, from, prefix, this.#clock.nanos) : -1;
  }

  #columns(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
    for (let prefix = parsePrefix(bytes, from, to); prefix; prefix = parsePrefix(bytes, from, to, prefix.bracket + 1)) {
      this.#after = this.#clock.read(bytes, prefix.flagsTo, to);
      if (this.#after < 0) continue;
      prefix.style = this.#clock.ticks ? 'ticks' : 'seconds';
      return prefix;
    }
    return undefined;
  }

  /** `kvmguest-470     0d..1.     7.492017: `, with the option -l. */
  #latency(bytes: Uint8Array, from: number, to: number): Prefix | undefined {
    const prefix = parseLatencyPrefix(bytes, from, to);
    if (!prefix) return undefined;
    this.#after = this.#clock.read(bytes, prefix.flagsTo, to);
    return this.#after < 0 || this.#clock.ticks ? undefined : prefix;
  }

  /** An event whose name begins at `from`. */
  #event(bytes: Uint8Array, from: number, to: number, context: number, ended: boolean): void {
    let colon = from;
    while (colon < to && bytes[colon] !== COLON && bytes[colon] !== BLANK) colon++;
    if (colon >= to || bytes[colon] !== COLON || colon === from) {
      if (ended) this.#events.nameless(bytes, from, to, context);
      else this.#events.half('line whose event has no name yet: it is skipped');
      return;
    }
    let message = Math.min(to, colon + 1);
    while (message < to && bytes[message] === BLANK && message < Math.max(colon + 2, from + NAME_WIDTH + 1)) message++;
    if (/^(?:kernel|user)_stack$/.test(textOf(bytes, from, Math.min(colon, from + 20))) && bytes[message] === 0x3c) {
      this.#stack = { cpu: this.#contexts.cpuOf(context), functions: [] };
      return;
    }
    this.#events.take({ bytes, nameFrom: from, nameTo: colon, message, to, context, ended });
  }
}

const PARTIAL = {
  text:
    'trace-cmd report prints roles by the layout of an old kernel, and neither gfn nor generation of pages that are synced, unsynced or ' +
    'zapped: which page such an event is about is told where only one can be meant; open the trace.dat that the report was made from, ' +
    'it has all of them, or print it with `trace-cmd report -N`',
};
