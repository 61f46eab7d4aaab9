import * as vscode from 'vscode';
import { TRACE_EDITOR } from './names.js';
import { isLargeTrace } from './traceFiles.js';

/**
 * Shows the summary in place of a text trace that is too long for a text editor, once for each file: whoever then reopens it as text
 * keeps that.
 */
export function showSummariesOfLargeTraces(): vscode.Disposable {
  const seen = new Set<string>();
  const look = async ({ input, group }: vscode.Tab): Promise<void> => {
    if (!(input instanceof vscode.TabInputText) || input.uri.scheme !== 'file' || seen.has(input.uri.fsPath)) return;
    if (!isLargeTrace(input.uri.fsPath)) return;
    seen.add(input.uri.fsPath);
    await vscode.commands.executeCommand('vscode.openWith', input.uri, TRACE_EDITOR, group.viewColumn);
    await vscode.window.tabGroups.close(textTabs(input.uri), true);
  };
  for (const tab of vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs)) void look(tab);
  return vscode.window.tabGroups.onDidChangeTabs(({ opened, changed }) => {
    for (const tab of [...opened, ...changed]) void look(tab);
  });
}

function textTabs(uri: vscode.Uri): vscode.Tab[] {
  const isIt = ({ input }: vscode.Tab): boolean => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
  return vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.filter(isIt));
}
