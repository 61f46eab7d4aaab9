import * as vscode from 'vscode';
import type { EventCard, EventRef, PageRef } from '../protocol.js';
import { sessionOf } from './documents.js';
import { LANGUAGE } from './names.js';
import { ask } from './session.js';
import type { Sessions } from './sessions.js';

const SELECTOR: vscode.DocumentSelector = [
  { language: LANGUAGE, scheme: 'file' },
  { language: LANGUAGE, scheme: 'debug' },
];

/** Commands that links in hovers may run. */
export const HOVER_COMMANDS = ['shadow-mmu.goToEvent', 'shadow-mmu.showPage'];

/** A trace line in words, from the adapter: hovering never decodes by itself (design.md). */
export function registerHovers(sessions: Sessions): vscode.Disposable {
  return vscode.languages.registerHoverProvider(SELECTOR, {
    async provideHover(document, position) {
      const found = sessionOf(document, sessions);
      if (!found) return undefined;
      const card = await cardAt(sessions, document, position.line);
      return card && new vscode.Hover(hoverText(card), document.lineAt(position.line).range);
    },
  });
}

async function cardAt(sessions: Sessions, document: vscode.TextDocument, line: number): Promise<EventCard | undefined> {
  const found = sessionOf(document, sessions);
  if (!found) return undefined;
  try {
    return (await ask(found.watch.session, 'shadowMmu/event', { ...found.name, line: line + 1 })) ?? undefined;
  } catch {
    return undefined; // another trace than the one that is debugged: no hover, and no complaint either
  }
}

/** Fields that the hovered line shows as plainly itself; a hover has room for about ten lines. */
const IN_THE_LINE = new Set(['event', 'name', 'time', 'vcpu', 'task', 'tgid', 'cpu', 'line']);

/** One sentence, the decoded fields, and the links that a hover always ends with (ui.md §12). */
function hoverText(card: EventCard): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.isTrusted = { enabledCommands: HOVER_COMMANDS };
  text.appendText(card.summary).appendMarkdown('\n\n');
  const fields = card.fields.filter(([name]) => !IN_THE_LINE.has(name));
  if (fields.length > 0) {
    const width = Math.max(...fields.map(([name]) => name.length));
    text.appendCodeblock(fields.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n'), 'plaintext');
  }
  const links = [
    eventLink(`event ${card.at.event.toLocaleString('en-US')}`, card.at),
    card.at.line !== undefined && `line ${card.at.line.toLocaleString('en-US')}`,
    ...card.pages.map(pageLink),
    card.previousOfPage && eventLink('previous', card.previousOfPage),
    card.nextOfPage && eventLink('next of this page', card.nextOfPage),
  ];
  text.appendMarkdown(links.filter((link) => typeof link === 'string').join(' · '));
  return text;
}

const command = (name: string, argument: number): string => `command:${name}?${encodeURIComponent(JSON.stringify([argument]))}`;
const eventLink = (text: string, { event }: EventRef): string => `[${text}](${command('shadow-mmu.goToEvent', event)} "Go to this event")`;
const pageLink = ({ id, name }: PageRef): string => `[${name}](${command('shadow-mmu.showPage', id)} "Show in SPTE layout")`;

/**
 * What the debugger's own hover evaluates: the name of a field, on the line where it stands. Other lines say nothing, and get the card
 * of their own event above instead of the value of another one.
 */
export function registerEvaluatableExpressions(sessions: Sessions): vscode.Disposable {
  return vscode.languages.registerEvaluatableExpressionProvider(SELECTOR, {
    async provideEvaluatableExpression(document, position) {
      const range = document.getWordRangeAtPosition(position, /[A-Za-z_][\w.]*/);
      if (!range) return undefined;
      const word = document.getText(range);
      const card = await cardAt(sessions, document, position.line);
      const current = card && (await currentEvent(sessions, document));
      if (!card || card.at.event !== current || !card.fields.some(([name]) => name === word)) return undefined;
      return new vscode.EvaluatableExpression(range, word);
    },
  });
}

async function currentEvent(sessions: Sessions, document: vscode.TextDocument): Promise<number | undefined> {
  const found = sessionOf(document, sessions);
  return found && (await ask(found.watch.session, 'shadowMmu/event', {}))?.at.event;
}
