import type { EventIndex } from '../../engine/ids.js';
import type { KernelFunction } from '../../engine/kernelFunctions.js';
import type { Trail, TrailEntry } from '../../engine/trail.js';
import type { LedTo } from '../history.js';

/** The way to each event of a scenario, from its trail. */
export class TrailLedTo implements LedTo {
  constructor(private readonly trail: Trail) {}

  framesOf(event: EventIndex): string[] {
    const call = this.trail.callAt(event);
    return call < 0 ? [] : this.trail.callsAround(call).map((number) => this.trail.entries[number]!.text);
  }

  has(event: EventIndex, fn: KernelFunction): boolean {
    return this.next(fn, event - 1, event + 1) === event;
  }

  next(fn: KernelFunction, after: number, limit: number): EventIndex | undefined {
    const events = this.eventsOf(fn).filter((event) => event > after && event < limit);
    return events.length ? (Math.min(...events) as EventIndex) : undefined;
  }

  previous(fn: KernelFunction, before: number, floor: number): EventIndex | undefined {
    const events = this.eventsOf(fn).filter((event) => event < before && event > floor);
    return events.length ? (Math.max(...events) as EventIndex) : undefined;
  }

  private eventsOf(fn: KernelFunction): EventIndex[] {
    return this.trail.entries.filter((entry) => entry.fn === fn).map(eventLedTo);
  }
}

/** The first event that a call led to; where it led to none, the one that it followed from. */
export function eventLedTo({ event, last }: TrailEntry): EventIndex {
  return (last > event ? event + 1 : event) as EventIndex;
}
