import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ConditionError, type EventScope } from '../../replay/query/index.js';
import { compileTexts, gateFor } from './conditions.js';
import type { Binding } from './breakpointGroup.js';
import type { BindingSite } from './binding.js';
import type { Recording } from '../load/recording.js';
import { count } from '../forms/numbers.js';
import { stopDescription } from '../forms/stops.js';
import { EXCEPTION_FILTERS, INVARIANT } from './exceptionFilters.js';

/** An exception filter that is switched on, perhaps with a condition. */
export function bindException(spec: P.ExceptionFilterOptions, site: BindingSite | undefined): Binding {
  const filter = EXCEPTION_FILTERS.find((f) => f.filter === spec.filterId);
  if (!filter) {
    const names = EXCEPTION_FILTERS.map((f) => f.filter).join(', ');
    return { verified: false, message: `There is no exception filter '${spec.filterId}'; there are ${names}.` };
  }
  const compiled = compileTexts(spec);
  if (compiled instanceof ConditionError) return { verified: false, message: compiled.toString() };
  if (!site) return { verified: true, pending: true };
  const events = filter.events(site.recording);
  const views = filter.views && ((scope: EventScope) => filter.views!(site.recording, scope));
  const gate = gateFor(events, compiled, site.searchScope, views);
  const describe = (): string | undefined => {
    const title = filter.titleAt?.(site.recording, site.here.cursor.event) ?? filter.title;
    return title && stopDescription({ type: 'exception', kind: title });
  };
  const message = filter.filter === INVARIANT ? since(site.recording) : undefined;
  // Who checks them is ahead of what can be visited, and says from where on it does.
  const pending = filter.filter === INVARIANT && site.recording.replay.invariantsSince === undefined && !site.complete;
  return {
    verified: true,
    ...(message && { message }),
    ...(pending && { pending }),
    trigger: {
      reason: 'exception',
      filter: filter.filter,
      events,
      ...(gate && { gate }),
      describe,
      ...(filter.explain && { explain: (event) => filter.explain!(site.recording, site.here, event) }),
    },
  };
}

/** Invariants are checked while a trace is loaded: whoever switches the filter on later is told what was missed. */
function since({ replay }: Recording): string | undefined {
  const first = replay.invariantsSince ?? 0;
  return first > 0
    ? `The invariants are checked from event ${count(first)} on; start the session again to check all of the trace.`
    : undefined;
}
