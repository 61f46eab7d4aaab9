import * as vscode from 'vscode';
import type { FromSummary, ToSummary } from '../protocol.js';
import { debugTrace } from './configurations.js';
import { furnish } from './furnish.js';
import { TRACE_EDITOR } from './names.js';
import { isLargeTrace } from './traceFiles.js';
import { traceInfo } from './traceInfo.js';

/**
 * Opens what a text editor cannot show, a trace.dat, a compressed trace or a text that is too long, as one page of facts with a button to debug it. Nothing is
 * decoded here: the command line reads the file.
 */
export class TraceEditor implements vscode.CustomReadonlyEditorProvider {
  constructor(private readonly extension: vscode.Uri) {}

  static register(extension: vscode.Uri): vscode.Disposable {
    return vscode.window.registerCustomEditorProvider(TRACE_EDITOR, new TraceEditor(extension), {
      supportsMultipleEditorsPerDocument: true,
    });
  }

  openCustomDocument(uri: vscode.Uri): vscode.CustomDocument {
    return { uri, dispose: () => undefined };
  }

  resolveCustomEditor(document: vscode.CustomDocument, panel: vscode.WebviewPanel): void {
    const closed = new AbortController();
    panel.onDidDispose(() => closed.abort());
    panel.webview.onDidReceiveMessage((message: FromSummary) => {
      if (message.type === 'debug') void debugTrace(document.uri.fsPath);
      else void this.summarize(document.uri, closed.signal).then((answer) => closed.signal.aborted || panel.webview.postMessage(answer));
    });
    furnish(panel.webview, this.extension, 'summary', 'Trace');
  }

  private async summarize(uri: vscode.Uri, signal: AbortSignal): Promise<ToSummary> {
    if (uri.scheme !== 'file') {
      return {
        type: 'failed',
        message: `${uri.toString()} is not on this machine's file system: copy the trace to a folder and open it there.`,
      };
    }
    try {
      return { type: 'summary', ...(await traceInfo(this.extension, uri.fsPath, signal)), large: isLargeTrace(uri.fsPath) };
    } catch (error) {
      return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
    }
  }
}
