import * as vscode from 'vscode';
import type { EventRef } from '../protocol.js';
import { ask } from './session.js';
import type { SessionWatch } from './session.js';
import type { Sessions } from './sessions.js';

/** Travels to an event number, a time (`34.467238`) or a percentage (`79.6%`). */
export function goTo(session: vscode.DebugSession, to: string): Promise<EventRef> {
  return ask(session, 'shadowMmu/goTo', { to });
}

interface ShowOptions {
  preserveFocus?: boolean;
  viewColumn?: vscode.ViewColumn;
  /** first character in the line to select, and how many */
  match?: [number, number];
}

/** Shows the line of an event without moving the debugger. */
export async function showEvent(
  session: vscode.DebugSession,
  event: number,
  { preserveFocus = false, viewColumn = vscode.ViewColumn.Active, match }: ShowOptions = {},
): Promise<void> {
  const { sourceReference, name, line } = await ask(session, 'shadowMmu/window', { event });
  const trace: unknown = session.configuration['trace'];
  const uri =
    sourceReference === 0 && typeof trace === 'string'
      ? vscode.Uri.file(trace)
      : vscode.debug.asDebugSourceUri({ name, path: name, sourceReference }, session);
  const [first, length] = match ?? [0, 0];
  const selection = new vscode.Range(line - 1, first, line - 1, first + length);
  await vscode.window.showTextDocument(uri, { viewColumn, preserveFocus, preview: true, selection });
}

/** Shows the line of an event in an editor beside. */
export function showBeside(session: vscode.DebugSession, event: number): Promise<void> {
  return showEvent(session, event, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
}

/** The stops of a session in the order they were visited, like the pages of a browser. */
export class Visited implements vscode.Disposable {
  private session = '';
  private events: number[] = [];
  private at = -1;
  /** a stop that this history itself has asked for */
  private expected: number | undefined;
  private readonly disposable: vscode.Disposable;

  constructor(private readonly sessions: Sessions) {
    this.disposable = sessions.onDidStop((watch) => void this.record(watch));
  }

  async travel(step: 1 | -1): Promise<void> {
    const watch = this.sessions.stopped;
    const event = this.events[this.at + step];
    if (!watch || event === undefined) {
      vscode.window.setStatusBarMessage(step < 0 ? 'No earlier stop' : 'No later stop', 3000);
      return;
    }
    this.at += step;
    this.expected = event;
    await goTo(watch.session, String(event));
  }

  dispose(): void {
    this.disposable.dispose();
  }

  private async record(watch: SessionWatch): Promise<void> {
    const event = (await ask(watch.session, 'shadowMmu/event', {}))?.at.event;
    if (event === undefined) return;
    if (watch.session.id !== this.session) {
      this.session = watch.session.id;
      this.events = [];
      this.at = -1;
    }
    const own = this.expected === event;
    this.expected = undefined;
    if (own || this.events[this.at] === event) return;
    this.events.splice(this.at + 1, Infinity, event);
    this.at = this.events.length - 1;
  }
}

/** Asks where to go. */
export async function askWhere(): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title: 'Go to event, time or percent',
    placeHolder: '300045   34.467238   79.6%',
    validateInput: (value) =>
      /^\s*(\d[\d,_]*|\d+\.\d+|\d+(\.\d+)?\s*%)?\s*$/.test(value)
        ? undefined
        : 'An event number (300045), a time in seconds (34.467238) or a percentage (79.6%).',
  });
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
