import type { EventIndex } from '../../engine/ids.js';
import { Kind } from '../../replay/query/arguments.js';
import type { EventSource } from '../../replay/query/scope.js';

/** What one guest walk led to: the events of the same task up to the next walk, exit or entry. */
export interface Burst {
  readonly last: EventIndex;
  /** SPTEs set */
  readonly sets: number;
  /** it ended with a page fault for the guest */
  readonly injected: boolean;
}

/** A walk is over after a few dozen events of its task; the others' lie between. */
const SEARCHED = 4096;

export function burstOf(table: EventSource, walk: EventIndex): Burst {
  const pid = table.pid(walk);
  const end = Math.min(table.length, walk + SEARCHED);
  let last: number = walk;
  let sets = 0;
  let injected = false;
  for (let e = walk + 1; e < end; e++) {
    if (table.pid(e) !== pid) continue;
    const kind = table.kind(e);
    if (kind === Kind.walk || kind === Kind.exit || kind === Kind.entry || kind === Kind.pageFault) break;
    last = e;
    if (kind === Kind.setSpte || kind === Kind.markMmio) sets++;
    if (kind === Kind.walkerError) injected = true;
  }
  return { last: last as EventIndex, sets, injected };
}

/** The walk that an event of the MMU belongs to; undefined when none is near. */
export function walkBefore(table: EventSource, event: EventIndex): EventIndex | undefined {
  const pid = table.pid(event);
  for (let e: number = event; e >= 0 && e > event - SEARCHED; e--) {
    if (table.pid(e) !== pid) continue;
    const kind = table.kind(e);
    if (kind === Kind.walk) return e as EventIndex;
    if (e !== event && (kind === Kind.exit || kind === Kind.entry)) return undefined;
  }
  return undefined;
}
