import path from 'node:path';
import * as vscode from 'vscode';
import type { RunChoice } from '../../protocol.js';
import { savedScenario } from '../scenario/documents.js';
import type { Choices } from '../scenario/features.js';
import { activeTrace, pickTrace } from '../traces.js';

/** Two runs to compare. */
export interface Pair {
  readonly a: RunChoice;
  readonly b: RunChoice;
}

/** `quadrant.mmu 2.6.24 without quadrant-filter` */
export function titleOf({ file, kernel, without = [], with: more = [] }: RunChoice): string {
  const rules = [...without.map((feature) => `without ${feature}`), ...more.map((feature) => `with ${feature}`)];
  return [path.basename(file), kernel, ...rules].filter((part) => part !== undefined).join(' ');
}

/** The file that a comparison begins with: the one a command was called on, the open one, else one that is chosen. */
async function firstFile(uri: vscode.Uri | undefined): Promise<string | undefined> {
  if (uri && !uri.path.endsWith('.mmu') && uri.scheme === 'file') return uri.fsPath;
  return (await savedScenario(uri)) ?? activeTrace() ?? pickTrace('First of two runs', 'Choose');
}

/** One scenario or recording with a feature and without it. */
export async function withAndWithout(uri: vscode.Uri | undefined, choices: Choices): Promise<Pair | undefined> {
  const file = await firstFile(uri);
  return file === undefined ? undefined : featurePair(file, choices);
}

async function featurePair(file: string, choices: Choices): Promise<Pair | undefined> {
  const feature = await choices.feature(`Compare ${path.basename(file)} with and without …`);
  return feature === undefined ? undefined : { a: { file }, b: { file, without: [feature] } };
}

/** Asks what is to be compared with what. */
export async function chooseRuns(uri: vscode.Uri | undefined, choices: Choices): Promise<Pair | undefined> {
  const file = await firstFile(uri);
  if (file === undefined) return undefined;
  const name = path.basename(file);
  const ways: (vscode.QuickPickItem & { pair: () => Promise<Pair | undefined> })[] = [
    { label: '$(circle-slash) With and without a feature', pair: () => featurePair(file, choices) },
    { label: '$(versions) Under two kernels', pair: () => kernelPair(file, choices) },
    { label: '$(files) With another scenario or recording', pair: () => filePair(file) },
  ];
  const way = await vscode.window.showQuickPick(ways, { title: `Compare ${name}` });
  return way?.pair();
}

async function kernelPair(file: string, choices: Choices): Promise<Pair | undefined> {
  const name = path.basename(file);
  const first = await choices.kernel(`Compare ${name} under …`);
  const second = first === undefined ? undefined : await choices.kernel(`Compare ${name} under ${first} and under …`);
  return first === undefined || second === undefined ? undefined : { a: { file, kernel: first }, b: { file, kernel: second } };
}

async function filePair(file: string): Promise<Pair | undefined> {
  const other = await pickTrace(`Compare ${path.basename(file)} with …`, 'Compare');
  return other === undefined ? undefined : { a: { file }, b: { file: other } };
}
