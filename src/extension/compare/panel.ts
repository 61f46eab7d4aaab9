import * as vscode from 'vscode';
import type { FromCompare, ToCompare } from '../../protocol.js';
import type { BackgroundAdapter } from '../background.js';
import { furnish } from '../furnish.js';
import { COMPARE_PANEL } from '../names.js';
import type { Sessions } from '../sessions.js';
import { titleOf, type Pair } from './choose.js';
import { travelIn } from './travel.js';

/** More differences than these are counted, not listed. */
const MOST = 500;

interface Parts {
  extension: vscode.Uri;
  background: BackgroundAdapter;
  sessions: Sessions;
}

/** Where two runs part, in an editor of its own: the first difference side by side, the next ones listed, each a place to travel to. */
export class ComparePanel {
  private readonly panel: vscode.WebviewPanel;
  private asked: vscode.CancellationTokenSource | undefined;

  constructor(
    private readonly pair: Pair,
    private readonly parts: Parts,
  ) {
    const title = `${titleOf(pair.a)} ↔ ${titleOf(pair.b)}`;
    this.panel = vscode.window.createWebviewPanel(COMPARE_PANEL, title, vscode.ViewColumn.Beside, { retainContextWhenHidden: true });
    this.panel.iconPath = vscode.Uri.joinPath(parts.extension, 'media/icons/layout.svg');
    this.panel.webview.onDidReceiveMessage((message: FromCompare) => void this.receive(message));
    const files = new Set([pair.a.file, pair.b.file]);
    const saved = vscode.workspace.onDidSaveTextDocument(({ uri }) => files.has(uri.fsPath) && void this.compare());
    this.panel.onDidDispose(() => {
      saved.dispose();
      this.asked?.cancel();
    });
    furnish(this.panel.webview, parts.extension, 'compare', 'Compare runs');
  }

  private async receive(message: FromCompare): Promise<void> {
    switch (message.type) {
      case 'ready':
      case 'again':
        return this.compare();
      case 'go':
        return this.travel(message.side, message.event);
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage('Copied the difference', 3000);
        return;
      case 'leave':
        await vscode.commands.executeCommand('workbench.action.focusPreviousGroup');
    }
  }

  private async compare(): Promise<void> {
    const { a, b } = this.pair;
    this.asked?.cancel();
    const asked = (this.asked = new vscode.CancellationTokenSource());
    this.post({ type: 'comparing', a: titleOf(a), b: titleOf(b) });
    try {
      const answer = await this.parts.background.ask('shadowMmu/diff', { a, b, max: MOST }, asked.token);
      if (!asked.token.isCancellationRequested) this.post({ type: 'compared', ...answer });
    } catch (error) {
      if (asked.token.isCancellationRequested) return;
      this.post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  }

  private async travel(side: 'a' | 'b', event: number): Promise<void> {
    try {
      await travelIn(this.pair[side], event, this.parts.sessions);
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  private post(message: ToCompare): void {
    void this.panel.webview.postMessage(message);
  }
}
