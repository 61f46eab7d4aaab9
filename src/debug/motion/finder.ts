import type { EventIndex } from '../../engine/ids.js';
import type { Recording } from '../load/recording.js';
import { Scan } from '../stops/scan.js';
import type { Trigger } from '../stops/trigger.js';
import { Pace } from '../wire/pace.js';
import { eventAtSpot, STEP, type Spot } from './spot.js';

export type Direction = 1 | -1;

/** Where a search ended: at a hit, or at its bound, or where it was interrupted. */
export type Found = { hit: true; spot: Spot; triggers: Trigger[] } | { hit: false; spot: Spot; interrupted: boolean };

/** A logpoint that was passed. */
export type OnLog = (trigger: Trigger, event: EventIndex) => void;

/**
 * The one "next stop" function, for both directions: the nearest spot beyond `from` at which a trigger holds, the bound itself
 * excluded. It looks from candidate to candidate and never at the events between them; those of conditions come from a scan of the columns.
 */
export class Finder {
  constructor(
    private readonly recording: Recording,
    private readonly triggers: () => readonly Trigger[],
    private readonly onLog: OnLog,
  ) {}

  async find(from: Spot, direction: Direction, bound: Spot, signal: AbortSignal): Promise<Found> {
    const triggers = this.triggers();
    for (const { gate } of triggers) gate?.begin();
    const plain = triggers.filter(({ gate }) => !gate?.scanned);
    const conditions = triggers.flatMap(({ gate }) => gate?.scanned ?? []);
    const scan = conditions.length > 0 ? new Scan(conditions) : undefined;
    const pace = new Pace();
    let at = from;
    for (;;) {
      let e = nearest(plain, at, direction, bound);
      const found = await scan?.find(rounded(at, direction), direction, rounded(e ?? bound, -direction), pace, signal);
      if (found?.event === undefined && found?.interrupted) return { hit: false, spot: found.at, interrupted: true };
      e = found?.event ?? e;
      if (e === undefined) return { hit: false, spot: bound, interrupted: false };
      const stopping = this.recording.belongs(eventAtSpot(e)) ? await this.holding(triggers, e, pace, signal) : [];
      if (stopping.length > 0) return { hit: true, spot: e, triggers: stopping };
      at = e;
      if (pace.due()) await pace.turn();
      if (signal.aborted) return { hit: false, spot: at, interrupted: true };
    }
  }

  /** The triggers that stop at a spot; logpoints speak up. */
  private async holding(triggers: readonly Trigger[], e: Spot, pace: Pace, signal: AbortSignal): Promise<Trigger[]> {
    const stopping: Trigger[] = [];
    for (const trigger of triggers) {
      if (next(trigger, e - STEP / 2, e + STEP / 2) !== e) continue;
      if (trigger.gate && !(await trigger.gate.passes(e, pace, signal))) continue;
      if (trigger.log) this.onLog(trigger, eventAtSpot(e));
      else stopping.push(trigger);
    }
    return stopping;
  }
}

/** The event at a spot; of one between two events, that on the side where a search in a direction comes from. */
function rounded(spot: Spot, direction: number): number {
  return direction === 1 ? Math.floor(spot) : Math.ceil(spot);
}

function nearest(triggers: readonly Trigger[], from: Spot, direction: Direction, bound: Spot): Spot | undefined {
  let best: Spot | undefined;
  for (const trigger of triggers) {
    const limit: Spot = best ?? bound;
    best = (direction === 1 ? next(trigger, from, limit) : previous(trigger, from, limit)) ?? best;
  }
  return best;
}

/** Most triggers know events only: of those a step between two events is never one. */
function next({ events, atSteps }: Trigger, after: Spot, limit: Spot): Spot | undefined {
  return atSteps ? events.next(after, limit) : events.next(Math.floor(after), Math.ceil(limit));
}

function previous({ events, atSteps }: Trigger, before: Spot, floor: Spot): Spot | undefined {
  return atSteps ? events.previous(before, floor) : events.previous(Math.ceil(before), Math.floor(floor));
}
