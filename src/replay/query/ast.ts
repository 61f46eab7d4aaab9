import type { Comparison } from './lexer.js';

/** A place in the text, for messages. */
export interface Span {
  readonly column: number;
  readonly length: number;
}

/** The right side of a comparison, not yet held against the type of the field. */
export interface Literal extends Span {
  /** quoted: always text; a bare word is what the field needs it to be */
  readonly quoted: boolean;
  readonly text: string;
}

export type Node =
  | { readonly type: 'and' | 'or'; readonly left: Node; readonly right: Node }
  | { readonly type: 'not'; readonly operand: Node }
  /** a field alone: true when the event has it and it is neither 0 nor empty */
  | ({ readonly type: 'field'; readonly path: string } & Span)
  | { readonly type: 'compare'; readonly field: Span & { readonly path: string }; readonly op: Comparison; readonly value: Literal };

const STRENGTH = { or: 1, and: 2, not: 3, field: 4, compare: 4 } as const;

/** The text of a tree, with no more parentheses than it needs. Parsing it gives the same tree, places aside. */
export function print(node: Node): string {
  switch (node.type) {
    case 'or':
      return `${within(node.left, 1)} || ${within(node.right, 2)}`;
    case 'and':
      return `${within(node.left, 2)} && ${within(node.right, 3)}`;
    case 'not':
      // `!a == b` would read as a negated comparison too, but nobody reads it so
      return node.operand.type === 'field' ? `!${node.operand.path}` : `!(${print(node.operand)})`;
    case 'field':
      return node.path;
    case 'compare':
      return `${node.field.path} ${node.op} ${printLiteral(node.value)}`;
  }
}

function within(node: Node, strength: number): string {
  return STRENGTH[node.type] < strength ? `(${print(node)})` : print(node);
}

function printLiteral(value: Literal): string {
  return value.quoted ? `"${value.text.replace(/["\\]/gu, '\\$&')}"` : value.text;
}
