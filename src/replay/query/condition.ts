import { print } from './ast.js';
import { compile } from './compile.js';
import { catching, type ConditionError } from './errors.js';
import { parse } from './parser.js';
import type { EventScope } from './scope.js';

/** A condition on events, compiled once and held against many. */
export interface Condition {
  readonly kind: 'condition';
  readonly text: string;
  /** looks at state: testing may move the scope's cursor. False: columns only, millions of events a second */
  readonly needsState: boolean;
  test(scope: EventScope): boolean;
}

/** Compiles a condition; never throws, whatever the text. */
export function compileCondition(text: string): Condition | ConditionError {
  return catching(() => {
    const { test, state } = compile(text, parse(text));
    return { kind: 'condition', text, needsState: state, test };
  });
}

/** The condition with its blanks and parentheses as one would write them; for the query history and for comparing two. */
export function normalize(text: string): string | ConditionError {
  return catching(() => print(parse(text)));
}
