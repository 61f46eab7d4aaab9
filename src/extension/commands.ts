import * as vscode from 'vscode';
import { debugTrace } from './configurations.js';
import type { Find } from './find/find.js';
import type { LayoutViews } from './layoutViews.js';
import { LAYOUT_VIEW, TRACE_EDITOR } from './names.js';
import type { Scenarios } from './scenario/scenarios.js';
import { ask } from './session.js';
import type { Sessions } from './sessions.js';
import { pickTrace, traceOf } from './traces.js';
import type { Visited } from './travel.js';
import { askWhere, goTo, showEvent } from './travel.js';
import type { VariableContext } from './variables.js';
import { showVariable } from './variables.js';
import { showNeighbour } from './windows.js';

interface Parts {
  sessions: Sessions;
  views: LayoutViews;
  visited: Visited;
  scenarios: Scenarios;
  find: Find;
}

/** Errors of the adapter are sentences meant for the user. */
async function tell(action: () => unknown): Promise<unknown> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof vscode.CancellationError) return undefined;
    return vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

export function registerCommands({ sessions, views, visited, scenarios, find }: Parts): vscode.Disposable {
  const commands: Record<string, (...args: never[]) => unknown> = {
    // opening
    debugTrace: async (uri?: vscode.Uri) => {
      const trace = await traceOf(uri);
      return trace === undefined ? undefined : debugTrace(trace);
    },
    openSummary: async (uri?: vscode.Uri) => {
      const trace = await traceOf(uri);
      return trace === undefined ? undefined : vscode.commands.executeCommand('vscode.openWith', vscode.Uri.file(trace), TRACE_EDITOR);
    },
    pickTrace: () => pickTrace(),

    // scenarios
    ...scenarios.commands,

    // travelling
    goTo: () => travelTo(sessions, askWhere()),
    goToEvent: (event: number) => travelTo(sessions, Promise.resolve(String(event))),
    reverseStepInto: () => reverseStep(sessions, 'in'),
    reverseStepOut: () => reverseStep(sessions, 'out'),
    previousStop: () => visited.travel(-1),
    nextStop: () => visited.travel(1),
    previousChange: () => change(sessions, views, 'previous'),
    nextChange: () => change(sessions, views, 'next'),

    // the text of the trace
    ...find.commands,
    previousWindow: () => showNeighbour(sessions, -1),
    nextWindow: () => showNeighbour(sessions, 1),
    showEvent: async (session: string, event: number) => {
      const watch = sessions.byId(session);
      if (watch) await showEvent(watch.session, event);
    },

    // the SPTE layout
    showPage: (page: number, index?: number) => views.reveal({ page }, index),
    showInLayout: (context: VariableContext) => showVariable(context, views),
    focusLayout: async () => {
      await vscode.commands.executeCommand(`${LAYOUT_VIEW}.focus`);
      views.command('focus');
    },
    openLayoutPanel: () => views.openPanel(),
    findInLayout: () => views.command('find'),
    copyPage: () => views.command('copy'),
    lockLayout: () => views.toggleLock(),
    unlockLayout: () => views.toggleLock(),
  };
  return vscode.Disposable.from(
    ...Object.entries(commands).map(([name, run]) =>
      vscode.commands.registerCommand(`shadow-mmu.${name}`, (...args: never[]) => tell(() => run(...args))),
    ),
  );
}

async function travelTo(sessions: Sessions, where: Promise<string | undefined>): Promise<void> {
  const to = await where;
  const watch = sessions.stopped;
  if (to !== undefined && watch) await goTo(watch.session, to);
}

async function reverseStep(sessions: Sessions, kind: 'in' | 'out'): Promise<void> {
  const watch = sessions.stopped;
  if (watch?.threadId !== undefined) await ask(watch.session, 'shadowMmu/reverseStep', { threadId: watch.threadId, kind });
}

/** To the next or previous event that changed the entry selected in the layout. */
async function change(sessions: Sessions, views: LayoutViews, direction: 'next' | 'previous'): Promise<void> {
  const watch = sessions.stopped;
  const place = views.front?.selection;
  if (!watch || !place) return;
  const at = await ask(watch.session, 'shadowMmu/change', { ...place, direction });
  if (at) await goTo(watch.session, String(at.event));
  else vscode.window.setStatusBarMessage(`No ${direction} change`, 3000);
}
