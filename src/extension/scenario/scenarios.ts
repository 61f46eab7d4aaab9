import * as vscode from 'vscode';
import { BackgroundAdapter } from '../background.js';
import { chooseRuns, withAndWithout, type Pair } from '../compare/choose.js';
import { ComparePanel } from '../compare/panel.js';
import { debugTrace } from '../configurations.js';
import type { Sessions } from '../sessions.js';
import { Checks } from './checks.js';
import { newScenario, savedScenario } from './documents.js';
import { Choices } from './features.js';
import { registerScenarioLanguage } from './language.js';
import { registerLenses } from './lenses.js';
import { Runs } from './runs.js';
import { saveRange } from './saveRange.js';

/** Scenarios in the editor, and comparing runs: their parts, and what the commands about them do. */
export class Scenarios implements vscode.Disposable {
  private readonly background: BackgroundAdapter;
  private readonly runs: Runs;
  private readonly choices: Choices;
  private readonly disposables: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Extension<unknown>,
    private readonly sessions: Sessions,
  ) {
    this.background = new BackgroundAdapter(extension.extensionUri);
    this.runs = new Runs(this.background);
    this.choices = new Choices(extension.packageJSON);
    const checks = new Checks(this.background);
    const language = registerScenarioLanguage(this.background, checks);
    this.disposables = vscode.Disposable.from(this.background, this.runs, checks, language, registerLenses());
  }

  readonly commands = {
    newScenario,
    runScenario: (uri?: vscode.Uri) => this.runs.run(uri),
    showScenarioTrace: (uri?: vscode.Uri) => this.runs.showTrace(uri),
    debugScenario: (uri?: vscode.Uri) => this.debug(uri),
    debugScenarioWithout: async (uri?: vscode.Uri) => {
      const feature = await this.choices.feature('Debug without …');
      return feature === undefined ? undefined : this.debug(uri, [feature]);
    },
    compareScenario: async (uri?: vscode.Uri) => this.compare(await withAndWithout(uri, this.choices)),
    compareRuns: async (uri?: vscode.Uri) => this.compare(await chooseRuns(uri, this.choices)),
    saveRange: () => saveRange(this.background, this.sessions),
  };

  dispose(): void {
    this.disposables.dispose();
  }

  private async debug(uri: vscode.Uri | undefined, without: readonly string[] = []): Promise<void> {
    const file = await savedScenario(uri);
    if (file !== undefined) await debugTrace(file, { without });
  }

  private compare(pair: Pair | undefined): void {
    if (pair) new ComparePanel(pair, { extension: this.extension.extensionUri, background: this.background, sessions: this.sessions });
  }
}
