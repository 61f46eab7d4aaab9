import * as vscode from 'vscode';
import type { ScenarioProblem, ScenarioSymbol } from '../../protocol.js';
import type { BackgroundAdapter } from '../background.js';
import { SCENARIO } from '../names.js';
import { toRange } from './positions.js';

/** After the last key, in ms: long enough for a word, short enough to be there when one looks up. */
const QUIET = 200;

interface Check {
  readonly version: number;
  readonly answer: Promise<{ problems: ScenarioProblem[]; symbols: ScenarioSymbol[] }>;
}

/** Keeps what the adapter says about each open scenario: its problems are shown while it is written, its outline when it is asked for. */
export class Checks implements vscode.Disposable {
  private readonly diagnostics = vscode.languages.createDiagnosticCollection('shadow-mmu');
  private readonly checks = new Map<string, Check>();
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[] = [this.diagnostics];

  constructor(private readonly background: BackgroundAdapter) {
    this.disposables.push(
      // A document that is given another language is closed and opened.
      vscode.workspace.onDidOpenTextDocument((document) => this.check(document, 0)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.check(document, QUIET)),
      vscode.workspace.onDidCloseTextDocument((document) => this.forget(document)),
    );
    for (const document of vscode.workspace.textDocuments) this.check(document, 0);
  }

  /** Problems and outline of the text as it is now. */
  of(document: vscode.TextDocument): Check['answer'] {
    const key = document.uri.toString();
    const known = this.checks.get(key);
    if (known?.version === document.version) return known.answer;
    const check = { version: document.version, answer: this.background.ask('shadowMmu/language/check', { text: document.getText() }) };
    this.checks.set(key, check);
    // What failed is asked again.
    check.answer.catch(() => this.checks.get(key) === check && this.checks.delete(key));
    return check.answer;
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const disposable of this.disposables) disposable.dispose();
  }

  private check(document: vscode.TextDocument, delay: number): void {
    if (document.languageId !== SCENARIO) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(
      key,
      setTimeout(() => void this.publish(document), delay),
    );
  }

  private async publish(document: vscode.TextDocument): Promise<void> {
    this.timers.delete(document.uri.toString());
    const { version } = document;
    const problems = await this.of(document).then(
      (answer) => answer.problems,
      () => undefined, // the adapter ended; the next change asks again
    );
    // A later text has its own check under way.
    if (problems === undefined || document.isClosed || document.version !== version) return;
    this.diagnostics.set(document.uri, problems.map(diagnostic));
  }

  private forget(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.checks.delete(key);
    this.diagnostics.delete(document.uri);
  }
}

function diagnostic({ range, severity, message }: ScenarioProblem): vscode.Diagnostic {
  const level = severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
  const diagnostic = new vscode.Diagnostic(toRange(range), message, level);
  diagnostic.source = 'shadow-mmu';
  return diagnostic;
}
