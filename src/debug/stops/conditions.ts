import {
  compileCondition,
  compileHits,
  compileTemplate,
  ConditionError,
  type Condition,
  type EventScope,
  type HitCondition,
  type Template,
} from '../../replay/query/index.js';
import type { EventIndex } from '../../engine/ids.js';
import type { EventSet } from './eventSet.js';
import { Gate, type Views } from './gate.js';

/** The texts that a client may add to any breakpoint. */
export interface ConditionTexts {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

export interface Compiled {
  readonly condition?: Condition;
  readonly hits?: HitCondition;
  readonly log?: Template;
}

/** Compiles the texts of a breakpoint, or says what is wrong with the first bad one. Empty texts count as absent. */
export function compileTexts(texts: ConditionTexts): Compiled | ConditionError {
  const condition = texts.condition?.trim() ? compileCondition(texts.condition) : undefined;
  if (condition instanceof ConditionError) return condition;
  const hits = texts.hitCondition?.trim() ? compileHits(texts.hitCondition) : undefined;
  if (hits instanceof ConditionError) return hits;
  const log = texts.logMessage ? compileTemplate(texts.logMessage) : undefined;
  if (log instanceof ConditionError) return log;
  return { ...(condition && { condition }), ...(hits && { hits }), ...(log && { log }) };
}

/** The gate that compiled texts make for a set of events; undefined when every one of them passes. */
export function gateFor(
  events: EventSet,
  { condition, hits }: Compiled,
  scope: EventScope,
  views?: Views,
  eventOf?: (spot: number) => EventIndex,
): Gate | undefined {
  return condition || hits ? new Gate(events, condition, hits, scope, views, eventOf) : undefined;
}
