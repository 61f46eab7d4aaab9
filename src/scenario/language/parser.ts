import type { Feature } from '../../engine/features.js';
import { action } from './actions.js';
import { Reader, SyntaxFailure, type Expected } from './reader.js';
import { Setting } from './setting.js';
import { feature } from './setup.js';
import type { Diagnostic, Program, Statement } from './statement.js';
import { linesOf, tokensOf, type Line } from './token.js';

export interface Parsed {
  readonly program: Program;
  /** in the order of the lines */
  readonly diagnostics: readonly Diagnostic[];
}

/** Statements that set up what all others run in; a condition by features cannot stand before them. */
const FIRST = new Set(['kernel', 'without', 'with']);

/** Reads a scenario; whatever the text is, the answer is its statements and what is wrong with it. */
export function parse(text: string): Parsed {
  const statements: Statement[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [at, lineText] of linesOf(text).entries()) {
    const line = tokensOf(lineText);
    if (line.tokens.length === 0) continue;
    const parsed = parseLine(lineText, line, at + 1);
    if ('action' in parsed) statements.push(parsed);
    else diagnostics.push(parsed);
  }
  const setting = new Setting();
  for (const statement of statements) diagnostics.push(...setting.next(statement, statement.condition === undefined));
  return { program: { statements }, diagnostics: diagnostics.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** One line that is not empty. */
function parseLine(text: string, line: Line, number: number): Statement | Diagnostic {
  const reader = new Reader(line);
  try {
    const condition = conditionOf(reader);
    const begin = reader.next?.column ?? reader.column;
    const parsed = action(reader);
    reader.end();
    if (condition && FIRST.has(parsed.kind)) {
      throw new SyntaxFailure(line.tokens[0]!, `expected '${parsed.kind}' without a condition, for it decides which features there are`);
    }
    const written = text.slice(line.tokens[0]!.column - 1, line.end - 1);
    return { line: number, column: begin, end: line.end, text: written, ...(condition && { condition }), action: parsed };
  } catch (failure) {
    if (!(failure instanceof SyntaxFailure)) throw failure;
    return { line: number, ...failure.span, message: failure.message };
  }
}

/** `if [not] FEATURE [and [not] FEATURE]…:` */
function conditionOf(reader: Reader): Statement['condition'] {
  if (!reader.word('if')) return undefined;
  const terms: { feature: Feature; wanted: boolean }[] = [];
  do {
    const not = reader.word('not');
    terms.push({ feature: feature(reader).value, wanted: !not });
  } while (reader.word('and'));
  reader.need(reader.sign(':'));
  return terms;
}

/** What may stand after the tokens of a line: for completion. */
export function expectedAfter(line: Line): readonly Expected[] {
  const reader = new Reader(line);
  try {
    conditionOf(reader);
    action(reader);
    reader.end();
  } catch (failure) {
    if (!(failure instanceof SyntaxFailure)) throw failure;
  }
  return reader.next ? [] : reader.expected;
}
