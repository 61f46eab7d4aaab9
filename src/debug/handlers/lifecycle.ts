import { CAPABILITIES } from '../wire/capabilities.js';
import type { LaunchArguments, Handlers } from '../wire/requests.js';
import type { Client } from '../wire/client.js';
import type { Router } from '../wire/router.js';

/** What the handlers of a session's beginning and end need of it. */
export interface Lifecycle {
  readonly client: Client;
  readonly router: Router;
  launch(args: LaunchArguments, signal: AbortSignal): Promise<void>;
  /** the client has sent its breakpoints: the first run may begin */
  configured(): void;
  restart(args: LaunchArguments | undefined): Promise<void>;
  cancelProgress(id: string): void;
  /** lets go of the trace */
  close(): void;
  /** ends the connection */
  end(): void;
}

export function lifecycleHandlers(session: Lifecycle): Handlers {
  return {
    initialize: (about, call) => {
      session.client.introduce(about);
      // Breakpoints may come at once: they are tied to events when a trace is open.
      call.afterResponse(() => session.client.event('initialized'));
      return CAPABILITIES;
    },
    launch: (args, { signal }) => session.launch(args, signal),
    configurationDone: (_, call) => call.afterResponse(() => session.configured()),
    restart: (args) => session.restart(args?.arguments),
    cancel: (args) => {
      if (args?.requestId !== undefined) session.router.cancel(args.requestId);
      if (args?.progressId !== undefined) session.cancelProgress(args.progressId);
    },
    terminate: (_, call) => {
      session.close();
      call.afterResponse(() => session.client.event('terminated'));
    },
    disconnect: (_, call) => {
      session.close();
      call.afterResponse(() => session.end());
    },
  };
}
