import type { EventIndex } from '../../engine/ids.js';
import type { Trail, TrailEntry } from '../../replay/view.js';
import { eventAtSpot, spotAt, stepAtSpot, type Spot } from './spot.js';

/** The steps of the engine between the events of a scenario, as spots: each call of a function of the kernel is one. */
export class EngineSteps {
  constructor(private readonly trail: Trail | undefined) {}

  /** How many steps follow an event. */
  after(event: number): number {
    return this.rank(event) - this.rank(event - 1);
  }

  /** The call at a spot; undefined at an event. */
  at(spot: Spot): TrailEntry | undefined {
    const number = this.numberAt(spot);
    return number === undefined ? undefined : this.entries[number];
  }

  /** The call at a spot and the calls around it, the innermost first, each with its own spot. */
  stackAt(spot: Spot): { entry: TrailEntry; spot: Spot }[] {
    const number = this.numberAt(spot);
    return number === undefined ? [] : this.around(number);
  }

  /** The calls that an event came about in, the innermost first. */
  stackOf(event: EventIndex): { entry: TrailEntry; spot: Spot }[] {
    const innermost = this.trail?.callAt(event) ?? -1;
    return innermost < 0 ? [] : this.around(innermost);
  }

  /** The spot of a call by its number. */
  spotOf(number: number): Spot {
    const { event } = this.entries[number]!;
    return spotAt(event, number - this.rank(event - 1) + 1);
  }

  /** The first spot behind the call at a spot: the next call that is not within it, or the event after its last one. */
  behind(spot: Spot): Spot | undefined {
    const entry = this.at(spot);
    if (!entry) return undefined;
    const next = this.entries[entry.end];
    return next && next.event === entry.last ? this.spotOf(entry.end) : entry.last + 1;
  }

  /** Spots of the calls of some functions, in order. */
  spotsOf(test: (entry: TrailEntry) => boolean): Spot[] {
    return this.entries.flatMap((entry, number) => (test(entry) ? [this.spotOf(number)] : []));
  }

  private get entries(): readonly TrailEntry[] {
    return this.trail?.entries ?? [];
  }

  private numberAt(spot: Spot): number | undefined {
    const step = stepAtSpot(spot);
    return step === 0 ? undefined : this.rank(eventAtSpot(spot) - 1) + step - 1;
  }

  private around(number: number): { entry: TrailEntry; spot: Spot }[] {
    return this.trail!.callsAround(number).map((call) => ({ entry: this.entries[call]!, spot: this.spotOf(call) }));
  }

  /** How many calls began at or before an event. */
  private rank(event: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.event <= event) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
