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
  const window = windowIn(uri, sessions);
  return window?.watch.status === 'stopped' ? { watch: window.watch, name: { sourceReference: window.sourceReference } } : undefined;
}

/** The window of a trace that a document is, and the living session that serves it. */
export function windowIn(uri: vscode.Uri, sessions: Sessions): { watch: SessionWatch; sourceReference: number } | undefined {
  if (uri.scheme !== 'debug') return undefined;
  const query = new URLSearchParams(uri.query);
  const watch = sessions.byId(query.get('session') ?? '');
  const sourceReference = Number(query.get('ref'));
  return watch && watch.status !== 'ended' && sourceReference > 0 ? { watch, sourceReference } : undefined;
}

/** How the kernel's trace file begins. */
const HEADER = /^# tracer: /;

/**
 * Gives documents the trace language that VS Code cannot tell by their name: windows of binary traces, and `.txt` files that begin as the
 * kernel's trace file does (for other names the language's `firstLine` in package.json sees to that). Each document once: whoever then
 * chooses another language keeps it.
 */
export function recognizeTraces(sessions: Sessions): vscode.Disposable {
  const seen = new Set<string>();
  const recognize = (document: vscode.TextDocument): void => {
    const key = document.uri.toString();
    if (document.languageId === LANGUAGE || seen.has(key) || !isTrace(document, sessions)) return;
    seen.add(key);
    void vscode.languages.setTextDocumentLanguage(document, LANGUAGE);
  };
  vscode.workspace.textDocuments.forEach(recognize);
  return vscode.workspace.onDidOpenTextDocument(recognize);
}

function isTrace(document: vscode.TextDocument, sessions: Sessions): boolean {
  if (document.uri.scheme === 'debug') {
    const id = new URLSearchParams(document.uri.query).get('session') ?? '';
    return sessions.byId(id)?.session.type === DEBUG_TYPE;
  }
  return document.languageId === 'plaintext' && document.uri.scheme === 'file' && HEADER.test(document.lineAt(0).text);
}
