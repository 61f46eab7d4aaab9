import type { EventIndex } from '../../engine/ids.js';
import type { SearchQuery } from '../../protocol.js';
import { compileCondition, ConditionError, type EventScope, type ReplaySource } from '../../replay/query/index.js';
import type { EventTable } from '../../trace/table.js';
import { RequestError, messageOf } from '../wire/errors.js';
import { LineFilter } from './lineFilter.js';
import { requiredText } from './required.js';

/** What is searched for, compiled. */
export interface Matcher {
  matches(e: EventIndex): boolean;
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
    matches: (e) => filter.mayHave(e) && folded(table.lineText(e)).includes(wanted),
    placeIn: (line) => [folded(line).indexOf(wanted), wanted.length],
  };
}

function regexMatcher(source: string, matchCase: boolean, table: EventTable): Matcher {
  const regex = regexOf(source, matchCase ? '' : 'i');
  const required = requiredText(source);
  const filter = new LineFilter(table, matchCase ? required : required.toLowerCase(), matchCase);
  return {
    matches: (e) => filter.mayHave(e) && regex.test(table.lineText(e)),
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
    matches(e) {
      scope.event = e;
      return condition.test(scope);
    },
    placeIn: () => undefined,
  };
}
