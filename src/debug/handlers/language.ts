import type { ScenarioCompletion, ScenarioProblem, ScenarioSymbol, TextRange } from '../../protocol.js';
import { complete, type Completion } from '../../scenario/language/complete.js';
import { format } from '../../scenario/language/format.js';
import { hover } from '../../scenario/language/hover.js';
import { outline, type OutlineItem } from '../../scenario/language/outline.js';
import { parse } from '../../scenario/language/parser.js';
import type { Diagnostic } from '../../scenario/language/statement.js';
import { linesOf } from '../../scenario/language/token.js';
import type { Handlers } from '../wire/requests.js';

/** Writing scenarios: what is wrong, what may stand here, what a word means. Needs no trace; lines and characters from 0, as editors count. */
export function languageHandlers(): Handlers {
  return {
    'shadowMmu/language/check': ({ text }) => ({
      problems: parse(text).diagnostics.map(problem),
      symbols: symbols(text),
    }),
    'shadowMmu/language/complete': ({ text, position }) => {
      const { items, column, end } = complete(text, { line: position.line + 1, column: position.character + 1 });
      const range = { start: { ...position, character: column - 1 }, end: { ...position, character: end - 1 } };
      return { items: items.map((item) => completion(item, range)) };
    },
    'shadowMmu/language/hover': ({ text, position }) => {
      const found = hover(text, { line: position.line + 1, column: position.character + 1 });
      if (!found) return null;
      const { column, end, ...says } = found;
      return { range: { start: { ...position, character: column - 1 }, end: { ...position, character: end - 1 } }, ...says };
    },
    'shadowMmu/language/format': ({ text }) => ({ text: format(text) }),
  };
}

function completion({ word, kind, form, text }: Completion, range: TextRange): ScenarioCompletion {
  return { label: word, kind, range, ...(form && { detail: form }), ...(text && { documentation: text }) };
}

function problem({ line, column, end, message }: Diagnostic): ScenarioProblem {
  return { range: rangeOf(line, column, end), severity: 'error', message };
}

/** A span of a line, which count from 1, as a range from 0. One that is empty, at the end of a line, covers a character: it must be seen. */
function rangeOf(line: number, column: number, end: number): TextRange {
  return { start: { line: line - 1, character: column - 1 }, end: { line: line - 1, character: Math.max(end, column + 1) - 1 } };
}

function symbols(text: string): ScenarioSymbol[] {
  const lines = linesOf(text);
  const symbol = ({ kind, name, first, last }: OutlineItem): ScenarioSymbol => ({
    kind,
    name,
    range: { start: { line: first - 1, character: 0 }, end: { line: last - 1, character: lines[last - 1]!.length } },
  });
  return outline(text).map(symbol);
}
