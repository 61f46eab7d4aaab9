import { messageOf } from '../wire/errors.js';
import type { Recording } from './recording.js';

/** Longest stretch of replaying, in milliseconds, before waiting requests get their turn. */
const SLICE = 5;
/** Events between two looks at the clock. */
const CHUNK = 256;

/** Keeps the replay up with the reader, a few milliseconds at a time. */
export class Loader {
  private readonly waiting: (() => void)[] = [];
  /** the file has been read to its end */
  readDone = false;
  private scheduled = false;
  private stopped = false;
  /** why reading ended early; undefined when it did not */
  failure: string | undefined;

  /** called when more events can be visited, and once at the end */
  onGrown: (() => void) | undefined;

  constructor(private readonly recording: Recording) {
    recording.open.done.then(
      () => this.readEnded(),
      (error: unknown) => {
        this.failure = messageOf(error);
        this.readEnded();
      },
    );
    this.schedule();
  }

  /** Everything that will ever be read has been replayed. */
  get complete(): boolean {
    return this.stopped || (this.readDone && this.recording.end >= this.recording.table.length);
  }

  /** The user cancelled the load: what has been replayed stays. */
  get cut(): boolean {
    return this.stopped && !(this.readDone && this.recording.end >= this.recording.table.length);
  }

  /** The reader has delivered a batch. */
  batch(): void {
    this.schedule();
  }

  /** Resolves when more events can be visited, or the load is complete. */
  grown(): Promise<void> {
    return this.complete ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Stops here. What has been replayed can be debugged. */
  cancel(): void {
    if (this.complete) return;
    this.stopped = true;
    this.recording.open.close();
    this.announce();
  }

  private readEnded(): void {
    this.readDone = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.stopped) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.slice();
    });
  }

  private slice(): void {
    if (this.stopped) return;
    const { recording } = this;
    const until = performance.now() + SLICE;
    try {
      while (recording.advance(CHUNK) > 0 && performance.now() < until);
    } catch (error) {
      // A bug of the engine: what came before this event can be debugged all the same.
      this.failure = `the replay failed at event ${recording.end}: ${messageOf(error)}`;
      return this.cancel();
    }
    if (recording.end < recording.table.length) this.schedule();
    this.announce();
  }

  private announce(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
    this.onGrown?.();
  }
}
