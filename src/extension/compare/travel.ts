import * as vscode from 'vscode';
import type { RunChoice } from '../../protocol.js';
import { debugTrace } from '../configurations.js';
import type { SessionWatch } from '../session.js';
import type { Sessions } from '../sessions.js';
import { goTo } from '../travel.js';

/** Debugs one of two compared runs and stops at an event of it: in the session that is there, else in a new one. */
export async function travelIn(choice: RunChoice, event: number, sessions: Sessions): Promise<void> {
  const watch = sessions.find((configuration) => isOf(configuration, choice)) ?? (await start(choice, sessions));
  if (!watch) return;
  await bringToFront(watch.session);
  await goTo(watch.session, String(event));
}

function isOf(configuration: vscode.DebugConfiguration, { file, kernel, without = [], with: more = [] }: RunChoice): boolean {
  const same = (list: unknown, names: readonly string[]): boolean => JSON.stringify(list ?? []) === JSON.stringify(names);
  const ownKernel: unknown = configuration['kernel'];
  return (
    configuration['trace'] === file &&
    (ownKernel === 'auto' ? undefined : ownKernel) === kernel &&
    same(configuration['without'], without) &&
    same(configuration['with'], more)
  );
}

async function start(choice: RunChoice, sessions: Sessions): Promise<SessionWatch | undefined> {
  const { file, ...rules } = choice;
  const stopped = sessions.nextStop();
  return (await debugTrace(file, rules)) ? stopped : undefined;
}

/** How long VS Code may take to make another session the active one, in ms. */
const SWITCH = 1000;

/**
 * Makes a session the one that the debugger's views show. VS Code does so by itself only with the first; for others it has no call but
 * the command that goes from one debug console to the next.
 */
async function bringToFront(session: vscode.DebugSession): Promise<void> {
  const seen = new Set<string>();
  for (;;) {
    const active = vscode.debug.activeDebugSession;
    if (!active || active.id === session.id || seen.has(active.id)) return;
    seen.add(active.id);
    const changed = new Promise<void>((resolve) => {
      const done = (): void => {
        listener.dispose();
        clearTimeout(timer);
        resolve();
      };
      const listener = vscode.debug.onDidChangeActiveDebugSession(done);
      const timer = setTimeout(done, SWITCH);
    });
    await vscode.commands.executeCommand('workbench.action.debug.nextConsole');
    await changed;
  }
}
