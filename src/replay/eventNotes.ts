import { NO_PAGE, type EventIndex, type PageId, type SpteIndex } from '../engine/ids.js';
import { Kind } from '../trace/vocabulary.js';
import type { Task } from './task.js';

const IN_EXIT = 1;
const IN_FAULT = 2;

/** What the replay found out about each event, in columns: the page and SPTE it is about, and whether it lies in an exit or a fault. */
export class EventNotes {
  private where = new Uint8Array(1 << 12);
  private page = new Uint32Array(1 << 12);
  private index = new Int16Array(1 << 12);
  /** SPTEs as recorded where the engine goes on with another value, by event */
  private readonly readings = new Map<EventIndex, bigint>();
  length = 0;

  add(where: number, page: PageId, index: number): void {
    if (this.length === this.where.length) this.grow();
    this.where[this.length] = where;
    this.page[this.length] = page;
    this.index[this.length] = index;
    this.length++;
  }

  pageOf(event: EventIndex): PageId {
    return (this.page[event] ?? NO_PAGE) as PageId;
  }

  spteOf(event: EventIndex): { page: PageId; index: SpteIndex } | undefined {
    const index = event >= 0 && event < this.length ? this.index[event]! : -1;
    return index < 0 ? undefined : { page: this.pageOf(event), index: index as SpteIndex };
  }

  keepReading(event: EventIndex, spte: bigint): void {
    this.readings.set(event, spte);
  }
  /** The SPTE that an event recorded, where the engine goes on with another value. */
  recordedSpte(event: EventIndex): bigint | undefined {
    return this.readings.get(event);
  }

  inExit(event: EventIndex): boolean {
    return ((this.where[event] ?? 0) & IN_EXIT) !== 0;
  }
  inFault(event: EventIndex): boolean {
    return ((this.where[event] ?? 0) & IN_FAULT) !== 0;
  }

  /** Where an event lies: the one that opens an exit or a fault lies outside of it, as a call does. */
  depthOf(kind: Kind, task: Task): number {
    const exit = task.inExit && kind !== Kind.exit ? IN_EXIT : 0;
    const opensFault = kind === Kind.pageFault || (kind === Kind.walk && task.pageFault === undefined);
    return exit | (task.inFault && !opensFault ? IN_FAULT : 0);
  }

  private grow(): void {
    const capacity = this.where.length * 2;
    const where = new Uint8Array(capacity);
    const page = new Uint32Array(capacity);
    const index = new Int16Array(capacity);
    where.set(this.where);
    page.set(this.page);
    index.set(this.index);
    [this.where, this.page, this.index] = [where, page, index];
  }
}
