import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { cardBody } from '../forms/cards.js';
import { eventSentence } from '../forms/sentences.js';
import type { Recording } from '../load/recording.js';
import type { Position } from '../motion/position.js';
import type { Stop } from '../motion/stop.js';
import { EXCEPTION_FILTERS, INVARIANT } from '../stops/exceptionFilters.js';
import { foremost } from '../stops/trigger.js';
import { RequestError } from '../wire/errors.js';

/** The card that says why it stopped: for a finding what was recorded, what derived, and the rule; else what the filter is about. */
export function exceptionInfo(
  stop: Stop | undefined,
  recording: Recording,
  position: Position,
): NonNullable<P.ExceptionInfoResponse['body']> {
  const exception = stop && stop.triggers.length > 0 ? foremost(stop.triggers) : undefined;
  if (!stop || exception?.reason !== 'exception') throw new RequestError('The debugger did not stop at an exception.');
  const filter = EXCEPTION_FILTERS.find((f) => f.filter === exception.filter)!;
  const finding = recording.replay.findingAt(stop.event, filter.filter === INVARIANT ? INVARIANT : undefined);
  const explained = filter.explain?.(recording, position.formAt(stop.event), stop.event);
  if (!finding || explained !== undefined) {
    const sentence = explained ?? eventSentence(position.formAt(stop.event), position.formBefore(stop.event), stop.event);
    return {
      exceptionId: filter.filter,
      description: sentence || stop.text,
      breakMode: 'always',
      details: { typeName: filter.filter, message: sentence || stop.text, stackTrace: stop.text },
    };
  }
  const headline = finding.card[0]?.[1] ?? finding.message;
  return {
    exceptionId: finding.kind,
    description: headline,
    breakMode: 'always',
    details: { typeName: finding.kind, message: finding.message, stackTrace: cardBody(finding.card) },
  };
}
