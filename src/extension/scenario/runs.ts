import path from 'node:path';
import * as vscode from 'vscode';
import type { RunChoice, ScenarioFailure } from '../../protocol.js';
import type { BackgroundAdapter } from '../background.js';
import { scenarioAt } from './documents.js';

const SCHEME = 'shadow-mmu-run';

/** Runs of scenarios without a debugger: what failed is marked in the scenario, and the trace can be read as a document. */
export class Runs implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly failures = vscode.languages.createDiagnosticCollection('shadow-mmu-run');
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changes.event;
  private readonly traces = new Map<string, string>();
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly background: BackgroundAdapter) {
    this.disposables = [
      this.failures,
      this.changes,
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      // What a run found says nothing about a text that has been changed since.
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.failures.delete(document.uri)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => uri.scheme === SCHEME && this.traces.delete(uri.toString())),
    ];
  }

  /** Runs a scenario as it stands in the editor, saved or not. */
  async run(uri?: vscode.Uri): Promise<void> {
    const document = await scenarioAt(uri);
    if (!document) return;
    const { run, failures } = await this.ask(document);
    this.failures.set(
      document.uri,
      failures.map((failure) => diagnostic(document, failure)),
    );
    const events = `${run.events.toLocaleString('en-US')} events`;
    if (failures.length === 0) {
      vscode.window.setStatusBarMessage(`$(pass) ${run.title}: ${events}, everything as expected`, 6000);
      return;
    }
    const what = failures.length === 1 ? failures[0]!.message : `${failures.length} statements failed`;
    const answer = await vscode.window.showWarningMessage(`${run.title}: ${what}`, 'Show', 'Debug');
    if (answer === 'Show') await this.reveal(document, failures[0]!);
    if (answer === 'Debug') await vscode.commands.executeCommand('shadow-mmu.debugScenario', document.uri);
  }

  /** Opens what `shadow-mmu run` prints. It has the language of traces, and saved as a file it is one. */
  async showTrace(uri?: vscode.Uri): Promise<void> {
    const document = await scenarioAt(uri);
    if (!document) return;
    const { trace } = await this.ask(document);
    const name = `${path.basename(document.uri.path, '.mmu')}.ftrace`;
    const shown = vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: document.uri.toString() });
    this.traces.set(shown.toString(), trace);
    this.changes.fire(shown);
    await vscode.window.showTextDocument(shown, { viewColumn: vscode.ViewColumn.Beside, preview: false });
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.traces.get(uri.toString());
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private ask(document: vscode.TextDocument) {
    const choice: RunChoice = { file: document.uri.fsPath, text: document.getText() };
    return this.background.ask('shadowMmu/run', choice);
  }

  private async reveal(document: vscode.TextDocument, failure: ScenarioFailure): Promise<void> {
    await vscode.window.showTextDocument(document, { selection: rangeOf(document, failure) });
  }
}

/** From the place of a failure to the end of its line. */
function rangeOf(document: vscode.TextDocument, { line, column }: ScenarioFailure): vscode.Range {
  const { range } = document.lineAt(Math.min(line, document.lineCount) - 1);
  return document.validateRange(new vscode.Range(range.start.translate(0, Math.max(0, column - 1)), range.end));
}

function diagnostic(document: vscode.TextDocument, failure: ScenarioFailure): vscode.Diagnostic {
  const result = new vscode.Diagnostic(rangeOf(document, failure), failure.message, vscode.DiagnosticSeverity.Error);
  result.source = 'shadow-mmu run';
  return result;
}
