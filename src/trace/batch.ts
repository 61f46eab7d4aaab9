import type { Context, Shape } from './shape.js';
import type { TraceInfo } from './info.js';

/**
 * What a reader hands over at a time: the next events as column pieces, and what became known with them. Plain data with transferable
 * buffers, so that a worker can post it. Numbers of strings, contexts, shapes and stacks count on from batch to batch.
 */
export interface Batch {
  readonly count: number;
  readonly shapes: Uint16Array;
  readonly contexts: Uint32Array;
  readonly timesLow: Uint32Array;
  readonly timesHigh: Uint32Array;
  /** where each event's units begin in the arena */
  readonly places: Uint32Array;
  readonly arena: Uint32Array;
  readonly newStrings: readonly string[];
  readonly newContexts: readonly Context[];
  readonly newShapes: readonly Shape[];
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

/** The buffers of a batch that may change hands instead of being copied. */
export function buffersOf(batch: Batch): ArrayBuffer[] {
  const columns = [batch.shapes, batch.contexts, batch.timesLow, batch.timesHigh, batch.places, batch.arena];
  return columns.map((column) => column.buffer as ArrayBuffer);
}

/** Events of a full batch: large enough to make posting cheap, small enough to keep the screen moving. The first ones come sooner. */
const BATCH_EVENTS = 1 << 16;
const FIRST_BATCH_EVENTS = 2000;
const MAX_CPU = 0xffff;

/** Collects events into batches. One per trace: it gives strings, contexts, shapes and stacks their numbers. */
export class BatchBuilder {
  /** units of the event being written; grows with {@link reserve} */
  units = new Uint32Array(1 << 14);
  /** events handed over in earlier batches */
  #before = 0;
  #count = 0;
  #unitsBefore = 0;
  #used = 0;
  #limit = FIRST_BATCH_EVENTS;
  #shapeOf = new Uint16Array(FIRST_BATCH_EVENTS);
  #contextOf = new Uint32Array(FIRST_BATCH_EVENTS);
  #timeLow = new Uint32Array(FIRST_BATCH_EVENTS);
  #timeHigh = new Uint32Array(FIRST_BATCH_EVENTS);
  #place = new Uint32Array(FIRST_BATCH_EVENTS);

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
    return this.#before + this.#count;
  }

  get pending(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#limit;
  }

  /** Makes room for an event of `count` units and says where to write them in {@link units}. */
  reserve(count: number): number {
    const end = this.#used + count;
    if (end > this.units.length) {
      this.units = larger(this.units, new Uint32Array(Math.max(end, this.units.length * 2)));
    }
    return this.#used;
  }

  /** Adds the event whose `count` units were written at the place that {@link reserve} gave. */
  add(shape: number, context: number, timeLow: number, timeHigh: number, count: number): void {
    const i = this.#count++;
    if (i === this.#shapeOf.length) this.#enlarge();
    this.#shapeOf[i] = shape;
    this.#contextOf[i] = context;
    this.#timeLow[i] = timeLow;
    this.#timeHigh[i] = timeHigh;
    this.#place[i] = this.#unitsBefore + this.#used;
    this.#used += count;
    this.#lastOnCpu[this.#cpuOf[context]!] = this.#before + i;
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
    if (this.#shapes > 0xffff) throw new Error('a trace with more than 65536 shapes of events');
    this.#newShapes.push(shape);
    return this.#shapes++;
  }

  get shapeCount(): number {
    return this.#shapes;
  }

  /** Hands over what was collected since the last time. */
  take(info: TraceInfo, bytesRead: number): Batch {
    const n = this.#count;
    const batch: Batch = {
      count: n,
      shapes: this.#shapeOf.slice(0, n),
      contexts: this.#contextOf.slice(0, n),
      timesLow: this.#timeLow.slice(0, n),
      timesHigh: this.#timeHigh.slice(0, n),
      places: this.#place.slice(0, n),
      arena: this.units.slice(0, this.#used),
      newStrings: this.#newStrings,
      newContexts: this.#newContexts,
      newShapes: this.#newShapes,
      newStacks: this.#newStacks,
      lineRuns: this.#lineRuns,
      lost: this.#lost,
      stacks: this.#stacks,
      info,
      bytesRead,
    };
    this.#limit = BATCH_EVENTS;
    this.#before += n;
    this.#count = 0;
    this.#unitsBefore += this.#used;
    this.#used = 0;
    this.#newStrings = [];
    this.#newContexts = [];
    this.#newShapes = [];
    this.#newStacks = [];
    this.#lineRuns = [];
    this.#lost = [];
    this.#stacks = [];
    return batch;
  }

  /** Only the first batch is a small one, and most traces for tests have no second. */
  #enlarge(): void {
    this.#shapeOf = larger(this.#shapeOf, new Uint16Array(BATCH_EVENTS));
    this.#contextOf = larger(this.#contextOf, new Uint32Array(BATCH_EVENTS));
    this.#timeLow = larger(this.#timeLow, new Uint32Array(BATCH_EVENTS));
    this.#timeHigh = larger(this.#timeHigh, new Uint32Array(BATCH_EVENTS));
    this.#place = larger(this.#place, new Uint32Array(BATCH_EVENTS));
  }
}

function larger<T extends Uint16Array | Uint32Array>(old: T, room: T): T {
  room.set(old);
  return room;
}
