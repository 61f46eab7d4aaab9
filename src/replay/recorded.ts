import type { EventIndex, Role } from '../engine/ids.js';
import { encodeRole } from '../engine/roleLayout.js';
import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';

/** The kernel's own word of a role; null where the trace does not give all of it. */
export function recordedWord({ info: { roles, layout } }: EventTable, role: Role): number | null {
  return roles === 'exact' ? encodeRole(layout, role) : null;
}

/** The guest frame that an event about an SPTE names; -1 for another event. */
export function leafGfnOf(table: EventTable, event: EventIndex): number {
  const kind = table.kind(event);
  if (kind === Kind.setSpte || kind === Kind.spteRequested) return table.num(event, 0);
  return kind === Kind.markMmio ? table.num(event, 1) : -1;
}
