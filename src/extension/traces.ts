import * as path from 'node:path';
import * as vscode from 'vscode';
import { LANGUAGE, SCENARIO, TRACE_EDITOR } from './names.js';
import { isShownInWindows } from './traceFiles.js';

/** The trace or scenario that the user is looking at: in a text editor with its language, in the summary editor, or in place of one. */
export function activeTrace(): string | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputCustom && input.viewType === TRACE_EDITOR) return input.uri.fsPath;
  if (input instanceof vscode.TabInputText && input.uri.scheme === 'file') {
    const { fsPath } = input.uri;
    if (isShownInWindows(fsPath)) return fsPath;
  }
  const document = vscode.window.activeTextEditor?.document;
  const ours = document?.languageId === LANGUAGE || document?.languageId === SCENARIO;
  return ours && document.uri.scheme === 'file' ? document.uri.fsPath : undefined;
}

/** Endings that traces come with; the dialog also offers all files, since a trace may be called anything. */
const ENDINGS = ['dat', 'ftrace', 'txt', 'zst', 'gz', 'mmu'];

/** Asks for a trace or a scenario. */
export async function pickTrace(title = 'Trace or scenario to debug', openLabel = 'Debug'): Promise<string | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const [chosen] =
    (await vscode.window.showOpenDialog({
      title,
      openLabel,
      filters: { 'Traces and scenarios': ENDINGS, 'All files': ['*'] },
      ...(folder ? { defaultUri: folder } : {}),
    })) ?? [];
  return chosen?.fsPath;
}

/** The file a command was called on (editor title, explorer), else the active trace, else one the user picks. */
export async function traceOf(uri: vscode.Uri | undefined): Promise<string | undefined> {
  return uri?.fsPath ?? activeTrace() ?? (await pickTrace());
}

/** Paths in launch configurations may be relative to the folder or begin with `~`. */
export function absolute(trace: string, folder: vscode.WorkspaceFolder | undefined): string {
  const home = process.env['HOME'] ?? process.env['USERPROFILE'];
  if (home !== undefined && /^~[\\/]/.test(trace)) return path.join(home, trace.slice(2));
  const base = (folder ?? vscode.workspace.workspaceFolders?.[0])?.uri.fsPath;
  return path.isAbsolute(trace) || base === undefined ? trace : path.join(base, trace);
}
