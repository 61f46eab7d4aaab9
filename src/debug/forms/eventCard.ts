import type { EventIndex, PageId } from '../../engine/ids.js';
import type { EventCard, PageRef } from '../../protocol.js';
import type { FormContext } from './context.js';
import { argumentFields, commonFields, eventRef } from './events.js';
import { pageRef } from './pages.js';
import { eventSentence } from './sentences.js';

/** The events about a page before and after another, for the links of a hover. */
export interface PageEvents {
  previous(page: PageId, event: EventIndex): EventIndex | undefined;
  next(page: PageId, event: EventIndex): EventIndex | undefined;
}

/**
 * A line of the trace decoded for a hover. The context's cursor stands at `event`; `before` has another cursor, at the event before
 * (the one before the first is -1).
 */
export function eventCard(ctx: FormContext, before: FormContext, event: EventIndex, lineText: string, around?: PageEvents): EventCard {
  const { table } = ctx.replay;
  const fields = [...commonFields(ctx, event), ...argumentFields(ctx, event)].map((f): [string, string] => [f.name, f.text]);
  const page = ctx.replay.pageOf(event);
  const previous = page ? around?.previous(page, event) : undefined;
  const next = page ? around?.next(page, event) : undefined;
  return {
    at: eventRef(table, event),
    line: lineText,
    summary: eventSentence(ctx, before, event),
    fields,
    pages: pagesOf(ctx, event),
    ...(previous !== undefined && { previousOfPage: eventRef(table, previous) }),
    ...(next !== undefined && { nextOfPage: eventRef(table, next) }),
  };
}

/** The page that the event is about, and the page of its SPTE where that is another. */
function pagesOf(ctx: FormContext, event: EventIndex): PageRef[] {
  const ids = new Set<PageId>([ctx.replay.pageOf(event), ctx.replay.spteOf(event)?.page ?? (0 as PageId)]);
  return [...ids].filter((id) => id !== 0).map((id) => pageRef(ctx, id));
}
