/** A debug session driven through VS Code's API, with the stops it reported. */
import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';

/** the longest that anything here may take on a busy machine, in ms */
const patience = 45_000;

type Stopped = DebugProtocol.StoppedEvent['body'];
type Message = DebugProtocol.ProtocolMessage & { event?: string; body?: unknown };

/** Waits until something is so. */
export async function until(complaint: string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + patience; !condition();) {
    assert.ok(Date.now() < deadline, complaint);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Driver implements vscode.Disposable {
  private readonly stops: Stopped[] = [];
  private readonly events: Message[] = [];
  private ended = false;
  /** whether VS Code has shown the last stop: it hears of it after the tracker, and until then its commands do nothing */
  private shown = false;
  private wake = () => {};
  private readonly disposables: vscode.Disposable[];

  constructor() {
    this.disposables = [
      vscode.debug.registerDebugAdapterTrackerFactory('shadow-mmu', {
        createDebugAdapterTracker: () => ({ onDidSendMessage: (message: Message) => this.received(message) }),
      }),
      vscode.debug.onDidChangeActiveStackItem((item) => {
        this.shown ||= item instanceof vscode.DebugStackFrame;
        this.wake();
      }),
      vscode.debug.onDidTerminateDebugSession(() => {
        this.ended = true;
        this.wake();
      }),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private received(message: Message): void {
    if (message.type === 'event') this.events.push(message);
    if (message.event !== 'stopped') return;
    this.stops.push(message.body as Stopped);
    this.shown = false;
    this.wake();
  }

  /** The first event of that name. */
  async event<T>(name: string): Promise<T> {
    const found = () => this.events.find(({ event }) => event === name);
    await this.until(`no ${name}`, () => found() !== undefined);
    return found()?.body as T;
  }

  private async until(complaint: string, condition: () => boolean): Promise<void> {
    const deadline = Date.now() + patience;
    while (!condition()) {
      assert.ok(Date.now() < deadline, complaint);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 200);
      });
    }
  }

  get session(): vscode.DebugSession {
    const session = vscode.debug.activeDebugSession;
    assert.ok(session, 'there is no session');
    return session;
  }

  /** The stop that an action leads to. */
  async stopAfter(action: () => Thenable<unknown>): Promise<Stopped> {
    const before = this.stops.length;
    await action();
    await this.until('no stop', () => this.stops.length > before && this.shown);
    return this.stops.at(-1) as Stopped;
  }

  command(name: 'continue' | 'stepOver' | 'stepInto' | 'stepOut' | 'stepBack' | 'reverseContinue'): Promise<Stopped> {
    return this.stopAfter(() => vscode.commands.executeCommand(`workbench.action.debug.${name}`));
  }

  async end(): Promise<void> {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    if (!vscode.debug.activeDebugSession) return;
    this.ended = false;
    await vscode.debug.stopDebugging();
    await this.until('the session does not end', () => this.ended);
  }

  request<T>(command: string, args: object): Promise<T> {
    return Promise.resolve(this.session.customRequest(command, args)) as Promise<T>;
  }

  async top(): Promise<DebugProtocol.StackFrame> {
    const threadId = this.stops.at(-1)?.threadId ?? 0;
    const { stackFrames } = await this.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId });
    const [frame] = stackFrames;
    assert.ok(frame, 'the stack is empty');
    return frame;
  }

  async line(): Promise<number> {
    return (await this.top()).line;
  }

  async evaluate(expression: string): Promise<string> {
    const { id: frameId } = await this.top();
    const { result } = await this.request<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression, frameId, context: 'watch' });
    return result;
  }

  /** The children of a scope, or of the variable that a path of names leads to. */
  async variables(scope: string, ...names: (string | RegExp)[]): Promise<DebugProtocol.Variable[]> {
    const { id: frameId } = await this.top();
    const { scopes } = await this.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    let reference = scopes.find(({ name }) => name === scope)?.variablesReference;
    assert.ok(reference, `there is no scope ${scope} among ${scopes.map(({ name }) => name).join(', ')}`);
    let children = await this.children(reference);
    for (const name of names) {
      const child = children.find((variable) => (typeof name === 'string' ? variable.name === name : name.test(variable.name)));
      assert.ok(child, `there is no ${String(name)} among ${children.map((variable) => variable.name).join(', ')}`);
      reference = child.variablesReference;
      children = await this.children(reference);
    }
    return children;
  }

  private async children(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.request<DebugProtocol.VariablesResponse['body']>('variables', { variablesReference })).variables;
  }
}

export function breakAt(file: string, line: number, condition?: string): void {
  const place = new vscode.Location(vscode.Uri.file(file), new vscode.Position(line - 1, 0));
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place, true, condition)]);
}
