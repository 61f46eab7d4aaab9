import * as vscode from 'vscode';
import { SCENARIO } from '../names.js';

/** What can be done with a scenario, above its first line. */
const LENSES = [
  { title: '$(debug-alt) Debug', command: 'shadow-mmu.debugScenario' },
  { title: '$(play) Run', command: 'shadow-mmu.runScenario' },
  { title: 'Debug without …', command: 'shadow-mmu.debugScenarioWithout' },
  { title: 'Compare with and without …', command: 'shadow-mmu.compareScenario' },
];

export function registerLenses(): vscode.Disposable {
  return vscode.languages.registerCodeLensProvider(SCENARIO, {
    provideCodeLenses: ({ uri }) => LENSES.map((lens) => new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { ...lens, arguments: [uri] })),
  });
}
