import { ABSENT, ArgumentPlaces, SIGN, SLOTS } from './arguments.js';
import { EventColumns } from './eventColumns.js';
import { renderTemplate } from './kernelText.js';
import { SparseColumn } from './sparseColumn.js';
import { Tally } from './tally.js';
import { linePattern, type Part } from './linePattern.js';
import { nameText, prefixText, timeText, timeUnit } from './lineText.js';
import { unpackBytes } from './rawBytes.js';
import { renderFields, renderRecord } from './dat/render.js';
import type { Batch } from './batch.js';
import type { Form } from './forms.js';
import type { TraceInfo } from './info.js';
import type { Context, Shape } from './shape.js';
import { Kind, kindOf, specOf } from './vocabulary.js';

/** What {@link EventTable.timeText} answers where the trace has no times. */
export const ABSENT_TIME = '';

/** What a string takes beside its characters. */
const TEXT_BYTES = 24;
const HIGH = 0x1_0000_0000;
/** More contexts than a trace ever has: for a shape and a context in one number. */
const CONTEXTS = 2 ** 32;
const decoder = new TextDecoder();
/** Where the events of the vocabulary come from; other systems may have some of the same names. */
const OWN_SYSTEMS: ReadonlySet<string> = new Set(['kvm', 'kvmmmu']);

/** Which line of a document each event belongs to; lines count from 1. */
export interface LineMap {
  lineOf(e: number): number | undefined;
  /** the event that stands for a line, or for the next one that has any; -1 for none */
  eventAt(line: number): number;
}

/**
 * The events of a trace, as columns on pages that its reader fills and all threads share; any number of threads can each have a table of
 * them, made from the same batches. It only ever grows. Events count from 0.
 */
export class EventTable {
  #info: TraceInfo;
  #length = 0;
  #textBytes = 0;
  readonly #columns = new EventColumns();
  readonly #arguments = new ArgumentPlaces();

  readonly #strings: string[] = [];
  readonly #contexts: Context[] = [];
  readonly #shapes: Shape[] = [];
  readonly #forms: Form[] = [];
  readonly #stackLists: (readonly string[])[] = [];
  readonly #lineOffset = new SparseColumn();
  readonly #lost = new SparseColumn();
  readonly #stackOf = new SparseColumn();
  readonly #tally = new Tally(this.#columns);

  /** by form */
  #kinds = new Uint8Array(64);
  /** by context */
  #pids = new Int32Array(64);

  #lines: LineMap | undefined;

  constructor(info: TraceInfo) {
    this.#info = info;
  }

  /** What is known about the trace by now. */
  get info(): TraceInfo {
    return this.#info;
  }

  /** Bytes that the events are kept in: their columns, and the texts that they name. */
  get byteLength(): number {
    return this.#columns.byteLength + this.#textBytes;
  }

  /** Events read so far. */
  get length(): number {
    return this.#length;
  }

  kind(e: number): Kind {
    return this.#kinds[this.#columns.form(e)] as Kind;
  }

  /**
   * Number of the event's form, from 0. Events of one form have in common their kind, their name, where their arguments are, and the
   * values of those that {@link argumentPlaces} tells to be fixed. Whatever depends on these alone need be found only once for a form.
   */
  formOf(e: number): number {
    return this.#columns.form(e);
  }

  /** Forms known by now: at most some thousand. */
  get formCount(): number {
    return this.#forms.length;
  }

  kindOfForm(form: number): Kind {
    return this.#kinds[form] as Kind;
  }

  nameOfForm(form: number): string {
    return this.#shapes[this.#forms[form]!.shape]!.name;
  }

  /** Where arguments are, by form. Its look-up array is replaced when it grows: take it anew after events have come. */
  get argumentPlaces(): Int32Array {
    return this.#arguments.places;
  }

  /** The forms of events page * 2^16 and on, up to {@link length}: for scans. */
  formPage(page: number): Uint16Array {
    return this.#columns.formPage(page);
  }

  /** Where the units that the event stores begin: what places in {@link argumentPlaces} count from. */
  placeOf(e: number): number {
    return this.#columns.place(e);
  }

  /** A unit of 32 bits, unsigned, by place. */
  unit(place: number): number {
    return this.#columns.unit(place);
  }

  /** A number that events have in common whose lines are of one {@link linePattern}. */
  lineKind(e: number): number {
    return this.#forms[this.#columns.form(e)]!.shape * CONTEXTS + this.#columns.context(e);
  }

  /** What lines of an event's kind look like: what none of them can have in it need not be looked for. */
  linePattern(e: number): Part[] {
    return linePattern(this.#context(e), this.#shape(e), this.#strings);
  }

  /** Strings that the events have so far; a pattern is good until there are more. */
  get stringCount(): number {
    return this.#strings.length;
  }

  name(e: number): string {
    return this.#shape(e).name;
  }

  /** What an event is by its name, where its message could not be read; {@link Kind.other} for all that were, and for all other names. */
  unreadKind(e: number): Kind {
    const { kind, system, name } = this.#shape(e);
    return kind === Kind.other && (system === undefined || OWN_SYSTEMS.has(system)) ? kindOf(name) : Kind.other;
  }

  /** Number of what ran the event where, from 0: events of one have pid, comm, tgid, CPU and the way to print times in common. */
  contextOf(e: number): number {
    return this.#columns.context(e);
  }

  pid(e: number): number {
    return this.#pids[this.#columns.context(e)]!;
  }

  comm(e: number): string {
    return this.#context(e).comm;
  }

  tgid(e: number): number | undefined {
    const tgid = this.#context(e).tgid;
    return tgid === undefined || tgid < 0 ? undefined : tgid;
  }

  cpu(e: number): number {
    return this.#context(e).cpu;
  }

  /** Nanoseconds for clocks in seconds, else the clock's own ticks; 0 where the trace has no times. */
  time(e: number): bigint {
    return this.#columns.time(e);
  }

  /** {@link time} without a bigint; undefined where a double cannot hold it. */
  shortTime(e: number): number | undefined {
    return this.#columns.shortTime(e);
  }

  /** The time as the trace prints it; '' where it prints none. */
  timeText(e: number): string {
    return timeText(this.#context(e), this.time(e));
  }

  /** What {@link time} counts; undefined where the trace has no times. */
  timeUnit(e: number): 'ns' | 'ticks' | undefined {
    return timeUnit(this.#context(e));
  }

  /** The trace prints the event's time in seconds, and not in a clock's ticks or in microseconds since it began. */
  isInSeconds(e: number): boolean {
    return this.#context(e).style === 'seconds';
  }

  /** Another document than the trace is what events are shown in. */
  showIn(lines: LineMap): void {
    this.#lines = lines;
  }

  /** Line of the event in a text trace, from 1. */
  line(e: number): number | undefined {
    if (this.#lines) return this.#lines.lineOf(e);
    const offset = this.#lineOffset.upTo(e);
    return offset === undefined ? undefined : e + offset;
  }

  /** Whether the trace gives this argument (a slot of the vocabulary). */
  has(e: number, slot: number): boolean {
    return this.#arguments.places[(this.#columns.form(e) * SLOTS + slot) * 4] !== ABSENT;
  }

  /** Whether an argument is the same in all events of the event's form. */
  isFixed(e: number, slot: number): boolean {
    const { places } = this.#arguments;
    const i = (this.#columns.form(e) * SLOTS + slot) * 4;
    return places[i]! < 0 && places[i + 2]! < 0;
  }

  /** An argument as a number, exact below 2^53; 0 where the trace does not give it. */
  num(e: number, slot: number): number {
    const { places } = this.#arguments;
    const i = (this.#columns.form(e) * SLOTS + slot) * 4;
    const at = places[i]!;
    const low = at < 0 ? places[i + 1]! : this.#columns.unit(this.#columns.place(e) + at);
    const highAt = places[i + 2]!;
    if (highAt === SIGN) return low | 0;
    return (highAt < 0 ? places[i + 3]! >>> 0 : this.#columns.unit(this.#columns.place(e) + highAt)) * HIGH + (low >>> 0);
  }

  /** The lower 32 bits of {@link word}, unsigned. */
  low(e: number, slot: number): number {
    const { places } = this.#arguments;
    const i = (this.#columns.form(e) * SLOTS + slot) * 4;
    const at = places[i]!;
    return at < 0 ? places[i + 1]! >>> 0 : this.#columns.unit(this.#columns.place(e) + at);
  }

  /** The upper 32 bits of {@link word}, unsigned. */
  high(e: number, slot: number): number {
    const { places } = this.#arguments;
    const i = (this.#columns.form(e) * SLOTS + slot) * 4;
    const at = places[i + 2]!;
    if (at >= 0) return this.#columns.unit(this.#columns.place(e) + at);
    return at === SIGN ? ((this.low(e, slot) | 0) >> 31) >>> 0 : places[i + 3]! >>> 0;
  }

  /** An argument as 64 bits, unsigned; 0 where the trace does not give it. Makes a bigint: {@link low} and {@link high} do not. */
  word(e: number, slot: number): bigint {
    return (BigInt(this.high(e, slot)) << 32n) | BigInt(this.low(e, slot));
  }

  /** A string argument; '' where the trace does not give it. */
  string(e: number, slot: number): string {
    return this.has(e, slot) ? this.#strings[this.num(e, slot)]! : '';
  }

  /** What the kernel prints after the event's name. */
  message(e: number): string {
    const shape = this.#shape(e);
    const unit = this.#unitsOf(e);
    switch (shape.text.from) {
      case 'bytes':
        return decoder.decode(unpackBytes(unit, shape.units));
      case 'template':
        return renderTemplate(shape.text.template, unit, 0, this.#strings);
      case 'fields':
        return renderFields(shape, shape.text.format, unit, 0, this.#info.layout);
      case 'record':
        return renderRecord(shape.text.format, unpackBytes(unit, shape.units), this.#info.layout);
    }
  }

  /** The whole line as the kernel's own trace file prints it. */
  lineText(e: number): string {
    const { text, name, kind, system } = this.#shape(e);
    const message = this.message(e);
    const named = text.from !== 'bytes' || text.named;
    const context = this.#context(e);
    return prefixText(context, this.time(e)) + (named ? nameText(context, name, system ?? specOf(kind)?.system) : '') + message;
  }

  /** Events lost directly before this one; -1: some, nobody knows how many. */
  lostBefore(e: number): number {
    return this.#lost.isEmpty ? 0 : (this.#lost.at(e) ?? 0);
  }

  /** The kernel stack recorded with the event, innermost function first. */
  stack(e: number): readonly string[] {
    const id = this.#stackOf.at(e);
    return id === undefined ? [] : this.#stackLists[id]!;
  }

  /** Text: the first event at or after a line; -1 when there is none (yet). */
  eventAtLine(line: number): number {
    if (this.#lines) return this.#lines.eventAt(line);
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.line(middle) ?? 0) < line) low = middle + 1;
      else high = middle;
    }
    return low < this.#length && !this.#lineOffset.isEmpty ? low : -1;
  }

  /** How many events there are of each form. */
  countsOfForms(): Float64Array {
    return this.#tally.ofForms(this.#length, this.#forms.length);
  }

  /** How many events there are of each name and of each task. */
  tally(): { names: Map<string, number>; tasks: Map<number, { comm: string; events: number }> } {
    const names = new Map<string, number>();
    for (const [form, count] of this.countsOfForms().entries()) {
      const name = this.nameOfForm(form);
      if (count > 0) names.set(name, (names.get(name) ?? 0) + count);
    }
    const ofContext = this.#tally.ofContexts(this.#length, this.#contexts.length);
    const tasks = new Map<number, { comm: string; events: number }>();
    for (const [id, { pid, comm }] of this.#contexts.entries()) {
      if (!ofContext[id]) continue;
      const task = tasks.get(pid);
      // A name that was learned later is better than none; one that changed is shown as it was at last.
      tasks.set(pid, { comm: task && comm === '<...>' ? task.comm : comm, events: (task?.events ?? 0) + ofContext[id] });
    }
    return { names, tasks };
  }

  /** Takes over what a reader made. */
  append(batch: Batch): void {
    this.#columns.append(batch);
    for (const shape of batch.newShapes) this.#shapes.push(shape);
    for (const form of batch.newForms) this.#addForm(form);
    for (const context of batch.newContexts) this.#addContext(context);
    for (const text of batch.newStrings) {
      this.#strings.push(text);
      this.#textBytes += TEXT_BYTES + text.length;
    }
    for (const stack of batch.newStacks) this.#stackLists.push(stack);
    this.#lineOffset.append(batch.lineRuns);
    this.#lost.append(batch.lost);
    this.#stackOf.append(batch.stacks);
    this.#info = batch.info;
    this.#length += batch.count;
  }

  #form(e: number): Form {
    return this.#forms[this.#columns.form(e)]!;
  }

  #shape(e: number): Shape {
    return this.#shapes[this.#form(e).shape]!;
  }

  /** The units that a reader wrote for the event, by number: the fixed part of its shape and what follows it. */
  #unitsOf(e: number): (unit: number) => number {
    const { stored, values } = this.#form(e);
    const place = this.#columns.place(e);
    const behind = place + stored.length - values.length;
    return (unit) => {
      if (unit >= values.length) return this.#columns.unit(behind + unit);
      const at = stored.indexOf(unit);
      return at < 0 ? values[unit]! : this.#columns.unit(place + at);
    };
  }

  #context(e: number): Context {
    return this.#contexts[this.#columns.context(e)]!;
  }

  #addForm(form: Form): void {
    const id = this.#forms.push(form) - 1;
    const shape = this.#shapes[form.shape]!;
    if (id >= this.#kinds.length) this.#kinds = grown(this.#kinds, new Uint8Array(id * 2));
    this.#kinds[id] = shape.kind;
    this.#arguments.add(id, form, shape);
  }

  #addContext(context: Context): void {
    const id = this.#contexts.push(context) - 1;
    if (id >= this.#pids.length) this.#pids = grown(this.#pids, new Int32Array(id * 2));
    this.#pids[id] = context.pid;
  }
}

function grown<T extends Uint8Array | Int32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
