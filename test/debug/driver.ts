import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { DapClient } from './client.js';

/** What the default filters of the adapter are. */
export const DEFAULT_FILTERS = ['quadrant-mismatch', 'prediction', 'invariant', 'lost-events'];

export interface Setup {
  readonly filters?: string[];
  readonly functions?: P.FunctionBreakpoint[];
  readonly launch?: Record<string, unknown>;
  readonly initialize?: Partial<P.InitializeRequestArguments>;
  /** bytes of a text trace from which on it is shown in windows */
  readonly largeText?: number;
}

/** A debugger at its first stop, in the words of a test. */
export class Driver {
  private constructor(
    readonly client: DapClient,
    readonly first: P.StoppedEvent['body'],
  ) {}

  /** Initialize, launch, configure: as editors do it. */
  static async start(trace: string, setup: Setup = {}): Promise<Driver> {
    const client = DapClient.inProcess(setup.largeText);
    await client.request('initialize', { adapterID: 'test', ...setup.initialize });
    const launched = client.request('launch', { trace, ...setup.launch });
    await client.event('initialized');
    await client.request('setExceptionBreakpoints', { filters: setup.filters ?? [] });
    if (setup.functions) await client.request('setFunctionBreakpoints', { breakpoints: setup.functions });
    await client.request('configurationDone');
    await launched;
    return new Driver(client, await client.event<P.StoppedEvent>('stopped'));
  }

  /** A session whose trace is loaded to its end. */
  static async loaded(trace: string, setup: Setup = {}): Promise<Driver> {
    const driver = await Driver.start(trace, setup);
    await driver.client.event('shadowMmu/loaded');
    return driver;
  }

  close(): void {
    this.client.close();
  }

  /** A movement, to its stop. */
  async go(command: string, threadId?: number): Promise<P.StoppedEvent['body']> {
    return this.client.untilStopped(command, { threadId: threadId ?? this.thread() });
  }

  /** The thread of the present stop. */
  thread(): number {
    const stop = this.client.events.findLast((e) => e.event === 'stopped') as P.StoppedEvent;
    return stop.body.threadId!;
  }

  async evaluate(expression: string): Promise<P.EvaluateResponse['body']> {
    return this.client.request('evaluate', { expression });
  }

  async index(): Promise<number> {
    return Number((await this.evaluate('event.index')).result);
  }

  /** Where a movement leads: event numbers. */
  async goes(command: string): Promise<number> {
    await this.go(command);
    return this.index();
  }

  async frames(): Promise<P.StackFrame[]> {
    const { stackFrames } = await this.client.request<P.StackTraceResponse['body']>('stackTrace', { threadId: this.thread() });
    return stackFrames;
  }

  async scope(name: string): Promise<P.Variable[]> {
    const [frame] = await this.frames();
    const { scopes } = await this.client.request<P.ScopesResponse['body']>('scopes', { frameId: frame!.id });
    return this.children(scopes.find((s) => s.name === name)!.variablesReference);
  }

  async children(variablesReference: number): Promise<P.Variable[]> {
    const { variables } = await this.client.request<P.VariablesResponse['body']>('variables', { variablesReference });
    return variables;
  }

  /** Follows names from a scope down; the last one is answered. */
  async variable(scope: string, ...names: string[]): Promise<P.Variable> {
    let rows = await this.scope(scope);
    for (;;) {
      const [name, ...rest] = names;
      const row = rows.find((v) => v.name === name);
      if (!row) throw new Error(`no variable ${name} among ${rows.map((v) => v.name).join(', ')}`);
      if (rest.length === 0) return row;
      rows = await this.children(row.variablesReference);
      names = rest;
    }
  }

  async output(): Promise<string> {
    await this.client.request('threads'); // events that are under way come before its answer
    return this.client.events
      .filter((e): e is P.OutputEvent => e.event === 'output')
      .map((e) => e.body.output)
      .join('');
  }
}
