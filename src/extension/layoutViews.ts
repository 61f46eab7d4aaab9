import * as vscode from 'vscode';
import type { LayoutCommand } from '../protocol.js';
import { furnish } from './furnish.js';
import type { LayoutServices } from './layoutModel.js';
import { LayoutModel } from './layoutModel.js';
import { LAYOUT_PANEL, LAYOUT_VIEW, LAYOUT_TITLE } from './names.js';
import type { Sessions } from './sessions.js';

const titleOf = (locked: boolean): string => (locked ? `${LAYOUT_TITLE} · locked` : LAYOUT_TITLE);

/** The SPTE layouts of the window: one in the debug side bar, any number as panels. */
export class LayoutViews implements vscode.Disposable, vscode.WebviewViewProvider, vscode.WebviewPanelSerializer {
  private readonly sideBar: LayoutModel;
  private view: vscode.WebviewView | undefined;
  private readonly panels = new Map<vscode.WebviewPanel, LayoutModel>();
  private readonly disposables: vscode.Disposable[] = [];

  constructor(
    private readonly extension: vscode.Uri,
    private readonly sessions: Sessions,
    private readonly services: Omit<LayoutServices, 'openBeside'>,
  ) {
    this.sideBar = new LayoutModel(sessions, this.servicesWithPanels(), (locked) => {
      if (this.view) this.view.title = titleOf(locked);
      void vscode.commands.executeCommand('setContext', 'shadowMmu.layoutLocked', locked);
    });
    this.disposables.push(
      vscode.window.registerWebviewViewProvider(LAYOUT_VIEW, this),
      vscode.window.registerWebviewPanelSerializer(LAYOUT_PANEL, this),
      this.sideBar,
    );
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    furnish(view.webview, this.extension, 'layout', LAYOUT_TITLE);
    this.sideBar.attach(view.webview);
    view.onDidDispose(() => {
      this.sideBar.detach();
      this.view = undefined;
    });
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.adopt(panel);
    return Promise.resolve();
  }

  /** The same content in an editor of its own. */
  openPanel(page = this.front?.shown?.page.id, index?: number): void {
    const panel = vscode.window.createWebviewPanel(LAYOUT_PANEL, LAYOUT_TITLE, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: false,
    });
    const model = this.adopt(panel);
    if (page !== undefined) void model.show({ page }, index);
  }

  /** Shows a page, an SPTE, or a variable of the sp tree in the side bar, and brings it to the front. */
  async reveal(request: { page?: number; variablesReference?: number }, index?: number): Promise<boolean> {
    await vscode.commands.executeCommand(`${LAYOUT_VIEW}.focus`);
    return this.sideBar.show(request, index, true);
  }

  /** Follows a selection elsewhere, without taking the focus. */
  follow(request: { page?: number; variablesReference?: number }, index?: number): void {
    for (const model of this.models) if (!model.isLocked) void model.show(request, index);
  }

  /** A button of the title bar or a command, for the layout in front. */
  command(command: LayoutCommand): void {
    this.front?.send({ type: 'command', command });
  }

  toggleLock(): void {
    const model = this.front;
    model?.setLocked(!model.isLocked);
  }

  /** The panel that has the focus, else the one in the side bar. */
  get front(): LayoutModel | undefined {
    for (const [panel, model] of this.panels) if (panel.active) return model;
    return this.view ? this.sideBar : [...this.panels.values()].at(-1);
  }

  get models(): LayoutModel[] {
    return [this.sideBar, ...this.panels.values()];
  }

  dispose(): void {
    for (const panel of this.panels.keys()) panel.dispose();
    for (const disposable of this.disposables) disposable.dispose();
  }

  private adopt(panel: vscode.WebviewPanel): LayoutModel {
    const model = new LayoutModel(this.sessions, this.servicesWithPanels(), (locked) => (panel.title = titleOf(locked)));
    this.panels.set(panel, model);
    panel.iconPath = vscode.Uri.joinPath(this.extension, 'media/icons/layout.svg');
    furnish(panel.webview, this.extension, 'layout', LAYOUT_TITLE);
    model.attach(panel.webview);
    panel.onDidDispose(() => {
      this.panels.delete(panel);
      model.dispose();
    });
    return model;
  }

  private servicesWithPanels(): LayoutServices {
    return { ...this.services, openBeside: (page, index) => this.openPanel(page, index) };
  }
}
