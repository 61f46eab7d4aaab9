import { FEATURES, isFeature } from '../../engine/features.js';
import { EXPECTATIONS, STATEMENTS, WORDS } from './docs.js';
import { expectedAfter, parse } from './parser.js';
import type { Expected } from './reader.js';
import type { Span } from './statement.js';
import { linesOf, tokensOf, type Line } from './token.js';

/** A place in a scenario; both count from 1. The column is the one before which something is typed. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Completion {
  readonly word: string;
  readonly kind: 'keyword' | 'feature' | 'kernel' | 'event' | 'flag' | 'field' | 'name';
  /** how a statement that begins with it goes on */
  readonly form?: string;
  readonly text?: string;
}

export interface Completions extends Span {
  /** in place of what stands from `column` to `end` */
  readonly items: readonly Completion[];
}

const KINDS: Readonly<Record<string, Completion['kind']>> = {
  'a feature': 'feature',
  'an era or a kernel version': 'kernel',
  'the name of an event': 'event',
  'a field of the event': 'field',
  'a flag': 'flag',
};

/** The words that may stand at a place: what the parser would take there. */
export function complete(text: string, { line, column }: Position): Completions {
  const written = tokensOf(linesOf(text)[line - 1] ?? '');
  const touched = written.tokens.find((token) => token.kind === 'word' && token.column < column && column <= token.end);
  const span = { column: touched?.column ?? column, end: touched?.end ?? column };
  if (written.comment !== undefined && column > written.comment) return { ...span, items: [] };
  const before: Line = {
    ...written,
    tokens: written.tokens.filter((token) => token.end <= span.column && token !== touched),
    end: span.column,
  };
  const words = before.tokens.map((token) => token.text.toLowerCase());
  const items = expectedAfter(before).flatMap((expected) => itemsOf(expected, words, () => named(text, line)));
  return { ...span, items };
}

function itemsOf({ what, words }: Expected, before: readonly string[], slots: () => string[]): Completion[] {
  if (what === 'the name of a slot') {
    return before.at(-2) === 'delete' ? slots().map((word) => ({ word, kind: 'name' as const })) : [];
  }
  return words.map((word) => ({ word, kind: KINDS[what] ?? 'keyword', ...textOf(word, what, before) }));
}

function textOf(word: string, what: string, before: readonly string[]): Pick<Completion, 'form' | 'text'> {
  if (what === 'a statement') return STATEMENTS[word as keyof typeof STATEMENTS];
  if (isFeature(word)) return { text: `With: ${FEATURES[word].on}. Without: ${FEATURES[word].off}.` };
  const expectation = before.includes('expect') && !['(', 'is'].some((sign) => before.includes(sign)) ? EXPECTATIONS[word] : undefined;
  if (expectation && /^(expect|no|\d+)$/.test(before.at(-1) ?? '')) return expectation;
  const text = WORDS[word] ?? negative(word);
  return text === undefined ? {} : { text };
}

function negative(word: string): string | undefined {
  const text = word.startsWith('no') ? WORDS[word.slice(2)] : undefined;
  return text && `Not ${text}`;
}

/** Slots that a line before names. */
function named(text: string, line: number): string[] {
  return parse(text).program.statements.flatMap((each) =>
    each.line < line && each.action.kind === 'slot' ? [each.action.name.value] : [],
  );
}
