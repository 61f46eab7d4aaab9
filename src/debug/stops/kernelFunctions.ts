import { functionsNamed, kernelName, type KernelFunction } from '../../replay/functions.js';
import { eventLedTo } from '../../replay/scenario/trailLedTo.js';
import type { EventIndex } from '../../engine/ids.js';
import type { Recording } from '../load/recording.js';
import { EngineSteps } from '../motion/engineSteps.js';
import { EventList, union, type EventSet } from './eventSet.js';

/** The functions of the kernel that a breakpoint names, as the kernel of a recording has them. */
export interface WantedFunctions {
  readonly functions: readonly KernelFunction[];
  /** what it calls them, where that is not the name given; why there are none */
  readonly message?: string;
}

/** Whether a name is, or was, that of a function that the engine models. */
export function isKernelFunction(name: string): boolean {
  return functionsNamed(name).length > 0;
}

export function wantedFunctions(name: string, { replay }: Recording): WantedFunctions {
  const era = replay.era;
  const functions = functionsNamed(name).filter((fn) => kernelName(fn, era) !== '');
  if (functions.length === 0) return { functions, message: `Kernel ${era.name} has no function ${name}.` };
  const names = [...new Set(functions.map((fn) => kernelName(fn, era)))];
  return { functions, ...(!names.includes(name) && { message: `${name} is ${names.join(', ')} in kernel ${era.name}.` }) };
}

/** Where a breakpoint on functions stops. */
export interface FunctionStops {
  readonly events: EventSet;
  /** a scenario: at the calls themselves, and which event each is about */
  readonly eventOf?: (spot: number) => EventIndex;
}

/** The calls of functions in a scenario; the events of a recording that they led to. */
export function stopsOf(functions: readonly KernelFunction[], { replay }: Recording): FunctionStops {
  const { trail } = replay;
  if (trail) {
    const steps = new EngineSteps(trail);
    const calls = new EventList(true);
    for (const spot of steps.spotsOf(({ fn }) => functions.includes(fn))) calls.push(spot);
    return { events: calls, eventOf: (spot) => eventLedTo(steps.at(spot)!) };
  }
  const events = union(
    functions.map((fn) => ({
      next: (after, limit) => replay.ledTo.next(fn, after, Math.min(limit, replay.replayed)),
      previous: (before, floor) => replay.ledTo.previous(fn, before, floor),
    })),
  );
  return { events };
}
