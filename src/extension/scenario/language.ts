import * as vscode from 'vscode';
import type { CompletionKind, ScenarioCompletion, ScenarioHover, ScenarioSymbol } from '../../protocol.js';
import type { BackgroundAdapter } from '../background.js';
import { SCENARIO } from '../names.js';
import type { Checks } from './checks.js';
import { fromPosition, toRange } from './positions.js';

const KINDS: Record<CompletionKind, vscode.CompletionItemKind> = {
  keyword: vscode.CompletionItemKind.Keyword,
  feature: vscode.CompletionItemKind.Constant,
  kernel: vscode.CompletionItemKind.Value,
  event: vscode.CompletionItemKind.Event,
  flag: vscode.CompletionItemKind.EnumMember,
  field: vscode.CompletionItemKind.Field,
  name: vscode.CompletionItemKind.Variable,
  snippet: vscode.CompletionItemKind.Snippet,
};

const SYMBOLS: Record<ScenarioSymbol['kind'], vscode.SymbolKind> = {
  slot: vscode.SymbolKind.Array,
  vcpu: vscode.SymbolKind.Object,
  heading: vscode.SymbolKind.String,
};

/** Editing scenarios: what the adapter knows of the language, in the editor's words. Nothing is parsed here. */
export function registerScenarioLanguage(background: BackgroundAdapter, checks: Checks): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.languages.registerCompletionItemProvider(
      SCENARIO,
      {
        async provideCompletionItems(document, position, token) {
          const args = { text: document.getText(), position: fromPosition(position) };
          const { items } = await background.ask('shadowMmu/language/complete', args, token);
          return items.map(completion);
        },
      },
      ...[' ', '|', '(', '=', ','],
    ),
    vscode.languages.registerHoverProvider(SCENARIO, {
      async provideHover(document, position, token) {
        const args = { text: document.getText(), position: fromPosition(position) };
        const answer = await background.ask('shadowMmu/language/hover', args, token);
        return answer && hover(answer);
      },
    }),
    vscode.languages.registerDocumentFormattingEditProvider(SCENARIO, {
      async provideDocumentFormattingEdits(document, _options, token) {
        const { text } = await background.ask('shadowMmu/language/format', { text: document.getText() }, token);
        return lineEdits(document, text);
      },
    }),
    vscode.languages.registerDocumentSymbolProvider(SCENARIO, {
      async provideDocumentSymbols(document) {
        const { symbols } = await checks.of(document);
        return symbols.map(({ name, kind, range }) => {
          const place = toRange(range);
          return new vscode.DocumentSymbol(name, '', SYMBOLS[kind], place, new vscode.Range(place.start, place.start));
        });
      },
    }),
    vscode.languages.registerFoldingRangeProvider(SCENARIO, {
      async provideFoldingRanges(document) {
        const { symbols } = await checks.of(document);
        return symbols
          .filter(({ kind, range }) => kind === 'heading' && range.end.line > range.start.line)
          .map(({ range }) => new vscode.FoldingRange(range.start.line, range.end.line, vscode.FoldingRangeKind.Region));
      },
    }),
  );
}

function completion(
  { label, kind, insert, snippet, range, detail, documentation }: ScenarioCompletion,
  order: number,
): vscode.CompletionItem {
  const item = new vscode.CompletionItem(label, KINDS[kind]);
  const text = insert ?? label;
  item.insertText = snippet ? new vscode.SnippetString(text) : text;
  if (range) item.range = toRange(range);
  if (detail !== undefined) item.detail = detail;
  if (documentation !== undefined) item.documentation = new vscode.MarkdownString().appendText(documentation);
  // The adapter's order is one of sense, not of the alphabet.
  item.sortText = String(order).padStart(4, '0');
  return item;
}

function hover({ range, code, text }: ScenarioHover): vscode.Hover {
  const content = new vscode.MarkdownString();
  if (code !== undefined) content.appendCodeblock(code, SCENARIO);
  content.appendText(text);
  return new vscode.Hover(content, toRange(range));
}

/** Only the lines that differ, so that the cursor and the breakpoints of the others stay. */
function lineEdits(document: vscode.TextDocument, text: string): vscode.TextEdit[] {
  const lines = text.split(/\r?\n/);
  if (lines.length !== document.lineCount) {
    const all = new vscode.Range(0, 0, document.lineCount, 0);
    return document.getText() === text ? [] : [vscode.TextEdit.replace(document.validateRange(all), text)];
  }
  return lines.flatMap((line, at) => {
    const { text: before, range } = document.lineAt(at);
    return before === line ? [] : [vscode.TextEdit.replace(range, line)];
  });
}
