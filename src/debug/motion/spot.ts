import type { EventIndex } from '../../engine/ids.js';

/**
 * A place where the debugger can stand: at an event, which has just happened, or, in a scenario, at one of the engine's own steps that
 * come after it and before the next. Spots are numbers in the order of time: an event's is its index, and its steps are counted in
 * fractions behind it, from 1.
 */
export type Spot = number;

/** From one step to the next: far more of them fit between two events than there are. */
export const STEP = 2 ** -20;

export function spotAt(event: number, step: number): Spot {
  return event + step * STEP;
}

/** The event at a spot, or the last one before it. */
export function eventAtSpot(spot: Spot): EventIndex {
  return Math.floor(spot) as EventIndex;
}

/** Which step of its event a spot is; 0 for the event itself. */
export function stepAtSpot(spot: Spot): number {
  return Math.round((spot - Math.floor(spot)) / STEP);
}
