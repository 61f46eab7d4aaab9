/**
 * The memory that events lie in: pages of shared buffers, filled once by the thread that reads the trace and adopted as they are by
 * every other one. Pages are never moved or enlarged, so ten million events need no second buffer. What a page holds beyond the events
 * that a message told of is not valid yet.
 */

/** Events of a page. */
export const PAGE_BITS = 16;
export const PAGE_EVENTS = 1 << PAGE_BITS;
export const PAGE_MASK = PAGE_EVENTS - 1;

/** 32-bit units of a page of arguments. */
export const UNIT_PAGE_BITS = 16;
export const UNIT_PAGE_UNITS = 1 << UNIT_PAGE_BITS;
export const UNIT_PAGE_MASK = UNIT_PAGE_UNITS - 1;

/** Events that share a place to count their own places from. */
export const GROUP_BITS = 8;
const GROUPS = PAGE_EVENTS >>> GROUP_BITS;

/** The columns of 2^16 events: ten bytes an event. Values that do not fit have their upper bits in a column of their own. */
export interface EventPage {
  readonly forms: Uint16Array;
  readonly contexts: Uint16Array;
  /** from {@link timeBase} */
  readonly times: Uint32Array;
  /** where the event's units begin, from the place of its group */
  readonly places: Uint16Array;
  readonly groups: Uint32Array;
  /** two halves, low one first */
  readonly timeBase: Uint32Array;
}

const TIMES_AT = 0;
const GROUPS_AT = TIMES_AT + 4 * PAGE_EVENTS;
const TIME_BASE_AT = GROUPS_AT + 4 * GROUPS;
const FORMS_AT = TIME_BASE_AT + 8;
const CONTEXTS_AT = FORMS_AT + 2 * PAGE_EVENTS;
const PLACES_AT = CONTEXTS_AT + 2 * PAGE_EVENTS;
const EVENT_PAGE_BYTES = PLACES_AT + 2 * PAGE_EVENTS;

export function newEventPage(): SharedArrayBuffer {
  return new SharedArrayBuffer(EVENT_PAGE_BYTES);
}

export function newUnitPage(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * UNIT_PAGE_UNITS);
}

export function eventPage(buffer: SharedArrayBuffer): EventPage {
  return {
    forms: new Uint16Array(buffer, FORMS_AT, PAGE_EVENTS),
    contexts: new Uint16Array(buffer, CONTEXTS_AT, PAGE_EVENTS),
    times: new Uint32Array(buffer, TIMES_AT, PAGE_EVENTS),
    places: new Uint16Array(buffer, PLACES_AT, PAGE_EVENTS),
    groups: new Uint32Array(buffer, GROUPS_AT, GROUPS),
    timeBase: new Uint32Array(buffer, TIME_BASE_AT, 2),
  };
}

/** Columns that a page has upper bits of when it needs them: 32 of times, 16 of contexts and places. */
export type UpperColumn = 'times' | 'contexts' | 'places';

/** The upper bits of a column, for one page. */
export interface Upper {
  readonly page: number;
  readonly column: UpperColumn;
  readonly buffer: SharedArrayBuffer;
}

/** They are a unit each, whatever the column. */
export function newUpper(page: number, column: UpperColumn): Upper {
  return { page, column, buffer: new SharedArrayBuffer(4 * PAGE_EVENTS) };
}
