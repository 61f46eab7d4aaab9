import { decodeRole } from '../../engine/roleLayout.js';
import { PARTIAL_MASK } from '../partialRoles.js';
import { BYTE_ORDER_MARK, startsWith } from '../bytes.js';
import { KernelEvidence } from '../evidence.js';
import { ContextCache } from '../ftrace/contexts.js';
import { LineSplitter } from '../ftrace/lines.js';
import { skipBlanks } from '../ftrace/prefix.js';
import { Timestamps } from '../ftrace/timestamps.js';
import { REPORT_TEMPLATES_OF } from '../kernelText.js';
import { NoteBook, counted } from '../notes.js';
import { TextEvents } from '../textEvents.js';
import { SpSlot } from '../vocabulary.js';
import { Survey } from './survey.js';
import type { BatchBuilder } from '../batch.js';
import type { TraceFormat, TraceInfo } from '../info.js';
import type { Context } from '../shape.js';
import type { Template } from '../template.js';
import type { TextReader } from '../textReader.js';

/** A file whose beginning shows no pages has them read by the layout of most kernels. */
const SURVEYED_BYTES = 4 << 20;

/**
 * Reads text that libtraceevent prints with its plugin for kvm. A role word is taken back out of the plugin's print (`roleWord.ts`), with
 * the layout that the beginning of the file shows, so chunks are held until that is known.
 */
export abstract class PluginTextReader implements TextReader {
  readonly notes = new NoteBook();
  protected readonly builder: BatchBuilder;
  readonly #file: string;
  readonly #compressed: boolean;
  readonly #evidence = new KernelEvidence();
  readonly #survey = new Survey(this.#evidence);
  /** of the role words; settled by the survey */
  #layout = this.#evidence.layout();
  readonly #lines = new LineSplitter((bytes, from, to, ended, cut) => this.#line(bytes, from, to, ended && !cut));
  protected readonly clock = new Timestamps(true);
  protected readonly events: TextEvents;
  protected readonly contexts: ContextCache;
  /** chunks that wait for the survey; undefined once it is over */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #lost = 0;
  #pages = 0;
  protected stack: { readonly cpu: number; readonly functions: string[] } | undefined;

  constructor(
    builder: BatchBuilder,
    emit: () => void,
    file: string,
    compressed: boolean,
    private readonly format: TraceFormat,
    by: NonNullable<Context['by']>,
  ) {
    this.builder = builder;
    this.#file = file;
    this.#compressed = compressed;
    this.contexts = new ContextCache(builder, by);
    this.events = new TextEvents({
      builder,
      emit,
      notes: this.notes,
      evidence: this.#evidence,
      clock: this.clock,
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
    this.endStack();
  }

  info(): TraceInfo {
    const { form } = this.#survey;
    const whole = form === 'number';
    return {
      file: this.#file,
      format: this.format,
      compressed: this.#compressed,
      kernel: this.#evidence.kernel(),
      layout: this.#layout,
      roles: whole ? 'exact' : form === 'printed' ? 'printed' : 'partial',
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
    this.events.line++;
    if (this.events.line === 1 && startsWith(bytes, BYTE_ORDER_MARK, from)) from += BYTE_ORDER_MARK.length;
    if (from >= to) return;
    if (this.line(bytes, from, to, ended) || skipBlanks(bytes, from, to) === to) return;
    const program = this.format === 'perf-script' ? 'perf script' : 'trace-cmd report';
    this.notes.damage('junk', { line: this.events.line }, (n) => `${counted(n, 'line')} that ${program} does not print: skipped`);
  }

  /** Takes a line that is not empty; false for one that is none of the program's. */
  protected abstract line(bytes: Uint8Array, from: number, to: number, ended: boolean): boolean;

  /** @param count -1: some */
  protected loss(count: number): void {
    this.#lost += Math.max(0, count);
    this.builder.lostHere(count);
  }

  protected endStack(): void {
    if (this.stack) this.builder.stackOf(this.stack.cpu, this.stack.functions);
    this.stack = undefined;
  }
}

const PARTIAL = {
  text:
    'its flags of roles follow the layout of an old kernel, and it prints neither gfn nor generation of pages that are synced, unsynced or ' +
    'zapped: which page such an event is about is told where only one can be meant; open the trace.dat it was made from, ' +
    'which has all of them, or print that with `trace-cmd report -N`',
};
