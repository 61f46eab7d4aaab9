import type { Node } from './ast.js';
import { compile, fieldAt } from './compile.js';
import { catching, ConditionError } from './errors.js';
import { parseNumber } from './numbers.js';
import { parse } from './parser.js';
import { findReference, parseReference } from './references.js';
import type { EventScope } from './scope.js';
import { fieldValue, type Value } from './values.js';

/**
 * Evaluates a field (`event.index`, `gfn`, `sp.unsync`), a thing (`sp`, `spte`, `role`), a page name (`2c00.1.0`, `2c00 L1 q0`), an
 * SPTE (`2c00 L1 q0 [0ed]`, `sp[0ed]`), one of their fields, a number or a condition. Never throws for what a user can type.
 */
export function evaluate(text: string, scope: EventScope): Value {
  const reference = parseReference(text);
  if (reference instanceof ConditionError) return { type: 'error', error: reference };
  if (reference) return findReference(reference, scope);
  const number = parseNumber(text.trim());
  if (number !== undefined && /^[-0-9]/u.test(text.trim())) return { type: 'number', value: number, base: text.includes('x') ? 16 : 10 };
  const value = catching((): Value => ofNode(text, parse(text), scope));
  return value instanceof ConditionError ? { type: 'error', error: value } : value;
}

function ofNode(text: string, node: Node, scope: EventScope): Value {
  if (node.type === 'field') return fieldValue(fieldAt(text, node), scope);
  const { test } = compile(text, node);
  // no comparison holds of an event that is not there
  return { type: 'boolean', value: scope.event >= 0 && test(scope) };
}

/** What is wrong with an expression, whatever the event; undefined when it can be evaluated. */
export function checkExpression(text: string): ConditionError | undefined {
  if (parseNumber(text.trim()) !== undefined) return undefined;
  const reference = parseReference(text);
  if (reference) return reference instanceof ConditionError ? reference : undefined;
  const test = catching(() => compile(text, parse(text)));
  return test instanceof ConditionError ? test : undefined;
}
