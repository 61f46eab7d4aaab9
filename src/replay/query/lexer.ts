import { Abort, ConditionError } from './errors.js';

/**
 * Tokens of the condition language. It is the language of the kernel's event filters, so a bare word runs up to a blank or an
 * operator: `comm == qemu-kvm`, `name ~ kvm_mmu_*`, `role.access == w-x`.
 */
export type TokenType = 'op' | 'word' | 'string' | 'end';

export interface Token {
  readonly type: TokenType;
  /** operator or word as written; a string without its quotes */
  readonly text: string;
  readonly column: number;
  readonly length: number;
}

export const COMPARISONS = ['==', '!=', '<=', '>=', '<', '>', '&', '~'] as const;
export type Comparison = (typeof COMPARISONS)[number];

const OPERATORS = ['&&', '||', '==', '!=', '<=', '>=', '<', '>', '&', '~', '!', '(', ')'] as const;
const WORD = /[^\s"'()<>=!&|~]+/uy;

/** Splits a text into tokens; the last one has type `end`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && /\s/u.test(text[at]!)) at++;
    if (at >= text.length) break;
    const token = operator(text, at) ?? quoted(text, at) ?? word(text, at) ?? unexpected(text, at);
    tokens.push(token);
    at += token.length;
  }
  tokens.push({ type: 'end', text: '', column: text.trimEnd().length, length: 1 });
  return tokens;
}

function operator(text: string, column: number): Token | undefined {
  const op = OPERATORS.find((o) => text.startsWith(o, column));
  return op && { type: 'op', text: op, column, length: op.length };
}

function quoted(text: string, column: number): Token | undefined {
  const quote = text[column];
  if (quote !== '"' && quote !== "'") return undefined;
  let value = '';
  for (let at = column + 1; at < text.length; at++) {
    const c = text[at]!;
    if (c === quote) return { type: 'string', text: value, column, length: at + 1 - column };
    // a backslash protects a quote or itself; elsewhere it is an ordinary character, as in the kernel
    if (c === '\\' && (text[at + 1] === quote || text[at + 1] === '\\')) value += text[++at];
    else value += c;
  }
  throw new Abort(new ConditionError(`this ${quote} is not closed`, text, column, text.length - column));
}

function word(text: string, column: number): Token | undefined {
  WORD.lastIndex = column;
  const match = WORD.exec(text);
  return match ? { type: 'word', text: match[0], column, length: match[0].length } : undefined;
}

function unexpected(text: string, column: number): never {
  const c = text[column]!;
  const advice = c === '=' ? "'=' does not compare; write ==" : c === '|' ? "'|' alone means nothing here; write ||" : `unexpected '${c}'`;
  throw new Abort(new ConditionError(advice, text, column, 1));
}
