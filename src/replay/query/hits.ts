import { ConditionError } from './errors.js';

/** Which of the hits of a breakpoint stop. Hits are counted from the start of the trace, the first is 1. */
export interface HitCondition {
  readonly kind: 'hits';
  readonly text: string;
  test(count: number): boolean;
}

const FORM = /^\s*(>=|<=|={1,3}|!=|>|<|%)?\s*([0-9]+)\s*$/u;

/**
 * `5` and `== 5`: the fifth hit only. `>= 5`: the fifth and every later one. `% 5`: every fifth. `>`, `<`, `<=`, `!=` likewise.
 */
export function compileHits(text: string): HitCondition | ConditionError {
  const match = FORM.exec(text);
  if (!match) {
    const column = text.length - text.trimStart().length;
    return new ConditionError(
      'a hit count is a number, or one of == != >= > <= < % and a number',
      text,
      column,
      Math.max(1, text.trim().length),
    );
  }
  const n = Number(match[2]);
  const op = match[1] ?? '==';
  if (!Number.isSafeInteger(n)) return new ConditionError('this hit count is too large', text, text.indexOf(match[2]!), match[2]!.length);
  if (op === '%' && n === 0)
    return new ConditionError('every 0th hit is none; write % 1 for all', text, text.indexOf(match[2]!), match[2]!.length);
  return { kind: 'hits', text, test: (count) => holds(op, count, n) };
}

function holds(op: string, count: number, n: number): boolean {
  switch (op) {
    case '>=':
      return count >= n;
    case '>':
      return count > n;
    case '<=':
      return count <= n;
    case '<':
      return count < n;
    case '!=':
      return count !== n;
    case '%':
      return count % n === 0;
    default:
      return count === n;
  }
}
