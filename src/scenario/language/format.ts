import { parse } from './parser.js';
import type { Statement } from './statement.js';
import { linesOf, tokensOf, type Line, type Token } from './token.js';
import { FLAG_NAMES } from './values.js';

/** Columns between a statement and the comment after it. */
const GAP = 2;

interface Formatted {
  readonly text: string;
  /** behind a statement, aligned with those of the lines around */
  readonly comment: string | undefined;
}

/**
 * The same scenario in one hand: words in lower case, flags in upper case, single spaces, comments of neighbouring lines below each
 * other, one empty line where there were several. A line that is no statement stays as it is.
 */
export function format(text: string): string {
  const statements = new Map(parse(text).program.statements.map((statement) => [statement.line, statement]));
  const lines = linesOf(text).map((line, at) => formatLine(line, statements.get(at + 1)));
  const kept = lines.filter((line, at) => !isEmpty(line) || (at > 0 && !isEmpty(lines[at - 1]!)));
  if (kept.length && isEmpty(kept.at(-1)!)) kept.pop();
  return kept.map((line, at) => `${withComment(kept, line, at)}\n`).join('');
}

function isEmpty({ text, comment }: Formatted): boolean {
  return text === '' && comment === undefined;
}

function formatLine(written: string, statement: Statement | undefined): Formatted {
  const line = tokensOf(written);
  const comment = line.comment === undefined ? undefined : written.slice(line.comment - 1).trimEnd();
  if (line.tokens.length === 0) return { text: comment ?? '', comment: undefined };
  if (!statement) return { text: written.trimEnd(), comment: undefined };
  return { text: statementText(line, statement), comment };
}

function withComment(lines: readonly Formatted[], { text, comment }: Formatted, at: number): string {
  if (comment === undefined) return text;
  const has = (i: number): boolean => lines[i]?.comment !== undefined;
  let first = at;
  let last = at;
  while (has(first - 1)) first--;
  while (has(last + 1)) last++;
  const width = Math.max(...lines.slice(first, last + 1).map((line) => line.text.length));
  return text.padEnd(width + GAP) + comment;
}

function statementText({ tokens }: Line, statement: Statement): string {
  const isExpect = statement.action.kind === 'expect';
  return tokens.reduce((text, token, at) => {
    const before = tokens[at - 1];
    const space = before && hasSpace(before, token, isExpect) ? ' ' : '';
    return text + space + tokenText(token, statement);
  }, '');
}

/** `gfn(5)[3] = 0x10|P`, `if x: …`, `key=value` in an expectation */
function hasSpace(before: Token, token: Token, isExpect: boolean): boolean {
  const tight = isExpect ? ['|', '..', '='] : ['|', '..'];
  if (tight.includes(before.text) || tight.includes(token.text)) return false;
  if ([',', ':', ']', ')', '['].includes(token.text) || ['[', '('].includes(before.text)) return false;
  return token.text !== '(' || before.text.toLowerCase() !== 'gfn';
}

function tokenText({ text, column }: Token, { action }: Statement): string {
  if ((action.kind === 'slot' || action.kind === 'delete-slot') && column === action.name.column) return text;
  if (action.kind === 'kernel' && column === action.kernel.column) return action.kernel.value;
  // Values of event fields are the kernel's own.
  const fields = action.kind === 'expect' && action.expectation.kind === 'events' ? action.expectation.fields : [];
  if (fields.some(({ value }) => value.column === column)) return text;
  if (/^0x/i.test(text) || /^\d/.test(text)) return numberText(text);
  const upper = text.toUpperCase();
  if (/^I-\d+$/.test(upper)) return upper;
  if (action.kind !== 'vcpu' && FLAG_NAMES.some((flag) => flag === upper)) return upper;
  return text.toLowerCase();
}

/** `0x1f`, `4K`; words that begin with a digit, such as `4-byte`, are words. */
function numberText(text: string): string {
  return text
    .toLowerCase()
    .replace(/^((?:0x[0-9a-f_]+|[\d_]+))([kmgt])$/, (_, digits: string, size: string) => digits + size.toUpperCase());
}
