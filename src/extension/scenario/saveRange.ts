import * as vscode from 'vscode';
import type { BackgroundAdapter } from '../background.js';
import { LANGUAGE, SCENARIO } from '../names.js';
import { ask } from '../session.js';
import type { Sessions } from '../sessions.js';
import { activeTrace, pickTrace } from '../traces.js';

const RANGE = /^\s*(\d[\d,_]*)\s*(?:\.\.|[-–])\s*(\d[\d,_]*)\s*$/;

/** Turns a range of a recording into a scenario: asks for first and last event and opens the scenario, not yet saved. */
export async function saveRange(background: BackgroundAdapter, sessions: Sessions): Promise<void> {
  const { session } = sessions.current ?? {};
  const debugged = session?.configuration['trace'] as string | undefined;
  const trace = activeTrace() ?? debugged ?? (await pickTrace('Recording to take a scenario from', 'Choose'));
  if (trace === undefined) return;
  const range = await askRange(trace === debugged ? await suggestion(sessions) : undefined);
  if (!range) return;
  const vm: unknown = trace === debugged ? session?.configuration['vm'] : undefined;
  const text = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Making a scenario', cancellable: true },
    async (_, token) => {
      const args = { trace, ...range, ...(typeof vm === 'number' && { vm }) };
      return (await background.ask('shadowMmu/scenario', args, token)).text;
    },
  );
  const document = await vscode.workspace.openTextDocument({ language: SCENARIO, content: text });
  await vscode.window.showTextDocument(document, { preview: false });
}

async function askRange(value: string | undefined): Promise<{ from: number; to: number } | undefined> {
  const text = await vscode.window.showInputBox({
    title: 'First and last event of the range',
    placeHolder: '1200..1450',
    ...(value !== undefined && { value }),
    validateInput: (typed) => (parsed(typed) ? undefined : 'Two event numbers, the first not after the second: 1200..1450'),
  });
  return text === undefined ? undefined : parsed(text);
}

function parsed(text: string): { from: number; to: number } | undefined {
  const [, first = '', last = ''] = RANGE.exec(text) ?? [];
  const [from, to] = [first, last].map((digits) => Number(digits.replace(/[,_]/g, '')));
  return first !== '' && from !== undefined && to !== undefined && from <= to ? { from, to } : undefined;
}

/** The lines selected in the trace that is debugged, else from its beginning to where the debugger stands. */
async function suggestion(sessions: Sessions): Promise<string | undefined> {
  const watch = sessions.stopped;
  if (!watch) return undefined;
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId === LANGUAGE && editor.document.uri.scheme === 'file' && !editor.selection.isSingleLine) {
    const { start, end } = editor.selection;
    const events = await Promise.all(
      [start, end].map(({ line }) => ask(watch.session, 'shadowMmu/event', { source: editor.document.uri.fsPath, line: line + 1 })),
    );
    if (events[0] && events[1]) return `${events[0].at.event}..${events[1].at.event}`;
  }
  const here = await ask(watch.session, 'shadowMmu/event', {});
  return here ? `0..${here.at.event}` : undefined;
}
