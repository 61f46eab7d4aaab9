import { Forms, type Form } from './forms.js';
import { PageWriter } from './pageWriter.js';
import type { Context, Shape } from './shape.js';
import type { TraceInfo } from './info.js';
import type { Upper } from './pages.js';

/**
 * What a reader hands over at a time: how many more events are valid, the shared pages that were begun for them, and what became known
 * with them. Plain data and shared buffers: posted to another thread it means the same there, and the same batch can go to several.
 * Numbers of strings, contexts, shapes, forms, stacks and pages count on from batch to batch.
 */
export interface Batch {
  readonly count: number;
  /** columns of the next 2^16 events each */
  readonly newPages: readonly SharedArrayBuffer[];
  /** the next 2^16 units of arguments each */
  readonly newUnitPages: readonly SharedArrayBuffer[];
  /** of pages of this batch or the one before */
  readonly newUppers: readonly Upper[];
  readonly newStrings: readonly string[];
  readonly newContexts: readonly Context[];
  readonly newShapes: readonly Shape[];
  readonly newForms: readonly Form[];
  readonly newStacks: readonly (readonly string[])[];
  /** event, line − event: from that event on; text only */
  readonly lineRuns: readonly number[];
  /** event, count (-1: unknown) */
  readonly lost: readonly number[];
  /** event, number of the stack */
  readonly stacks: readonly number[];
  readonly info: TraceInfo;
  readonly bytesRead: number;
}

/** Events of a full batch: large enough to make posting cheap, small enough to keep the screen moving. The first ones come sooner. */
const BATCH_EVENTS = 1 << 16;
const FIRST_BATCH_EVENTS = 2000;
const MAX_CPU = 0xffff;
/** No kernel has so many events, but damaged data has as many names as it likes. Readers stop naming shapes here. */
export const MOST_SHAPES = 40_000;

/** Collects events into batches. One per trace: it gives strings, contexts, shapes and stacks their numbers. */
export class BatchBuilder {
  /** units of the event being written; grows with {@link reserve} */
  units = new Uint32Array(1 << 8);
  readonly #pages = new PageWriter();
  readonly #forms = new Forms();
  /** events handed over in earlier batches */
  #before = 0;
  #limit = FIRST_BATCH_EVENTS;

  readonly #stringIds = new Map<string, number>();
  readonly #stackIds = new Map<string, number>();
  /** by context */
  readonly #cpuOf: number[] = [];
  /** by CPU */
  readonly #lastOnCpu: number[] = [];
  #shapes = 0;
  #newStrings: string[] = [];
  #newContexts: Context[] = [];
  #newShapes: Shape[] = [];
  #newStacks: (readonly string[])[] = [];
  #lineRuns: number[] = [];
  #lineOffset = Number.NaN;
  #lost: number[] = [];
  #stacks: number[] = [];

  /** Events added so far. */
  get events(): number {
    return this.#pages.events;
  }

  get pending(): number {
    return this.events - this.#before;
  }

  get isFull(): boolean {
    return this.pending >= this.#limit;
  }

  /** Makes room for an event of `count` units and says where to write them in {@link units}. */
  reserve(count: number): number {
    if (count > this.units.length) {
      const old = this.units;
      this.units = new Uint32Array(Math.max(count, old.length * 2));
      this.units.set(old);
    }
    return 0;
  }

  /** Adds the event whose `count` units were written at the place that {@link reserve} gave. */
  add(shape: number, context: number, timeLow: number, timeHigh: number, count: number): void {
    this.#lastOnCpu[this.#cpuOf[context]!] = this.events;
    this.#pages.add(this.#forms.of(shape), context, timeLow, timeHigh, this.units, count);
  }

  /** Says on which line the event added last stands. */
  line(line: number): void {
    const event = this.events - 1;
    if (line - event === this.#lineOffset) return;
    this.#lineOffset = line - event;
    this.#lineRuns.push(event, this.#lineOffset);
  }

  /** Says how many events were lost directly before the next event; -1 for an unknown number. */
  lostHere(count: number): void {
    const last = this.#lost.length - 2;
    if (last >= 0 && this.#lost[last] === this.events) {
      const sum = this.#lost[last + 1]!;
      this.#lost[last + 1] = sum < 0 || count < 0 ? -1 : sum + count;
    } else this.#lost.push(this.events, count);
  }

  /** Gives a stack to the last event of a CPU: the kernel records it right after the event, but other CPUs' events may come between. */
  stackOf(cpu: number, functions: readonly string[]): void {
    const event = this.#lastOnCpu[cpu];
    if (event === undefined || functions.length === 0) return;
    const key = functions.join('\n');
    let id = this.#stackIds.get(key);
    if (id === undefined) {
      id = this.#stackIds.size;
      this.#stackIds.set(key, id);
      this.#newStacks.push(functions);
    }
    this.#stacks.push(event, id);
  }

  string(text: string): number {
    let id = this.#stringIds.get(text);
    if (id === undefined) {
      id = this.#stringIds.size;
      this.#stringIds.set(text, id);
      this.#newStrings.push(text);
    }
    return id;
  }

  context(context: Context): number {
    this.#newContexts.push(context);
    // Numbers of CPUs index an array here: a damaged one must not make it huge.
    return this.#cpuOf.push(Math.min(context.cpu, MAX_CPU)) - 1;
  }

  shape(shape: Shape): number {
    this.#newShapes.push(shape);
    this.#forms.shape(shape);
    return this.#shapes++;
  }

  get shapeCount(): number {
    return this.#shapes;
  }

  /** Hands over what was collected since the last time. */
  take(info: TraceInfo, bytesRead: number): Batch {
    const batch: Batch = {
      count: this.pending,
      ...this.#pages.take(),
      newStrings: this.#newStrings,
      newContexts: this.#newContexts,
      newShapes: this.#newShapes,
      newForms: this.#forms.take(),
      newStacks: this.#newStacks,
      lineRuns: this.#lineRuns,
      lost: this.#lost,
      stacks: this.#stacks,
      info,
      bytesRead,
    };
    this.#limit = BATCH_EVENTS;
    this.#before = this.events;
    this.#newStrings = [];
    this.#newContexts = [];
    this.#newShapes = [];
    this.#newStacks = [];
    this.#lineRuns = [];
    this.#lost = [];
    this.#stacks = [];
    return batch;
  }
}
