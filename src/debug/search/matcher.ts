import type { EventIndex } from '../../engine/ids.js';
import type { SearchQuery } from '../../protocol.js';
import { compileCondition, ConditionError, type EventScope, type ReplaySource } from '../../replay/query/index.js';
import type { EventTable } from '../../trace/table.js';
import type { Members } from '../stops/eventSet.js';
import { Scan, type ScanResult } from '../stops/scan.js';
import type { Pace } from '../wire/pace.js';
import { RequestError, messageOf } from '../wire/errors.js';
import { LineFilter } from './lineFilter.js';
import { requiredText } from './required.js';

/** The nearest event beyond `from`, on this side of `bound`, that matches. */
export type Nearest = (from: number, direction: 1 | -1, bound: number, pace: Pace, signal: AbortSignal) => Promise<ScanResult>;

/** What is searched for, compiled. */
export interface Matcher {
  /** Begins to look through what is loaded now. */
  begin(): Nearest;
  /** where in the line: first character and number of characters; undefined where it is the event as a whole */
  placeIn(line: string): [number, number] | undefined;
}

/** @throws RequestError for a query that means nothing */
export function matcherFor(query: SearchQuery, table: EventTable, replay: ReplaySource): Matcher {
  if (query.text.trim() === '') throw new RequestError('There is nothing to find: write a text, a regular expression or a condition.');
  switch (query.as) {
    case 'text':
      return textMatcher(query.text, query.matchCase === true, table);
    case 'regex':
      return regexMatcher(query.text, query.matchCase === true, table);
    case 'condition':
      return conditionMatcher(query.text, replay);
  }
}

function textMatcher(text: string, matchCase: boolean, table: EventTable): Matcher {
  const folded = (line: string): string => (matchCase ? line : line.toLowerCase());
  const wanted = folded(text);
  const filter = new LineFilter(table, wanted, matchCase);
  return {
    begin: walking((e) => filter.mayHave(e) && folded(table.lineText(e)).includes(wanted)),
    placeIn: (line) => [folded(line).indexOf(wanted), wanted.length],
  };
}

function regexMatcher(source: string, matchCase: boolean, table: EventTable): Matcher {
  const regex = regexOf(source, matchCase ? '' : 'i');
  const required = requiredText(source);
  const filter = new LineFilter(table, matchCase ? required : required.toLowerCase(), matchCase);
  return {
    begin: walking((e) => filter.mayHave(e) && regex.test(table.lineText(e))),
    placeIn(line) {
      const match = regex.exec(line);
      return match ? [match.index, match[0].length] : undefined;
    },
  };
}

function regexOf(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw new RequestError(messageOf(error));
  }
}

function conditionMatcher(text: string, replay: ReplaySource): Matcher {
  const condition = compileCondition(text);
  if (condition instanceof ConditionError) throw new RequestError(condition.toString());
  const scope: EventScope = { replay, event: 0 as EventIndex };
  return {
    begin() {
      const scan = new Scan([{ members: EVERY_EVENT, condition, scope }]);
      return (...where) => scan.find(...where);
    },
    placeIn: () => undefined,
  };
}

const EVERY_EVENT: Members = { like: () => true, ahead: (from) => from, behind: (from) => from };

/** One event after the other. */
function walking(matches: (e: number) => boolean): Matcher['begin'] {
  return () => async (from, direction, bound, pace, signal) => {
    for (let e = from + direction; direction * (bound - e) > 0; e += direction) {
      if (pace.due()) await pace.turn();
      if (signal.aborted) return { event: undefined, interrupted: true, at: e - direction };
      if (matches(e)) return { event: e };
    }
    return { event: undefined, interrupted: false, at: bound };
  };
}
