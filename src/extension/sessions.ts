import * as vscode from 'vscode';
import { DEBUG_TYPE } from './names.js';
import type { LoadProgress } from './session.js';
import { SessionWatch } from './session.js';

/** The shadow-mmu sessions of this window, and which of them the views show. */
export class Sessions implements vscode.Disposable {
  private readonly watches = new Map<string, SessionWatch>();
  private readonly disposables: vscode.Disposable[] = [];

  private readonly stopEmitter = this.own(new vscode.EventEmitter<SessionWatch>());
  private readonly changeEmitter = this.own(new vscode.EventEmitter<SessionWatch>());
  private readonly progressEmitter = this.own(new vscode.EventEmitter<{ watch: SessionWatch; progress: LoadProgress | null }>());
  private readonly openEmitter = this.own(new vscode.EventEmitter<{ watch: SessionWatch; variablesReference: number }>());

  /** the adapter stopped: there is a new state to show */
  readonly onDidStop = this.stopEmitter.event;
  /** running, ended, or another session came to the front */
  readonly onDidChange = this.changeEmitter.event;
  readonly onDidProgress = this.progressEmitter.event;
  /** the user opened something in Variables */
  readonly onDidOpenVariable = this.openEmitter.event;

  /** the session that the views show; it stays after its end, until another one starts */
  current: SessionWatch | undefined;

  constructor() {
    this.own(
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, {
        createDebugAdapterTracker: (session) => this.watch(session),
      }),
    );
    this.own(vscode.debug.onDidChangeActiveDebugSession((session) => this.activated(session)));
    this.own(vscode.debug.onDidTerminateDebugSession((session) => this.watches.delete(session.id)));
  }

  of(session: vscode.DebugSession | undefined): SessionWatch | undefined {
    return session && this.watches.get(session.id);
  }

  byId(id: string): SessionWatch | undefined {
    return this.watches.get(id);
  }

  /** A living session that was launched like this. */
  find(launched: (configuration: vscode.DebugConfiguration) => boolean): SessionWatch | undefined {
    return [...this.watches.values()].find(({ status, session }) => status !== 'ended' && launched(session.configuration));
  }

  /** The session to ask: the current one while it lives and stands still. */
  get stopped(): SessionWatch | undefined {
    return this.current?.status === 'stopped' ? this.current : undefined;
  }

  /** The session that stops next. */
  nextStop(): Promise<SessionWatch> {
    return new Promise((resolve) => {
      const once = this.onDidStop((watch) => {
        once.dispose();
        resolve(watch);
      });
    });
  }

  dispose(): void {
    for (const disposable of this.disposables.splice(0)) disposable.dispose();
  }

  private watch(session: vscode.DebugSession): SessionWatch {
    const watch = new SessionWatch(session, {
      stopped: (watch) => {
        this.current ??= watch;
        this.stopEmitter.fire(watch);
      },
      changed: (watch) => this.changeEmitter.fire(watch),
      progress: (watch, progress) => this.progressEmitter.fire({ watch, progress }),
      variableOpened: (watch, variablesReference) => this.openEmitter.fire({ watch, variablesReference }),
    });
    this.watches.set(session.id, watch);
    // keeps the layout in the side bar after the session, until something else is debugged
    void vscode.commands.executeCommand('setContext', 'shadowMmu.debugged', true);
    if (!this.current || this.current.status === 'ended') this.current = watch;
    return watch;
  }

  private activated(session: vscode.DebugSession | undefined): void {
    const watch = this.of(session);
    if (!watch || watch === this.current) return;
    this.current = watch;
    this.changeEmitter.fire(watch);
  }

  private own<T extends vscode.Disposable>(disposable: T): T {
    this.disposables.push(disposable);
    return disposable;
  }
}
