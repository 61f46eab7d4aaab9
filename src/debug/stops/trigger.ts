import type { Template } from '../../replay/query/index.js';
import type { EventIndex } from '../../engine/ids.js';
import type { EventSet } from './eventSet.js';
import type { Gate } from './gate.js';

export type TriggerReason = 'exception' | 'data breakpoint' | 'function breakpoint' | 'breakpoint';

/** Something that stops a run, or logs: a breakpoint or an exception filter, tied to the events of a recording. */
export interface Trigger {
  readonly reason: TriggerReason;
  /** of the breakpoint; exception filters have none */
  readonly id?: number;
  /** name of the exception filter */
  readonly filter?: string;
  /** where it could stop */
  readonly events: EventSet;
  /** it stops at steps of the engine between events: {@link events} are spots */
  readonly atSteps?: boolean;
  /** its condition and hit count */
  readonly gate?: Gate;
  /** a logpoint prints and runs on */
  readonly log?: Template;
  /** description of a stop here (ui.md §12), once the position is there; undefined: what the event itself says */
  describe?(): string | undefined;
  /** what happened at a stop here, instead of the event's line; once the position is there */
  explain?(event: EventIndex): string | undefined;
}

/** The order in which the triggers of one event name the stop: what needs explaining comes first. */
const ORDER: readonly TriggerReason[] = ['exception', 'data breakpoint', 'function breakpoint', 'breakpoint'];

export function foremost(triggers: readonly Trigger[]): Trigger {
  return triggers.reduce((best, t) => (ORDER.indexOf(t.reason) < ORDER.indexOf(best.reason) ? t : best));
}
