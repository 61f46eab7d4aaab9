import { SparseColumn, U16Column, U32Column } from './columns.js';
import { renderTemplate } from './kernelText.js';
import { packPlace, type Context, type Shape } from './shape.js';
import { prefixText, timeText } from './lineText.js';
import { unpackBytes } from './rawBytes.js';
import { renderFields, renderRecord } from './dat/render.js';
import type { Kind } from './vocabulary.js';
import type { Batch } from './batch.js';
import type { TraceInfo } from './info.js';

/** What {@link EventTable.timeText} answers where the trace has no times. */
export const ABSENT_TIME = '';

/** Look-up arrays are indexed by shape * SLOTS + slot. */
const SLOTS = 16;
const HIGH = 0x1_0000_0000;
const decoder = new TextDecoder();

/** Which line of a document each event belongs to; lines count from 1. */
export interface LineMap {
  lineOf(e: number): number | undefined;
  /** the event that stands for a line, or for the next one that has any; -1 for none */
  eventAt(line: number): number;
}

/**
 * The events of a trace, as columns: two bytes for the shape of its arguments, four each for context, time (two halves) and place, and
 * the arguments themselves in one arena of 32-bit units. It only ever grows. Events count from 0.
 */
export class EventTable {
  #info: TraceInfo;
  #length = 0;
  readonly #shapeOf = new U16Column();
  readonly #contextOf = new U32Column();
  readonly #timeLow = new U32Column();
  readonly #timeHigh = new U32Column();
  readonly #place = new U32Column();
  readonly #arena = new U32Column();

  readonly #strings: string[] = [];
  readonly #contexts: Context[] = [];
  readonly #shapes: Shape[] = [];
  readonly #stackLists: (readonly string[])[] = [];
  readonly #lineOffset = new SparseColumn();
  readonly #lost = new SparseColumn();
  readonly #stackOf = new SparseColumn();

  /** by shape */
  #kinds = new Uint8Array(64);
  /** by shape * SLOTS + slot: packed places */
  #slots = new Int32Array(64 * SLOTS);
  /** by context */
  #pids = new Int32Array(64);

  #lines: LineMap | undefined;

  readonly #unit = (i: number): number => this.#arena.get(i);

  constructor(info: TraceInfo) {
    this.#info = info;
  }

  /** What is known about the trace by now. */
  get info(): TraceInfo {
    return this.#info;
  }

  /** Events read so far. */
  get length(): number {
    return this.#length;
  }

  kind(e: number): Kind {
    return this.#kinds[this.#shapeOf.get(e)] as Kind;
  }

  /** Number of the event's shape, from 0; events of one shape have kind, name and layout of the arguments in common. */
  shapeOf(e: number): number {
    return this.#shapeOf.get(e);
  }

  name(e: number): string {
    return this.#shape(e).name;
  }

  pid(e: number): number {
    return this.#pids[this.#contextOf.get(e)]!;
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
    return (BigInt(this.#timeHigh.get(e)) << 32n) | BigInt(this.#timeLow.get(e));
  }

  /** The time as the trace prints it; '' where it prints none. */
  timeText(e: number): string {
    return timeText(this.#context(e), this.time(e));
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
    return this.#slots[this.#shapeOf.get(e) * SLOTS + slot]! >= 0;
  }

  /** An argument as a number, exact below 2^53; 0 where the trace does not give it. */
  num(e: number, slot: number): number {
    const place = this.#slots[this.#shapeOf.get(e) * SLOTS + slot]!;
    if (place < 0) return 0;
    const at = this.#place.get(e) + (place >> 2);
    const low = this.#arena.get(at);
    if (place & 1) return this.#arena.get(at + 1) * HIGH + low;
    return place & 2 ? low | 0 : low;
  }

  /** The lower 32 bits of {@link word}, unsigned. */
  low(e: number, slot: number): number {
    const place = this.#slots[this.#shapeOf.get(e) * SLOTS + slot]!;
    return place < 0 ? 0 : this.#arena.get(this.#place.get(e) + (place >> 2));
  }

  /** The upper 32 bits of {@link word}, unsigned. */
  high(e: number, slot: number): number {
    const place = this.#slots[this.#shapeOf.get(e) * SLOTS + slot]!;
    if (place < 0 || (place & 3) === 0) return 0;
    const at = this.#place.get(e) + (place >> 2);
    if (place & 1) return this.#arena.get(at + 1);
    return this.#arena.get(at) >= 0x8000_0000 ? 0xffff_ffff : 0;
  }

  /** An argument as 64 bits, unsigned; 0 where the trace does not give it. Makes a bigint: {@link low} and {@link high} do not. */
  word(e: number, slot: number): bigint {
    const place = this.#slots[this.#shapeOf.get(e) * SLOTS + slot]!;
    if (place < 0) return 0n;
    const at = this.#place.get(e) + (place >> 2);
    const low = BigInt(this.#arena.get(at));
    if (place & 1) return (BigInt(this.#arena.get(at + 1)) << 32n) | low;
    return place & 2 ? BigInt.asUintN(64, BigInt.asIntN(32, low)) : low;
  }

  /** A string argument; '' where the trace does not give it. */
  string(e: number, slot: number): string {
    return this.has(e, slot) ? this.#strings[this.num(e, slot)]! : '';
  }

  /** What the kernel prints after the event's name. */
  message(e: number): string {
    const shape = this.#shape(e);
    const at = this.#place.get(e);
    switch (shape.text.from) {
      case 'bytes':
        return decoder.decode(unpackBytes(this.#unit, at + shape.units));
      case 'template':
        return renderTemplate(shape.text.template, this.#unit, at, this.#strings);
      case 'fields':
        return renderFields(shape, shape.text.format, this.#unit, at, this.#info.layout);
      case 'record':
        return renderRecord(shape.text.format, unpackBytes(this.#unit, at + shape.units), this.#info.layout);
    }
  }

  /** The whole line as the kernel's own trace file prints it. */
  lineText(e: number): string {
    const { text, name } = this.#shape(e);
    const message = this.message(e);
    const named = text.from !== 'bytes' || text.named;
    return prefixText(this.#context(e), this.time(e)) + (named ? `${name}: ${message}` : message);
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

  /** How many events there are of each name and of each task: one pass over two columns. */
  tally(): { names: Map<string, number>; tasks: Map<number, { comm: string; events: number }> } {
    const ofShape = new Float64Array(this.#shapes.length);
    const ofContext = new Float64Array(this.#contexts.length);
    for (let e = 0; e < this.#length; e++) {
      ofShape[this.#shapeOf.get(e)]!++;
      ofContext[this.#contextOf.get(e)]!++;
    }
    const names = new Map<string, number>();
    for (const [id, { name }] of this.#shapes.entries()) if (ofShape[id]) names.set(name, (names.get(name) ?? 0) + ofShape[id]);
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
    for (const shape of batch.newShapes) this.#addShape(shape);
    for (const context of batch.newContexts) this.#addContext(context);
    for (const text of batch.newStrings) this.#strings.push(text);
    for (const stack of batch.newStacks) this.#stackLists.push(stack);
    this.#shapeOf.append(batch.shapes);
    this.#contextOf.append(batch.contexts);
    this.#timeLow.append(batch.timesLow);
    this.#timeHigh.append(batch.timesHigh);
    this.#place.append(batch.places);
    this.#arena.append(batch.arena);
    this.#lineOffset.append(batch.lineRuns);
    this.#lost.append(batch.lost);
    this.#stackOf.append(batch.stacks);
    this.#info = batch.info;
    this.#length += batch.count;
  }

  #shape(e: number): Shape {
    return this.#shapes[this.#shapeOf.get(e)]!;
  }

  #context(e: number): Context {
    return this.#contexts[this.#contextOf.get(e)]!;
  }

  #addShape(shape: Shape): void {
    const id = this.#shapes.push(shape) - 1;
    if (id >= this.#kinds.length) {
      this.#kinds = grown(this.#kinds, new Uint8Array(id * 2));
      this.#slots = grown(this.#slots, new Int32Array(id * 2 * SLOTS));
    }
    this.#kinds[id] = shape.kind;
    for (let slot = 0; slot < SLOTS; slot++) this.#slots[id * SLOTS + slot] = packPlace(shape.slots[slot]);
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
