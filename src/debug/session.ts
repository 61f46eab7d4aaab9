import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { ProtocolServer } from '@vscode/debugadapter/lib/protocol.js';
import { Debuggee } from './debuggee.js';
import { breakpointHandlers } from './handlers/breakpoints.js';
import { compareHandlers } from './handlers/compare.js';
import type { SessionContext } from './handlers/context.js';
import { inspectionHandlers } from './handlers/inspection.js';
import { languageHandlers } from './handlers/language.js';
import { lifecycleHandlers, type Lifecycle } from './handlers/lifecycle.js';
import { motionHandlers } from './handlers/motion.js';
import { scenarioHandlers } from './handlers/scenario.js';
import { shadowMmuHandlers } from './handlers/shadowMmu.js';
import { LARGE_TEXT } from './load/documents.js';
import { openRecording } from './load/launch.js';
import { Progress } from './load/progress.js';
import { reportLoaded } from './load/report.js';
import { TraceError } from '../trace/open.js';
import { Breakpoints } from './stops/breakpoints.js';
import { Client } from './wire/client.js';
import { Cancelled, RequestError, StaleError } from './wire/errors.js';
import type { LaunchArguments } from './wire/requests.js';
import { Router } from './wire/router.js';

/** What a recording is opened by: where one differs, it is another. */
const CHOICES = ['trace', 'kernel', 'vm', 'without', 'memoryLimit'] as const;

/** How long setting breakpoints may wait for the part of the trace that they are in, in milliseconds. Later, an event says so. */
const BINDING = 200;

/** One debug session: a client on the other end of a wire. The parts are put together here. */
export class Session extends ProtocolServer implements SessionContext, Lifecycle {
  readonly client = new Client((event) => this.sendEvent(event));
  readonly breakpoints = new Breakpoints(this.client);
  readonly router = new Router({
    sendResponse: (response) => this.sendResponse(response),
    report: (error, command) => this.report(error, command),
  });
  private current: Debuggee | undefined;
  private args: LaunchArguments = {};
  private isConfigured = false;
  private begun = false;
  private launches = 0;
  private opening: Promise<void> | undefined;
  private launching: AbortController | undefined;

  /**
   * @param ended the client has said goodbye
   * @param largeText bytes of a text trace from which on it is shown in windows
   */
  constructor(
    private readonly ended: () => void,
    private readonly largeText = LARGE_TEXT,
  ) {
    super();
    this.router.add(lifecycleHandlers(this));
    this.router.add(breakpointHandlers(this));
    this.router.add(motionHandlers(this));
    this.router.add(inspectionHandlers(this));
    this.router.add(shadowMmuHandlers(this));
    this.router.add(languageHandlers());
    this.router.add(scenarioHandlers());
    this.router.add(compareHandlers());
    // What is no message of the protocol is worth a line in the log and no more. A client may leave without a word.
    this.on('error', ({ body }: { body?: unknown }) => {
      if (/EPIPE|ECONNRESET/.test(String(body))) this.close();
      else process.stderr.write(`shadow-mmu: ${String(body)}\n`);
    });
    this.on('close', () => this.close());
  }

  get debuggee(): Debuggee {
    if (!this.current) throw new RequestError('No trace is open.');
    return this.current;
  }

  async launch(args: LaunchArguments, signal: AbortSignal): Promise<void> {
    this.close();
    this.launching = new AbortController();
    const either = AbortSignal.any([signal, this.launching.signal]);
    const opening = openRecording(args, this.breakpoints.checksInvariants, either);
    this.opening = opening.then(
      () => {},
      () => {}, // the launch request answers for it
    );
    const opened = await opening;
    if (either.aborted) {
      opened.loader.cancel();
      throw new Cancelled();
    }
    this.args = args;
    this.current = new Debuggee(opened, this.client, this.breakpoints, this.largeText);
    this.breakpoints.attach(this.current);
    this.follow(this.current);
    this.begin();
  }

  /** Keeps the client informed while the rest of a trace is loaded. */
  private follow(debuggee: Debuggee): void {
    const { loader, recording } = debuggee;
    const progress = new Progress(`load-${++this.launches}`, this.client, recording, `Loading ${recording.path}`);
    loader.onGrown = () => {
      debuggee.grown();
      progress.update(loader);
      if (!loader.complete) return;
      loader.onGrown = undefined;
      recording.settleVm();
      reportLoaded(this.client, recording, loader, this.args.vm);
      debuggee.loaded();
    };
    loader.onGrown();
  }

  async opened(): Promise<void> {
    await this.opening;
  }

  async bound(group: { readonly waiting: boolean }): Promise<void> {
    const until = performance.now() + BINDING;
    while (group.waiting && this.current && !this.current.loader.complete && performance.now() < until) await this.current.loader.grown();
  }

  configured(): void {
    this.isConfigured = true;
    this.begin();
  }

  /** Back to the first event. A trace is not read again, unless it is another one; a scenario is, since it may have been edited. */
  async restart(args: LaunchArguments | undefined): Promise<void> {
    const { recording } = this.debuggee;
    const other = args?.trace !== undefined && CHOICES.some((name) => String(args[name]) !== String(this.args[name]));
    if (other || recording.statements) return this.launch(args ?? this.args, new AbortController().signal);
    if (args) this.args = { ...this.args, ...args };
    if (recording.end > 0) this.debuggee.motion.begin(this.args.stopOnEntry ?? true);
  }

  cancelProgress(id: string): void {
    if (id === `load-${this.launches}`) this.current?.loader.cancel();
  }

  close(): void {
    this.launching?.abort();
    this.current?.close();
    this.current = undefined;
    this.begun = false;
    this.breakpoints.attach(undefined);
  }

  end(): void {
    this.stop();
    this.ended();
  }

  protected override dispatchRequest(request: P.Request): void {
    this.router.dispatch(request).catch((error: unknown) => this.report(error, request.command));
  }

  /** The first run: once the trace is open and the breakpoints are known. */
  private begin(): void {
    if (!this.isConfigured || !this.current || this.begun) return;
    this.begun = true;
    this.current.motion.begin(this.args.stopOnEntry ?? true);
  }

  /** An error response goes to the user; an error that only a bug can cause goes to the log as well, with its stack. */
  private report(error: unknown, command: string): void {
    if (error instanceof RequestError || error instanceof StaleError || error instanceof TraceError) return;
    process.stderr.write(`shadow-mmu: ${command}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
}
