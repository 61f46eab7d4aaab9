import { print } from './ast.js';
import { columnsOf } from './columns.js';
import { compile } from './compile.js';
import { catching, type ConditionError } from './errors.js';
import { parse } from './parser.js';
import { bothHold, compileScan, type Verdict } from './scan.js';
import type { EventScope } from './scope.js';

/** A condition on events, compiled once and held against many. */
export interface Condition {
  readonly kind: 'condition';
  readonly text: string;
  /** looks at state: testing may move the scope's cursor. False: columns only, millions of events a second */
  readonly needsState: boolean;
  test(scope: EventScope): boolean;
  /**
   * The same for many events: what holds of those that are like `sample`, same kind, name and arguments given. Reads columns; looks at
   * state, moving the scope, only where they do not decide. Good as long as the scope's VMs and tasks are not known better.
   */
  verdict(scope: EventScope, sample: number): Verdict;
}

/** Compiles a condition; never throws, whatever the text. */
export function compileCondition(text: string): Condition | ConditionError {
  return catching(() => {
    const node = parse(text);
    const { test, state } = compile(text, node);
    const exactly = (scope: EventScope, event: number): boolean => {
      scope.event = event as EventScope['event'];
      return test(scope);
    };
    const verdict = (scope: EventScope, sample: number): Verdict => {
      const { test: passes, exact } = compileScan(text, node, columnsOf(scope), sample);
      return exact ? passes : bothHold(passes, (e) => exactly(scope, e));
    };
    return { kind: 'condition', text, needsState: state, test, verdict };
  });
}

/** The condition with its blanks and parentheses as one would write them; for the query history and for comparing two. */
export function normalize(text: string): string | ConditionError {
  return catching(() => print(parse(text)));
}
