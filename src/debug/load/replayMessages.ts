import type { EventIndex } from '../../engine/ids.js';
import type { Delta } from '../../replay/mirror/delta.js';
import type { Rules } from '../../replay/rules.js';
import type { Batch } from '../../trace/batch.js';
import type { PlainTraceError } from '../../trace/errors.js';

/** What a thread is to replay. */
export interface ReplayRequest {
  readonly path: string;
  readonly rules: Rules;
  readonly invariants: boolean;
  /** megabytes that all of it may take */
  readonly memoryLimit: number;
}

/** What the thread is told while it does. */
export type ToReplay =
  /** the last report has come: there may be another */
  | { readonly seen: true }
  /** check the invariants from here on, or no longer */
  | { readonly watch: boolean }
  | { readonly stop: true };

/** What has been read and replayed since the last report. */
export interface Report {
  readonly batches: readonly Batch[];
  readonly delta: Delta;
  /** the first event after which the invariants were checked; absent while they are not. Counts only where `watched` is up to date */
  readonly invariantsSince?: EventIndex;
  /** how often it was told whether to check them */
  readonly watched: number;
  /** the file has been read to its end, or as far as it can be */
  readonly readDone: boolean;
  /** the last report: all has been replayed, or nothing more can be */
  readonly end?: ReplayEnd;
}

export interface ReplayEnd {
  /** what stopped the reader; absent where it came to the end of the file */
  readonly unread?: string;
  /** what stopped the replay before the end of what was read */
  readonly failure?: string;
  /** the memory limit did */
  readonly full?: true;
}

/** What the thread says. */
export type FromReplay =
  | { readonly report: Report }
  /** nothing of the file can be read */
  | { readonly error: PlainTraceError };
