import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import { caret, completions, evaluate, type Value } from '../../replay/query/index.js';
import { plainValue } from '../forms/values.js';
import type { Position } from '../motion/position.js';
import { RequestError } from '../wire/errors.js';
import type { PageTree } from './pageTree.js';
import { branch, toResult, type Branch, type Row } from './rows.js';
import { byName } from './shadowPages.js';

/** Answers expressions of watches, hovers, the debug console and the clipboard. */
export class Evaluator {
  constructor(
    private readonly position: Position,
    private readonly tree: PageTree,
    private readonly handle: (branch: Branch) => number,
  ) {}

  evaluate(expression: string, event: EventIndex, context: string | undefined): NonNullable<P.EvaluateResponse['body']> {
    const value = evaluate(expression, this.position.scopeAt(event));
    if (value.type === 'error') throw new RequestError(context === 'repl' ? caret(value.error) : value.error.toString());
    // A hover that has nothing to say stays away.
    if (value.type === 'none' && context === 'hover') throw new RequestError(value.why);
    const row = this.row(expression, value);
    return { result: row.value, ...toResult(row, this.handle) };
  }

  private row(name: string, value: Value): Row {
    switch (value.type) {
      case 'page':
        return this.tree.page(name, value.page);
      case 'spte':
        return this.tree.spte(name, value.page, value.index);
      case 'pages': {
        const pages = value.pages.map((id) => this.position.cursor.page(id));
        return { name, value: `${pages.length} pages of this name`, branch: branch(() => byName(pages, this.tree)) };
      }
      default:
        return { name, value: plainValue(this.position.form, value), type: value.type };
    }
  }
}

const KINDS = { field: 'property', value: 'enum', operator: 'keyword' } as const;

/** What can be typed at a column, which counts from 1. */
export function completionItems({ text, column, line = 1 }: P.CompletionsArguments, firstColumn: number): P.CompletionItem[] {
  // The debug console may hold several lines; the one with the caret is what counts.
  const before = text.split('\n').slice(0, Math.max(0, line - 1));
  const offset = before.reduce((length, l) => length + l.length + 1, 0);
  return completions(text.slice(offset).split('\n')[0]!, column - firstColumn).map(({ label, detail, kind, start, length }) => ({
    label,
    detail,
    type: KINDS[kind],
    start: start + firstColumn - 1,
    length,
  }));
}
