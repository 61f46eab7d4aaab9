import type { EventIndex } from '../../engine/ids.js';
import { Kind } from '../../trace/vocabulary.js';
import type { Recording } from '../load/recording.js';
import { stopDescription } from '../forms/stops.js';
import type { Position } from './position.js';

/** What an event itself says about a stop at it: `zap of 2d52 L1 q1`, `event 300,045`. The position is already there. */
export function stopTitle({ table, replay }: Recording, { cursor }: Position, event: EventIndex): string {
  const page = event >= 0 && table.kind(event) === Kind.prepareZap ? replay.pageOf(event) : 0;
  return stopDescription(page ? { type: 'zap', page: cursor.page(page) } : { type: 'event', event });
}
