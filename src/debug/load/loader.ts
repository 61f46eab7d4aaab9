import { nothingYet, sizeOf, TraceError } from '../../trace/open.js';
import { EventTable } from '../../trace/table.js';
import { MemoryLimit } from '../../replay/memoryLimit.js';
import { Mirror } from '../../replay/mirror/mirror.js';
import { Replay } from '../../replay/replay.js';
import type { EventIndex } from '../../engine/ids.js';
import { Recording } from './recording.js';
import type { FromReplay, ReplayEnd, ReplayRequest, Report } from './replayMessages.js';
import { startReplay, type ReplayThread } from './replayThread.js';

const RAISE = 'Raise the setting shadowMmu.memoryLimit, or "memoryLimit" in the launch configuration';

/** Why nothing more will be loaded. */
export type LoadEnd =
  /** all of the file that can be read is replayed */
  | { readonly why: 'complete' }
  | { readonly why: 'cancelled' }
  /** nothing of the file can be read */
  | { readonly why: 'unreadable'; readonly error: TraceError }
  /** it takes more memory than it may */
  | { readonly why: 'full'; readonly message: string }
  /** a bug stopped the replay */
  | { readonly why: 'failed'; readonly message: string };

/** How far loading is, for whoever wants more of a recording than there is yet. */
export interface Loader {
  /** why nothing more will come; undefined while it may */
  readonly end: LoadEnd | undefined;
  /** everything that will ever be read has been replayed */
  readonly complete: boolean;
  /** there is more in the file than was loaded */
  readonly cut: boolean;
  /** the file has been read to its end */
  readonly readDone: boolean;
  /** why reading ended early; undefined when it did not */
  readonly unread: string | undefined;
  /** of the file, used so far */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** called when more events can be visited, and once at the end */
  onGrown: (() => void) | undefined;
  /** Resolves when more events can be visited, or the load is complete. */
  grown(): Promise<void>;
  /** Stops here. What has been replayed can be debugged. */
  cancel(): void;
}

/** Why not all of a file was loaded. */
export function cutText({ end }: Loader): string {
  if (end?.why === 'failed' || end?.why === 'full') return `Loading ended early: ${end.message}`;
  return end?.why === 'unreadable' ? `Loading ended early: ${end.error.message}` : 'Loading was cancelled';
}

/** What is there at once. */
export function loaded(): Loader {
  const end: LoadEnd = { why: 'complete' };
  return {
    ...{ end, complete: true, cut: false, readDone: true, unread: undefined, bytesRead: 0, bytesTotal: 0, onGrown: undefined },
    grown: () => Promise.resolve(),
    cancel: () => undefined,
  };
}

/** Follows what another thread reads and replays. */
export class TraceLoader implements Loader {
  readonly recording: Recording;
  readonly bytesTotal: number;
  private readonly table: EventTable;
  private readonly history: Mirror;
  private readonly thread: ReplayThread;
  private readonly waiting: (() => void)[] = [];
  private readonly limit: MemoryLimit;
  /** whether the other thread is to check the invariants, and how often it was told so */
  private watching: boolean;
  private watches = 0;
  bytesRead = 0;
  readDone = false;
  unread: string | undefined;
  end: LoadEnd | undefined;
  onGrown: (() => void) | undefined;

  /** @param vm which VM is to be debugged */
  constructor(request: ReplayRequest, vm: number | undefined) {
    this.watching = request.invariants;
    this.limit = new MemoryLimit(request.memoryLimit);
    this.table = new EventTable(nothingYet(request.path));
    this.bytesTotal = sizeOf(request.path);
    this.history = new Mirror(this.table, request.rules, (on) => this.watch(on));
    this.recording = new Recording(request.path, this.table, new Replay(this.table, {}, this.history), vm);
    this.thread = startReplay(request, {
      told: (message) => this.told(message),
      died: (why) => this.over({ why: 'failed', message: `the replay stopped: ${why}` }),
    });
  }

  get complete(): boolean {
    return this.end !== undefined;
  }

  get cut(): boolean {
    return this.end !== undefined && this.end.why !== 'complete';
  }

  grown(): Promise<void> {
    return this.complete ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  cancel(): void {
    this.over({ why: 'cancelled' });
  }

  private told(message: FromReplay): void {
    if (this.end) return;
    if ('error' in message) this.over({ why: 'unreadable', error: TraceError.revive(message.error) });
    else this.reported(message.report);
  }

  private reported({ batches, delta, watched, invariantsSince, readDone, end }: Report): void {
    for (const batch of batches) this.table.append(batch);
    this.bytesRead = batches.at(-1)?.bytesRead ?? this.bytesRead;
    this.readDone = readDone;
    this.history.apply(delta);
    if (watched === this.watches) this.history.invariantsSince = invariantsSince;
    this.recording.follow();
    if (end) {
      this.unread = end.unread;
      this.over(this.endOf(end));
    } else {
      this.thread.tell({ seen: true });
      this.announce();
    }
  }

  private endOf({ full, failure }: ReplayEnd): LoadEnd {
    if (full) return { why: 'full', message: this.limit.text(this.recording.end, RAISE) };
    return failure === undefined ? { why: 'complete' } : { why: 'failed', message: failure };
  }

  /** The other thread is somewhere ahead: it says where it began. */
  private watch(on: boolean): void {
    if (on === this.watching) return;
    this.watching = on;
    this.history.invariantsSince = on && this.end ? (this.history.replayed as EventIndex) : undefined;
    if (this.end) return;
    this.watches++;
    this.thread.tell({ watch: on });
  }

  private over(end: LoadEnd): void {
    if (this.end) return;
    this.end = end;
    this.thread.close();
    this.announce();
  }

  private announce(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
    this.onGrown?.();
  }
}
