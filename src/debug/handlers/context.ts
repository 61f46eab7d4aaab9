import type { Debuggee } from '../debuggee.js';
import type { Breakpoints } from '../stops/breakpoints.js';
import type { Client } from '../wire/client.js';

/** What the handlers of requests share. */
export interface SessionContext {
  readonly client: Client;
  readonly breakpoints: Breakpoints;
  /** the trace that is being debugged; throws an error for the user when there is none */
  readonly debuggee: Debuggee;
  /** resolves when a trace that is being opened is open, or is known not to open; at once when there is none */
  opened(): Promise<void>;
  /** resolves when breakpoints are tied to their events, or it takes too long */
  bound(group: { readonly waiting: boolean }): Promise<void>;
}
