/** The extension: composition only. What the user sees is decided in the parts, what the MMU did in the debug adapter. */
import * as vscode from 'vscode';
import { registerAdapter } from './adapter.js';
import { registerCommands } from './commands.js';
import { registerConfigurations } from './configurations.js';
import { recognizeTraces } from './documents.js';
import { Find } from './find/find.js';
import { showViewsAtFirstStop } from './firstStop.js';
import { registerEvaluatableExpressions, registerHovers } from './hovers.js';
import { showSummariesOfLargeTraces } from './largeTraces.js';
import { LayoutViews } from './layoutViews.js';
import { LinkHandler, linkTo } from './links.js';
import { PagesTree } from './pagesTree.js';
import { Scenarios } from './scenario/scenarios.js';
import { Sessions } from './sessions.js';
import { TraceEditor } from './traceEditor.js';
import { goTo, showBeside, Visited } from './travel.js';
import { WindowLenses } from './windows.js';

export function activate(context: vscode.ExtensionContext): void {
  const { extensionUri, extension } = context;
  const sessions = new Sessions();
  const views = new LayoutViews(extensionUri, sessions, {
    goTo: async (event, beside) => {
      const watch = sessions.stopped;
      if (!watch) return;
      if (beside) await showBeside(watch.session, event);
      else await goTo(watch.session, String(event));
    },
    copyLink: async (page, index) => {
      const trace = sessions.current?.session.configuration['trace'] as string | undefined;
      if (trace === undefined) return;
      await vscode.env.clipboard.writeText(linkTo(extension.id, trace, page, index));
      vscode.window.setStatusBarMessage('Copied a link to this entry', 3000);
    },
  });
  const visited = new Visited(sessions);
  const scenarios = new Scenarios(extension, sessions);
  const find = new Find(sessions);

  context.subscriptions.push(
    sessions,
    views,
    visited,
    scenarios,
    find,
    new WindowLenses(sessions),
    new PagesTree(sessions, views),
    registerAdapter(extensionUri),
    registerConfigurations(),
    registerCommands({ sessions, views, visited, scenarios, find }),
    registerHovers(sessions),
    registerEvaluatableExpressions(sessions),
    recognizeTraces(sessions),
    showViewsAtFirstStop(sessions, context.workspaceState),
    TraceEditor.register(extensionUri),
    showSummariesOfLargeTraces(),
    vscode.window.registerUriHandler(new LinkHandler(sessions, views)),
  );
}
