import * as vscode from 'vscode';
import type { LayoutViews } from './layoutViews.js';
import { PAGES_VIEW } from './names.js';
import type { Sessions } from './sessions.js';

/** One row: a variable of the scope "Shadow pages", as the adapter answers it. */
interface Row {
  name: string;
  value: string;
  variablesReference: number;
}

const SCOPE = 'Shadow pages';

/**
 * The sp tree as a view of its own beside the SPTE layout: the rows of the scope "Shadow pages", but with a selection that the layout can
 * follow, which the Variables view has none of.
 */
export class PagesTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly changes = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changes.event;
  private readonly disposables: vscode.Disposable[] = [this.changes];

  constructor(
    private readonly sessions: Sessions,
    views: LayoutViews,
  ) {
    const view = vscode.window.createTreeView(PAGES_VIEW, { treeDataProvider: this, showCollapseAll: true });
    this.disposables.push(
      view,
      view.onDidChangeSelection(({ selection: [row] }) => {
        if (row && row.variablesReference > 0) views.follow({ variablesReference: row.variablesReference });
      }),
      sessions.onDidStop(() => this.changes.fire(undefined)),
      // While it runs, the rows of the last stop stay.
      sessions.onDidChange(({ status }) => status !== 'running' && this.changes.fire(undefined)),
    );
  }

  async getChildren(row?: Row): Promise<Row[]> {
    const watch = this.sessions.stopped;
    if (!watch) return [];
    const { stops } = watch;
    try {
      const reference = row ? row.variablesReference : await this.scope();
      if (reference === undefined) return [];
      const answer = (await watch.session.customRequest('variables', { variablesReference: reference })) as { variables: Row[] };
      return answer.variables;
    } catch (error) {
      // A step came in between: its stop has already asked for new rows.
      if (watch.stops !== stops || watch.status !== 'stopped') return [];
      throw error;
    }
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const item = new vscode.TreeItem(
      row.name,
      row.variablesReference > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.description = row.value;
    item.tooltip = `${row.name}  ${row.value}`;
    return item;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private async scope(): Promise<number | undefined> {
    const { session, threadId } = this.sessions.stopped ?? {};
    if (!session || threadId === undefined) return undefined;
    const { stackFrames } = (await session.customRequest('stackTrace', { threadId, levels: 1 })) as { stackFrames: { id: number }[] };
    const [frame] = stackFrames;
    if (!frame) return undefined;
    const { scopes } = (await session.customRequest('scopes', { frameId: frame.id })) as {
      scopes: { name: string; variablesReference: number }[];
    };
    return scopes.find((scope) => scope.name === SCOPE)?.variablesReference;
  }
}
