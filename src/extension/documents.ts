import * as vscode from 'vscode';
import { DEBUG_TYPE, LANGUAGE } from './names.js';
import type { SessionWatch } from './session.js';
import type { Sessions } from './sessions.js';

/** How a document is named to the adapter: a file by its path, a window of a binary trace by the reference that VS Code keeps in its URI. */
export type DocumentName = { source: string } | { sourceReference: number };

/** The session that a document belongs to, and the document's name there. */
export function sessionOf(document: vscode.TextDocument, sessions: Sessions): { watch: SessionWatch; name: DocumentName } | undefined {
  const { uri } = document;
  if (uri.scheme === 'file') {
    const watch = sessions.stopped;
    return watch && { watch, name: { source: uri.fsPath } };
  }
  if (uri.scheme !== 'debug') return undefined;
  const query = new URLSearchParams(uri.query);
  const watch = sessions.byId(query.get('session') ?? '');
  const sourceReference = Number(query.get('ref'));
  return watch?.status === 'stopped' && sourceReference > 0 ? { watch, name: { sourceReference } } : undefined;
}

/** Windows of binary traces get the trace language, whatever their name looks like. */
export function giveLanguageToWindows(sessions: Sessions): vscode.Disposable {
  const adopt = (document: vscode.TextDocument): void => {
    if (document.uri.scheme !== 'debug' || document.languageId === LANGUAGE) return;
    const id = new URLSearchParams(document.uri.query).get('session') ?? '';
    if (sessions.byId(id)?.session.type === DEBUG_TYPE) void vscode.languages.setTextDocumentLanguage(document, LANGUAGE);
  };
  vscode.workspace.textDocuments.forEach(adopt);
  return vscode.workspace.onDidOpenTextDocument(adopt);
}
