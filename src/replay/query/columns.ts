import type { Field } from './fields.js';
import type { Reader } from './readers.js';
import type { EventScope, EventSource, ReplaySource } from './scope.js';

/** What a scan of the columns reads. */
export interface Columns {
  readonly replay: ReplaySource;
  readonly table: EventSource;
  /** for what no column gives: moved to the event that is looked at */
  readonly scope: EventScope;
}

export function columnsOf(scope: EventScope): Columns {
  return { replay: scope.replay, table: scope.replay.table, scope };
}

/**
 * A field of the events of one form, by their number. `constant`: the same for all of them; `ofContext`: for all those of a context;
 * `ofPage`: for all those about a page, unless events contradict each other about it; `isFixed`: for all those of the form of one.
 */
export type Column = Reader<number> & {
  readonly constant?: true;
  readonly ofContext?: true;
  readonly ofPage?: true;
  readonly isFixed?: (sample: number) => boolean;
};

/** How a field is read of events like `sample`; undefined for one that looks at state. */
export function columnOf(field: Field, columns: Columns, sample: number): Column | undefined {
  return field.column?.(columns, sample) ?? (field.state ? undefined : throughScope(field, columns, sample));
}

/** The field's own way to read an event, one after the other. */
function throughScope(field: Field, columns: Columns, sample: number): Column {
  const at = (event: number): EventScope => {
    columns.scope.event = event as EventScope['event'];
    return columns.scope;
  };
  switch (field.type) {
    case 'number':
      return {
        type: 'number',
        num: (e) => field.num(at(e)),
        ...(field.word && { word: (e: number) => field.word!(at(e)) }),
        ...(field.letters && { letters: (e: number) => field.letters!(at(e)) }),
      };
    case 'text':
      return { type: 'text', text: (e) => field.text(at(e)) };
    case 'time':
      return {
        type: 'time',
        time: (e) => field.time(at(e)),
        shortTime: (e) => field.shortTime(at(e)),
        inSeconds: (e) => field.inSeconds(at(e)),
        printed: (e) => field.printed(at(e)),
      };
    default: {
      const number = field.number && columnOf(field.number, columns, sample);
      return { type: field.type, has: (e) => field.has(at(e)), ...(number?.type === 'number' && { number }) };
    }
  }
}

/** The events of a form have no such number. */
export function noNumber(letters: boolean): Column {
  return { type: 'number', constant: true, num: () => NaN, ...(letters && { letters: () => undefined }) };
}

export const NO_TEXT: Column = { type: 'text', constant: true, text: () => undefined };
