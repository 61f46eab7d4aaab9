import type { Debuggee } from '../debuggee.js';
import type { Breakpoints } from '../stops/breakpoints.js';
import type { Client } from '../wire/client.js';

/** What the handlers of requests share. */
export interface SessionContext {
  readonly client: Client;
  readonly breakpoints: Breakpoints;
  /** the trace that is being debugged; throws an error for the user when there is none */
  readonly debuggee: Debuggee;
}
