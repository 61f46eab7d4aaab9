import { ConditionError } from './errors.js';
import { checkExpression, evaluate } from './evaluate.js';
import type { EventScope } from './scope.js';
import type { Value } from './values.js';

/** The message of a logpoint: text with `{expressions}`; `{{` and `}}` are braces. */
export interface Template {
  readonly kind: 'template';
  readonly text: string;
  render(scope: EventScope, print: (value: Value) => string): string;
}

type Part = string | { readonly expression: string };

/** Reads a message. Expressions are looked at when it is rendered: what they mean can depend on the event. */
export function compileTemplate(text: string): Template | ConditionError {
  const parts: Part[] = [];
  let plain = '';
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if ((c === '{' || c === '}') && text[at + 1] === c) {
      plain += c;
      at++;
    } else if (c === '}') {
      return new ConditionError("this '}' closes nothing; write }} for a brace", text, at, 1);
    } else if (c === '{') {
      const close = text.indexOf('}', at);
      if (close < 0) return new ConditionError("this '{' is not closed; write {{ for a brace", text, at, text.length - at);
      const expression = text.slice(at + 1, close);
      const problem = misunderstood(text, expression, at + 1);
      if (problem) return problem;
      parts.push(plain, { expression });
      plain = '';
      at = close;
    } else plain += c;
  }
  parts.push(plain);
  const render = (scope: EventScope, print: (value: Value) => string): string =>
    parts.map((part) => (typeof part === 'string' ? part : print(evaluate(part.expression, scope)))).join('');
  return { kind: 'template', text, render };
}

/** An expression that can never mean anything, found when the logpoint is set and not when it is hit. */
function misunderstood(text: string, expression: string, at: number): ConditionError | undefined {
  const error = checkExpression(expression);
  return error && new ConditionError(error.message, text, Math.min(text.length, at + error.column), error.length);
}
