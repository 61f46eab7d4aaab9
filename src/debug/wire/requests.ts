import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { Requests as ShadowMmuRequests } from '../../protocol.js';

/** `[arguments, body]` of one request; `void` where there is nothing to say. */
type Request<Response extends { body?: unknown }, Arguments> = [Arguments, NonNullable<Response['body']>];

/** What `launch` may be given beyond the protocol (package.json describes the same attributes to the editor). */
export interface LaunchArguments extends P.LaunchRequestArguments {
  trace?: string;
  stopOnEntry?: boolean;
  kernel?: string;
  vm?: number;
  without?: string[];
  /** megabytes that the open trace may take; half of the machine's where nothing is said */
  memoryLimit?: number | null;
}

/** Every request this adapter answers, by command. */
export interface DapRequests {
  initialize: [P.InitializeRequestArguments, P.Capabilities];
  launch: [LaunchArguments, void];
  configurationDone: [P.ConfigurationDoneArguments | undefined, void];
  cancel: [P.CancelArguments | undefined, void];
  restart: [P.RestartArguments | undefined, void];
  terminate: [P.TerminateArguments | undefined, void];
  disconnect: [P.DisconnectArguments | undefined, void];

  setBreakpoints: Request<P.SetBreakpointsResponse, P.SetBreakpointsArguments>;
  setFunctionBreakpoints: Request<P.SetFunctionBreakpointsResponse, P.SetFunctionBreakpointsArguments>;
  setDataBreakpoints: Request<P.SetDataBreakpointsResponse, P.SetDataBreakpointsArguments>;
  setExceptionBreakpoints: Request<P.SetExceptionBreakpointsResponse, P.SetExceptionBreakpointsArguments>;
  dataBreakpointInfo: Request<P.DataBreakpointInfoResponse, P.DataBreakpointInfoArguments>;
  breakpointLocations: Request<P.BreakpointLocationsResponse, P.BreakpointLocationsArguments>;

  continue: Request<P.ContinueResponse, P.ContinueArguments>;
  reverseContinue: [P.ReverseContinueArguments, void];
  next: [P.NextArguments, void];
  stepIn: [P.StepInArguments, void];
  stepOut: [P.StepOutArguments, void];
  stepBack: [P.StepBackArguments, void];
  pause: [P.PauseArguments, void];
  goto: [P.GotoArguments, void];
  gotoTargets: Request<P.GotoTargetsResponse, P.GotoTargetsArguments>;
  restartFrame: [P.RestartFrameArguments, void];

  threads: Request<P.ThreadsResponse, undefined>;
  stackTrace: Request<P.StackTraceResponse, P.StackTraceArguments>;
  scopes: Request<P.ScopesResponse, P.ScopesArguments>;
  variables: Request<P.VariablesResponse, P.VariablesArguments>;
  evaluate: Request<P.EvaluateResponse, P.EvaluateArguments>;
  completions: Request<P.CompletionsResponse, P.CompletionsArguments>;
  readMemory: Request<P.ReadMemoryResponse, P.ReadMemoryArguments>;
  exceptionInfo: Request<P.ExceptionInfoResponse, P.ExceptionInfoArguments>;
  source: Request<P.SourceResponse, P.SourceArguments>;
  loadedSources: Request<P.LoadedSourcesResponse, P.LoadedSourcesArguments | undefined>;
}

type CustomRequests = { [Name in keyof ShadowMmuRequests]: [ShadowMmuRequests[Name]['args'], ShadowMmuRequests[Name]['body']] };

export type AllRequests = DapRequests & CustomRequests;
export type Command = keyof AllRequests;

/** What a handler may do beside answering. */
export interface Call {
  /** set when the client cancels the request */
  readonly signal: AbortSignal;
  /** runs once the response is on its way: the place for events that must not overtake it */
  afterResponse(action: () => void): void;
}

export type Handler<C extends Command> = (args: AllRequests[C][0], call: Call) => AllRequests[C][1] | Promise<AllRequests[C][1]>;
export type Handlers = { [C in Command]?: Handler<C> };
