import * as vscode from 'vscode';
import type { WindowRef } from '../protocol.js';
import { windowIn } from './documents.js';
import { LANGUAGE } from './names.js';
import { ask, type SessionWatch } from './session.js';
import type { Sessions } from './sessions.js';
import { showEvent } from './travel.js';

const number = (event: number): string => event.toLocaleString('en-US');
const range = ({ first, last }: Pick<WindowRef, 'first' | 'last'>): string => `events ${number(first)}–${number(last)}`;

/** Opens the document before or after the one that the active editor shows. */
export async function showNeighbour(sessions: Sessions, step: 1 | -1): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const found = uri && windowIn(uri, sessions);
  if (!found) {
    vscode.window.setStatusBarMessage('This editor shows no window of a trace', 3000);
    return;
  }
  const here = await ask(found.watch.session, 'shadowMmu/window', { sourceReference: found.sourceReference });
  const event = step === 1 ? here.last + 1 : here.first - 1;
  if (event < 0 || event >= here.events)
    vscode.window.setStatusBarMessage(step === 1 ? 'This is the last window' : 'This is the first window', 3000);
  else await showEvent(found.watch.session, event);
}

/**
 * What stands over the first line of a window and under the last one: which events it shows of how many, its neighbours, and where the
 * debugger is, if that is elsewhere.
 */
export class WindowLenses implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly disposable: vscode.Disposable;

  constructor(private readonly sessions: Sessions) {
    this.disposable = vscode.Disposable.from(
      this.emitter,
      sessions.onDidStop(() => this.emitter.fire()),
      sessions.onDidProgress(({ progress }) => progress ?? this.emitter.fire()),
      vscode.languages.registerCodeLensProvider({ language: LANGUAGE, scheme: 'debug' }, this),
    );
  }

  dispose(): void {
    this.disposable.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const found = windowIn(document.uri, this.sessions);
    if (!found) return [];
    const { watch, sourceReference } = found;
    const here = await ask(watch.session, 'shadowMmu/window', { sourceReference });
    const stop = watch.status === 'stopped' ? (await ask(watch.session, 'shadowMmu/event', {}))?.at.event : undefined;
    const isHere = stop === undefined || (stop >= here.first && stop <= here.last);
    const before = here.first > 0 && this.link(`$(arrow-up) earlier events`, watch, here.first - 1);
    const after = here.last + 1 < here.events && this.link(`later events $(arrow-down)`, watch, here.last + 1);
    const about = { title: `${range(here)} of ${number(here.events)}`, command: 'shadow-mmu.goTo', tooltip: 'Go to an event' };
    const there = !isHere && this.link(`$(debug-stackframe) stopped at ${number(stop)}`, watch, stop);
    const at = (line: number, commands: (vscode.Command | false)[]): vscode.CodeLens[] =>
      commands.flatMap((command) => (command ? [new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command)] : []));
    const last = document.lineCount - 1; // the empty one after the last
    return [...at(0, [before, about, there, after]), ...at(last, [before, after])];
  }

  private link(title: string, watch: SessionWatch, event: number): vscode.Command {
    return { title, command: 'shadow-mmu.showEvent', arguments: [watch.session.id, event], tooltip: `Show event ${number(event)}` };
  }
}
