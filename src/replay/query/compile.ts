import type { Node, Span } from './ast.js';
import { compare, type CompareNode } from './compare.js';
import { Abort, ConditionError } from './errors.js';
import { FIELDS, suggestion, type Field } from './fields.js';
import type { Comparison } from './lexer.js';
import type { Predicate, Reader } from './readers.js';
import type { EventScope } from './scope.js';

/** A condition as a closure. `state`: may look at state, hence move the scope's cursor. */
export interface Test {
  readonly test: (scope: EventScope) => boolean;
  readonly state: boolean;
}

const OPPOSITE: Partial<Record<Comparison, Comparison>> = { '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' };

/** What a tree is compiled to: of its fields and comparisons, and of two parts. */
export interface Target<R> {
  leaf(field: Field, leaf: Leaf): R;
  both(a: R, b: R): R;
  either(a: R, b: R): R;
}

/** A field alone, or a comparison; negated where it stands under an odd number of `!`. */
export interface Leaf {
  readonly text: string;
  readonly node: Extract<Node, { type: 'field' }> | CompareNode;
  readonly negated: boolean;
}

/**
 * Compiles a tree. `!` is pushed down to the comparisons, so that `!(gfn == 5)` means `gfn != 5`: a comparison of a field that the
 * event does not have is false, negated or not, as the kernel never applies a filter to an event without the field.
 */
export function compileTo<R>(target: Target<R>, text: string, node: Node, negated = false): R {
  switch (node.type) {
    case 'not':
      return compileTo(target, text, node.operand, !negated);
    case 'and':
    case 'or': {
      const left = compileTo(target, text, node.left, negated);
      const right = compileTo(target, text, node.right, negated);
      return (node.type === 'and') !== negated ? target.both(left, right) : target.either(left, right);
    }
    case 'field':
      return target.leaf(fieldAt(text, node), { text, node, negated });
    case 'compare':
      return target.leaf(fieldAt(text, node.field), { text, node, negated });
  }
}

/** The closure of a tree, for one event at a time. */
export function compile(text: string, node: Node): Test {
  return compileTo(TEST, text, node);
}

const TEST: Target<Test> = {
  leaf: (field, leaf) => ({ test: predicate(field, field, leaf), state: field.state === true }),
  both,
  either,
};

/** The closure of a field or a comparison, as `reader` reads the field. */
export function predicate<T>(field: Field, reader: Reader<T>, { text, node, negated }: Leaf): Predicate<T> {
  if (node.type === 'field') return truth(reader, negated);
  const opposite = negated ? OPPOSITE[node.op] : undefined;
  return compare(text, field, reader, node, opposite ?? node.op, negated && !opposite);
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
function truth<T>(reader: Reader<T>, negated: boolean): Predicate<T> {
  switch (reader.type) {
    case 'number':
      return negated ? (of) => reader.num(of) === 0 : (of) => isTrue(reader.num(of));
    case 'text':
      return negated ? (of) => reader.text(of) === '' : (of) => !!reader.text(of);
    case 'time':
      return () => !negated;
    default:
      // `!sp` is the way to ask for events that are about no page
      return (of) => reader.has(of) !== negated;
  }
}

function isTrue(n: number): boolean {
  return n !== 0 && !Number.isNaN(n);
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
