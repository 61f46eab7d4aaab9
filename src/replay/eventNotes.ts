import { NO_PAGE, type EventIndex, type PageId, type SpteIndex } from '../engine/ids.js';
import { Kind } from '../trace/vocabulary.js';
import type { Notes } from './history.js';
import type { Task } from './task.js';

const IN_EXIT = 1;
const IN_FAULT = 2;
/** the event is about a page */
const ABOUT = 4;

const PAGE_BITS = 16;
const PAGE_EVENTS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_EVENTS - 1;
/** Events between two counts of those before that are about a page. */
const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK - 1;
const BLOCKS = PAGE_EVENTS >>> BLOCK_BITS;

const ABOUT_BITS = 14;
const ABOUT_PAGE = 1 << ABOUT_BITS;
const ABOUT_MASK = ABOUT_PAGE - 1;

/** A byte for each event, and the counts. */
class Places {
  readonly where: Uint8Array;
  readonly before: Uint32Array;

  constructor(readonly buffer = new SharedArrayBuffer(PAGE_EVENTS + 4 * BLOCKS)) {
    this.where = new Uint8Array(buffer, 0, PAGE_EVENTS);
    this.before = new Uint32Array(buffer, PAGE_EVENTS, BLOCKS);
  }
}

/** What events are about: page and SPTE. */
class Subjects {
  readonly page: Uint32Array;
  readonly index: Int16Array;

  constructor(readonly buffer = new SharedArrayBuffer(6 * ABOUT_PAGE)) {
    this.page = new Uint32Array(buffer, 0, ABOUT_PAGE);
    this.index = new Int16Array(buffer, 4 * ABOUT_PAGE, ABOUT_PAGE);
  }
}

/** How much of another's notes a reader has. */
export interface NotesMark {
  readonly places: number;
  readonly subjects: number;
  readonly readings: number;
}

/** What a reader of another's notes is told from time to time. */
export interface NotesGrowth {
  readonly length: number;
  /** buffers that it does not have yet */
  readonly places: readonly SharedArrayBuffer[];
  readonly subjects: readonly SharedArrayBuffer[];
  readonly readings: readonly (readonly [EventIndex, bigint])[];
}

/**
 * What the replay found out about each event: whether it lies in an exit or a fault, a byte each; and for those that are about one, the
 * page and the SPTE, six bytes each. In pages of shared memory, which only grow: another thread reads them where they are.
 */
export class EventNotes implements Notes {
  private readonly places: Places[] = [];
  private readonly subjects: Subjects[] = [];
  private abouts = 0;
  /** the pages of the block of events that was asked about last: whoever goes along the events asks about the next ones, too */
  private readonly known = new Uint32Array(BLOCK);
  private knownFrom = 0;
  private knownTo = 0;
  /** SPTEs as recorded where the engine goes on with another value, by event */
  private readonly readings = new Map<EventIndex, bigint>();
  /** the same in order */
  private readonly kept: [EventIndex, bigint][] = [];
  length = 0;

  /** Bytes held by the columns. */
  get byteLength(): number {
    return this.places.length * (PAGE_EVENTS + 4 * BLOCKS) + this.subjects.length * 6 * ABOUT_PAGE;
  }

  add(where: number, page: PageId, index: number): void {
    const event = this.length++;
    const at = event & PAGE_MASK;
    if (at === 0) this.places.push(new Places());
    const { where: column, before } = this.places[event >>> PAGE_BITS]!;
    if ((at & BLOCK_MASK) === 0) before[at >>> BLOCK_BITS] = this.abouts;
    const isAbout = page !== NO_PAGE || index >= 0;
    column[at] = isAbout ? where | ABOUT : where;
    if (isAbout) this.addSubject(page, index);
  }

  pageOf(event: EventIndex): PageId {
    if (event < this.knownFrom || event >= this.knownTo) {
      if (event < 0 || event >= this.length) return NO_PAGE;
      this.learnBlock(event);
    }
    return this.known[event & BLOCK_MASK] as PageId;
  }

  spteOf(event: EventIndex): { page: PageId; index: SpteIndex } | undefined {
    const subject = this.subjectOf(event);
    if (subject < 0) return undefined;
    const { page, index } = this.subjects[subject >>> ABOUT_BITS]!;
    const at = subject & ABOUT_MASK;
    return index[at]! < 0 ? undefined : { page: page[at] as PageId, index: index[at] as SpteIndex };
  }

  keepReading(event: EventIndex, spte: bigint): void {
    this.readings.set(event, spte);
    this.kept.push([event, spte]);
  }
  /** The SPTE that an event recorded, where the engine goes on with another value. */
  recordedSpte(event: EventIndex): bigint | undefined {
    return this.readings.get(event);
  }

  inExit(event: EventIndex): boolean {
    return (this.whereOf(event) & IN_EXIT) !== 0;
  }
  inFault(event: EventIndex): boolean {
    return (this.whereOf(event) & IN_FAULT) !== 0;
  }

  /** Where an event lies: the one that opens an exit or a fault lies outside of it, as a call does. */
  depthOf(kind: Kind, task: Task): number {
    const exit = task.inExit && kind !== Kind.exit ? IN_EXIT : 0;
    const opensFault = kind === Kind.pageFault || (kind === Kind.walk && task.pageFault === undefined);
    return exit | (task.inFault && !opensFault ? IN_FAULT : 0);
  }

  get mark(): NotesMark {
    return { places: this.places.length, subjects: this.subjects.length, readings: this.kept.length };
  }

  /** What a reader that has the notes up to a mark needs to read on. */
  growth(since: NotesMark): NotesGrowth {
    return {
      length: this.length,
      places: this.places.slice(since.places).map(({ buffer }) => buffer),
      subjects: this.subjects.slice(since.subjects).map(({ buffer }) => buffer),
      readings: this.kept.slice(since.readings),
    };
  }

  /** Reads on in another's notes, in its memory. */
  adopt({ length, places, subjects, readings }: NotesGrowth): void {
    for (const buffer of places) this.places.push(new Places(buffer));
    for (const buffer of subjects) this.subjects.push(new Subjects(buffer));
    for (const [event, spte] of readings) this.readings.set(event, spte);
    this.length = length;
  }

  private whereOf(event: number): number {
    return event >= 0 && event < this.length ? this.places[event >>> PAGE_BITS]!.where[event & PAGE_MASK]! : 0;
  }

  /** The place of an event's page among the subjects; -1 for an event that is about none. */
  private subjectOf(event: number): number {
    if ((this.whereOf(event) & ABOUT) === 0) return -1;
    const { where, before } = this.places[event >>> PAGE_BITS]!;
    const at = event & PAGE_MASK;
    const block = at >>> BLOCK_BITS;
    let count = before[block]!;
    for (let i = block << BLOCK_BITS; i < at; i++) count += (where[i]! & ABOUT) >>> 2;
    return count;
  }

  /** Looks up the pages of all events in the block of one, as far as there are events. */
  private learnBlock(event: number): void {
    const { known } = this;
    const first = event - (event & BLOCK_MASK);
    const count = Math.min(BLOCK, this.length - first);
    const { where, before } = this.places[first >>> PAGE_BITS]!;
    const at = first & PAGE_MASK;
    let subject = before[at >>> BLOCK_BITS]!;
    for (let i = 0; i < count; i++) {
      known[i] = (where[at + i]! & ABOUT) === 0 ? NO_PAGE : this.subjects[subject >>> ABOUT_BITS]!.page[subject++ & ABOUT_MASK]!;
    }
    this.knownFrom = first;
    this.knownTo = first + count;
  }

  private addSubject(page: PageId, index: number): void {
    const at = this.abouts & ABOUT_MASK;
    if (at === 0) this.subjects.push(new Subjects());
    const last = this.subjects.at(-1)!;
    last.page[at] = page;
    last.index[at] = index;
    this.abouts++;
  }
}
