import type { DebugProtocol as P } from '@vscode/debugprotocol';
import { Response } from '@vscode/debugadapter';
import { Cancelled, messageOf, StaleError } from './errors.js';
import type { Call, Command, Handlers } from './requests.js';

/** Sends what the router has to say; the protocol server of the session. */
export interface Outlet {
  sendResponse(response: P.Response): void;
  /** an error that is no fault of the user's: for the log */
  report(error: unknown, command: string): void;
}

type AnyHandler = (args: unknown, call: Call) => unknown;

/**
 * Finds the handler of a request and answers for it: its result becomes the body, a thrown error an error response. Nothing that a
 * request does ends the adapter.
 */
export class Router {
  private readonly handlers = new Map<string, AnyHandler>();
  private readonly calls = new Map<number, AbortController>();

  constructor(private readonly outlet: Outlet) {}

  add(handlers: Handlers): void {
    for (const [command, handler] of Object.entries(handlers)) this.handlers.set(command, handler as AnyHandler);
  }

  async dispatch(request: P.Request): Promise<void> {
    const controller = new AbortController();
    const after: (() => void)[] = [];
    this.calls.set(request.seq, controller);
    try {
      const handler = this.handlers.get(request.command);
      if (!handler) return this.fail(request, `The request '${request.command}' is not supported.`);
      const body: unknown = await handler(request.arguments, { signal: controller.signal, afterResponse: (action) => after.push(action) });
      if (controller.signal.aborted) return this.fail(request, 'cancelled');
      const response: P.Response = new Response(request);
      if (body !== undefined) response.body = body;
      this.outlet.sendResponse(response);
    } catch (error) {
      if (error instanceof Cancelled || controller.signal.aborted) return this.fail(request, 'cancelled');
      this.outlet.report(error, request.command);
      return this.fail(request, messageOf(error), error instanceof StaleError);
    } finally {
      this.calls.delete(request.seq);
    }
    for (const action of after) action();
  }

  /** Withdraws a request that is still being worked on; one that is already answered needs nothing. */
  cancel(seq: number): void {
    this.calls.get(seq)?.abort();
  }

  private fail(request: P.Request, message: string, stale = false): void {
    const response: P.ErrorResponse = Object.assign(new Response(request, message), { body: {} });
    if (message !== 'cancelled') {
      const command = request.command as Command;
      // `format` is a template: a brace of the message would be taken for the name of a variable.
      const text = message.includes('{') ? { format: '{_text}', variables: { _text: message } } : { format: message };
      response.body.error = { id: ERROR_IDS[command] ?? 1, ...text, showUser: !stale && NOTIFIED.has(command) };
      // The editor shows why a launch failed by itself, unless it is told not to.
      if (command === 'launch') delete response.body.error.showUser;
    }
    this.outlet.sendResponse(response);
  }
}

/** Numbers for clients that tell errors apart by them. */
const ERROR_IDS: Partial<Record<Command, number>> = { launch: 100, evaluate: 200, readMemory: 300 };

/** Requests behind which there is a click that would else seem to do nothing. All others have a place in which their error is shown. */
const NOTIFIED: ReadonlySet<Command> = new Set<Command>([
  'restart',
  'continue',
  'reverseContinue',
  'next',
  'stepIn',
  'stepOut',
  'stepBack',
  'pause',
  'goto',
  'restartFrame',
  'readMemory',
]);
