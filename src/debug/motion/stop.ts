import type { EventIndex } from '../../engine/ids.js';
import type { Trigger } from '../stops/trigger.js';

/** Why and where the debugger stopped: the `stopped` event before it goes over the wire. */
export interface Stop {
  readonly event: EventIndex;
  /** the reason of the protocol */
  readonly reason: string;
  /** call stack title (ui.md §12) */
  readonly description: string;
  /** the trace line, or what there is to say about the end of the trace */
  readonly text: string;
  /** what stopped here; none after a step */
  readonly triggers: readonly Trigger[];
}
