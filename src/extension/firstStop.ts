import * as vscode from 'vscode';
import { LAYOUT_VIEW } from './names.js';
import type { Sessions } from './sessions.js';

const LAYOUT_SHOWN = 'layoutShown';

/**
 * Opens the debug views at the first stop of a session. VS Code does that by itself when a breakpoint is hit, but not at the entry, and
 * without them a stop shows little more than a yellow line. The SPTE layout, which VS Code adds collapsed, is unfolded once per workspace;
 * from then on it is as the user left it. Whoever has chosen otherwise in `debug.openDebug` is left alone; the keyboard stays in the editor.
 */
export function showViewsAtFirstStop(sessions: Sessions, state: vscode.Memento): vscode.Disposable {
  return sessions.onDidStop(async ({ stops }) => {
    if (stops !== 1 || vscode.workspace.getConfiguration('debug').get('openDebug') !== 'openOnDebugBreak') return;
    await vscode.commands.executeCommand('workbench.view.debug');
    if (!state.get(LAYOUT_SHOWN)) {
      await state.update(LAYOUT_SHOWN, true);
      await vscode.commands.executeCommand(`${LAYOUT_VIEW}.focus`, { preserveFocus: true });
    }
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
  });
}
