import * as vscode from 'vscode';
import { SCENARIO } from '../names.js';

/** The scenario that a command was called on, else the one in the active editor. */
export async function scenarioAt(uri: vscode.Uri | undefined): Promise<vscode.TextDocument | undefined> {
  if (uri) return vscode.workspace.openTextDocument(uri);
  const document = vscode.window.activeTextEditor?.document;
  return document?.languageId === SCENARIO ? document : undefined;
}

/**
 * Path of a scenario whose text on disk is the one in the editor: the adapter reads files, and a debugger shows them. One that has never
 * been saved gets a name first. Undefined when there is no scenario, or it is left unsaved.
 */
export async function savedScenario(uri?: vscode.Uri): Promise<string | undefined> {
  const document = await scenarioAt(uri);
  if (!document) return undefined;
  if (document.uri.scheme === 'file' && !document.isDirty) return document.uri.fsPath;
  const saved = await vscode.workspace.save(document.uri);
  return saved?.scheme === 'file' ? saved.fsPath : undefined;
}

/** An empty scenario with the snippet to begin with in it. */
export async function newScenario(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: SCENARIO, content: '' });
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand('editor.action.insertSnippet', { langId: SCENARIO, name: 'Scenario' });
}
