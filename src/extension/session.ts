import type * as vscode from 'vscode';
import type { LayoutStatus, RequestName, Requests } from '../protocol.js';

/** Asks the adapter; rejects with its error message. */
export function ask<R extends RequestName>(
  session: vscode.DebugSession,
  request: R,
  args: Requests[R]['args'],
): Promise<Requests[R]['body']> {
  return Promise.resolve(session.customRequest(request, args)) as Promise<Requests[R]['body']>;
}

export interface Stop {
  readonly session: vscode.DebugSession;
  readonly threadId: number | undefined;
}

export interface LoadProgress {
  readonly id: string;
  readonly text: string;
  /** 0…1; absent when not known */
  readonly fraction?: number;
}

/** The parts of DAP messages that are looked at here. */
interface Message {
  type: 'request' | 'response' | 'event';
  command?: string;
  event?: string;
  success?: boolean;
  arguments?: { variablesReference?: number; start?: number };
  body?: { threadId?: number; progressId?: string; title?: string; message?: string; percentage?: number };
}

/** VS Code fetches what was open in the Variables view again after each stop. Requests that follow others this closely are not a user's doing. */
const QUIET_MS = 350;

/** Requests after which the session runs until its next stop. */
const MOVEMENTS = new Set(['continue', 'reverseContinue', 'next', 'stepIn', 'stepOut', 'stepBack', 'goto', 'restart', 'restartFrame']);

/**
 * What one shadow-mmu session is doing, seen from the messages between VS Code and the adapter: stops, running, progress, and which
 * variable a user has just opened (VS Code tells extensions about no selection in Variables).
 */
export class SessionWatch implements vscode.DebugAdapterTracker {
  status: LayoutStatus = 'running';
  threadId: number | undefined;
  /** how many stops there were so far: an answer that spans two of them is worth nothing */
  stops = 0;
  private lastFetch = 0;

  constructor(
    readonly session: vscode.DebugSession,
    private readonly watcher: SessionEvents,
  ) {}

  onWillReceiveMessage(message: Message): void {
    if (message.type !== 'request') return;
    switch (message.command) {
      case 'scopes':
      case 'stackTrace':
        this.lastFetch = Date.now();
        return;
      case 'variables': {
        const quiet = Date.now() - this.lastFetch > QUIET_MS;
        this.lastFetch = Date.now();
        const reference = message.arguments?.variablesReference;
        if (quiet && this.status === 'stopped' && reference !== undefined) this.watcher.variableOpened(this, reference);
        return;
      }
      default:
        if (MOVEMENTS.has(message.command ?? '')) this.moving();
    }
  }

  onDidSendMessage(message: Message): void {
    if (message.type !== 'event') {
      if (message.command === 'variables') this.lastFetch = Date.now();
      if (message.success === false && MOVEMENTS.has(message.command ?? '')) this.refused();
      return;
    }
    const { body } = message;
    switch (message.event) {
      case 'stopped':
        this.lastFetch = Date.now();
        this.status = 'stopped';
        this.threadId = body?.threadId ?? this.threadId;
        this.stops++;
        return this.watcher.stopped(this);
      case 'continued':
        return this.moving();
      case 'progressStart':
      case 'progressUpdate':
        return this.watcher.progress(this, {
          id: body?.progressId ?? '',
          text: [body?.title, body?.message].filter(Boolean).join(': '),
          ...(body?.percentage === undefined ? {} : { fraction: body.percentage / 100 }),
        });
      case 'progressEnd':
        return this.watcher.progress(this, null);
      default:
        return;
    }
  }

  onWillStopSession(): void {
    this.end();
  }

  onExit(): void {
    this.end();
  }

  private moving(): void {
    if (this.status !== 'stopped') return;
    this.status = 'running';
    this.watcher.changed(this);
  }

  /** A movement that was not made: the session stands where it stood. */
  private refused(): void {
    if (this.status !== 'running' || this.stops === 0) return;
    this.status = 'stopped';
    this.watcher.changed(this);
  }

  private end(): void {
    if (this.status === 'ended') return;
    this.status = 'ended';
    this.watcher.changed(this);
  }
}

interface SessionEvents {
  stopped(watch: SessionWatch): void;
  changed(watch: SessionWatch): void;
  progress(watch: SessionWatch, progress: LoadProgress | null): void;
  variableOpened(watch: SessionWatch, variablesReference: number): void;
}
