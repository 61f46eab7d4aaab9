import type { EventIndex } from '../../engine/ids.js';
import type { Recording } from '../load/recording.js';
import type { Trigger } from '../stops/trigger.js';
import { Pace } from '../wire/pace.js';

export type Direction = 1 | -1;

/** Where a search ended: at a hit, or at its bound, or at the event at which it was interrupted. */
export type Found = { hit: true; event: EventIndex; triggers: Trigger[] } | { hit: false; event: number; interrupted: boolean };

/** A logpoint that was passed. */
export type OnLog = (trigger: Trigger, event: EventIndex) => void;

/**
 * The one "next stop" function, for both directions: the nearest event beyond `from` at which a trigger holds, the bound itself
 * excluded. It looks from candidate to candidate and never at the events between them.
 */
export class Finder {
  constructor(
    private readonly recording: Recording,
    private readonly triggers: () => readonly Trigger[],
    private readonly onLog: OnLog,
  ) {}

  async find(from: number, direction: Direction, bound: number, signal: AbortSignal): Promise<Found> {
    const triggers = this.triggers();
    const pace = new Pace();
    let at = from;
    for (;;) {
      const e = nearest(triggers, at, direction, bound);
      if (e === undefined) return { hit: false, event: bound - direction, interrupted: false };
      const stopping = this.recording.belongs(e) ? await this.holding(triggers, e, pace, signal) : [];
      if (stopping.length > 0) return { hit: true, event: e as EventIndex, triggers: stopping };
      at = e;
      if (pace.due()) await pace.turn();
      if (signal.aborted) return { hit: false, event: at, interrupted: true };
    }
  }

  /** The triggers that stop at `e`; logpoints speak up. */
  private async holding(triggers: readonly Trigger[], e: number, pace: Pace, signal: AbortSignal): Promise<Trigger[]> {
    const stopping: Trigger[] = [];
    for (const trigger of triggers) {
      if (trigger.events.next(e - 1, e + 1) !== e) continue;
      if (trigger.gate && !(await trigger.gate.passes(e, pace, signal))) continue;
      if (trigger.log) this.onLog(trigger, e as EventIndex);
      else stopping.push(trigger);
    }
    return stopping;
  }
}

function nearest(triggers: readonly Trigger[], from: number, direction: Direction, bound: number): number | undefined {
  let best: number | undefined;
  for (const { events } of triggers) {
    const limit: number = best ?? bound;
    best = (direction === 1 ? events.next(from, limit) : events.previous(from, limit)) ?? best;
  }
  return best;
}
