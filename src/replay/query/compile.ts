import type { Node, Span } from './ast.js';
import { compare } from './compare.js';
import { Abort, ConditionError } from './errors.js';
import { FIELDS, suggestion, type Field } from './fields.js';
import type { Comparison } from './lexer.js';
import type { EventScope } from './scope.js';

/** A condition as a closure. `state`: may look at state, hence move the scope's cursor. */
export interface Test {
  readonly test: (scope: EventScope) => boolean;
  readonly state: boolean;
}

const OPPOSITE: Partial<Record<Comparison, Comparison>> = { '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' };

/**
 * Compiles a tree. `!` is pushed down to the comparisons, so that `!(gfn == 5)` means `gfn != 5`: a comparison of a field that the
 * event does not have is false, negated or not, as the kernel never applies a filter to an event without the field.
 */
export function compile(text: string, node: Node, negated = false): Test {
  switch (node.type) {
    case 'not':
      return compile(text, node.operand, !negated);
    case 'and':
    case 'or': {
      const left = compile(text, node.left, negated);
      const right = compile(text, node.right, negated);
      return (node.type === 'and') !== negated ? both(left, right) : either(left, right);
    }
    case 'field':
      return truth(fieldAt(text, node), negated);
    case 'compare': {
      const field = fieldAt(text, node.field);
      const opposite = negated ? OPPOSITE[node.op] : undefined;
      const test = compare(text, field, node, opposite ?? node.op, negated && !opposite);
      return { test, state: isState(field) };
    }
  }
}

function both(a: Test, b: Test): Test {
  // the part that needs no state goes first: it is cheap, and mostly decides
  const [first, second] = a.state && !b.state ? [b.test, a.test] : [a.test, b.test];
  return { test: (s) => first(s) && second(s), state: a.state || b.state };
}

function either(a: Test, b: Test): Test {
  const [first, second] = a.state && !b.state ? [b.test, a.test] : [a.test, b.test];
  return { test: (s) => first(s) || second(s), state: a.state || b.state };
}

/** A field alone: true when it is there and neither 0 nor empty; negated, when it is there and is. */
function truth(field: Field, negated: boolean): Test {
  const state = isState(field);
  switch (field.type) {
    case 'number':
      return { state, test: negated ? (s) => field.num(s) === 0 : (s) => isTrue(field.num(s)) };
    case 'text':
      return { state, test: (s) => (negated ? field.text(s) === '' : !!field.text(s)) };
    case 'time':
      return { state, test: () => !negated };
    default:
      // `!sp` is the way to ask for events that are about no page
      return { state, test: (s) => field.has(s) !== negated };
  }
}

function isTrue(n: number): boolean {
  return n !== 0 && !Number.isNaN(n);
}

function isState(field: Field): boolean {
  return field.state === true;
}

/** The field of a name, or an error with the name that was meant. */
export function fieldAt(text: string, place: Span & { readonly path: string }): Field {
  const field = FIELDS.get(place.path);
  if (field) return field;
  const near = suggestion(place.path);
  const number = /^-?[0-9]/u.test(place.path);
  const message = number
    ? `a comparison begins with a field, not with ${place.path}`
    : `unknown field '${place.path}'${near ? `; did you mean ${near}?` : ''}`;
  throw new Abort(new ConditionError(message, text, place.column, place.length));
}
