import { ERAS, eraNamed, eraOfKernel, hasFeature } from '../../engine/eras.js';
import { FEATURES, isFeature } from '../../engine/features.js';
import { INVARIANTS } from '../../engine/invariants/check.js';
import type { Position } from './complete.js';
import { EXPECTATIONS, STATEMENTS, WORDS } from './docs.js';
import { EVENT_FIELDS, type EventName } from './events.js';
import { meaningAt } from './meaning.js';
import { parse } from './parser.js';
import { Setting } from './setting.js';
import type { Span, Statement } from './statement.js';
import { linesOf, tokensOf, type Token } from './token.js';

export interface Hover extends Span {
  /** what is written, or how the statement goes on */
  readonly code?: string;
  readonly text: string;
}

/** What the word at a place means; undefined where there is none that says anything. */
export function hover(text: string, { line, column }: Position): Hover | undefined {
  const { tokens } = tokensOf(linesOf(text)[line - 1] ?? '');
  const at = tokens.findIndex((token) => token.kind === 'word' && token.column <= column && column < token.end);
  const token = tokens[at];
  if (!token) return undefined;
  const { statement, setting } = settingAt(text, line);
  const found = (statement && meaningAt(statement, column, setting)) ?? wordHover(tokens, at);
  return found && { column: token.column, end: token.end, ...found };
}

/** What is set up before a line, and the statement on it. */
function settingAt(text: string, line: number): { statement: Statement | undefined; setting: Setting } {
  const setting = new Setting();
  for (const statement of parse(text).program.statements) {
    // What a vCPU statement says of addresses is said in the mode that it sets.
    if (statement.line < line || (statement.line === line && statement.action.kind === 'vcpu'))
      setting.next(statement, !statement.condition);
    if (statement.line >= line) return { statement: statement.line === line ? statement : undefined, setting };
  }
  return { statement: undefined, setting };
}

type Text = Omit<Hover, keyof Span>;

function wordHover(tokens: readonly Token[], at: number): Text | undefined {
  const { text } = tokens[at]!;
  const word = text.toLowerCase();
  const colon = tokens.findIndex((token) => token.text === ':');
  if (isFeature(word)) return featureText(word);
  if (at === colon + 1 && Object.hasOwn(STATEMENTS, word)) {
    const { form, text: means } = STATEMENTS[word as keyof typeof STATEMENTS];
    return { code: form, text: means };
  }
  const before = tokens[at - 1]?.text.toLowerCase() ?? '';
  if (before === 'kernel') return kernelText(text);
  const isKind = tokens[colon + 1]?.text.toLowerCase() === 'expect' && at - (colon + 1) <= 2 && Object.hasOwn(EXPECTATIONS, word);
  if (isKind && (before === 'expect' || before === 'no' || /^\d/.test(before))) {
    const { form, text: means } = EXPECTATIONS[word]!;
    return { code: form, text: means };
  }
  if (Object.hasOwn(EVENT_FIELDS, word)) return { code: word, text: `Fields: ${EVENT_FIELDS[word as EventName].join(', ')}.` };
  const invariant = /^i-(\d+)$/.exec(word);
  const title = invariant && INVARIANTS.find(({ number }) => number === Number(invariant[1]))?.title;
  if (title) return { code: text.toUpperCase(), text: `${title}.` };
  const means = WORDS[word] ?? WORDS[text.toUpperCase()] ?? (word.startsWith('no') ? WORDS[word.slice(2)] : undefined);
  if (means === undefined) return undefined;
  return { code: text, text: Object.hasOwn(WORDS, word) || !word.startsWith('no') ? means : `Off: ${means}` };
}

function featureText(word: keyof typeof FEATURES): Text {
  const { on, off } = FEATURES[word];
  const eras = ERAS.filter((era) => hasFeature(era, word)).map(({ name }) => name);
  return { code: word, text: `With: ${on}. Without: ${off}. On in ${eras.length ? eras.join(', ') : 'no era'}.` };
}

function kernelText(name: string): Text | undefined {
  const era = eraNamed(name) ?? eraOfKernel(name);
  if (!era) return undefined;
  const ranges = era.kernels.map(({ from, to }) => (to === undefined ? `${from} and later` : from === to ? from : `${from} to ${to}`));
  const kernels = ranges.length ? `kernels ${ranges.join(', ')}` : 'no release: patches by their name';
  return { code: `kernel ${era.name}`, text: `${kernels}. Features: ${[...era.features].join(', ')}.` };
}
