import type { Replay } from './replay.js';

const MB = 2 ** 20;

/** How many events are replayed between two looks at the memory that they take. */
const CHUNK = 4096;

/**
 * How much memory an open trace may take, by the bytes of what it is kept in: a trace that would take more is loaded up to there, instead
 * of to the end of the machine's memory.
 */
export class MemoryLimit {
  /** {@link advance} came to it */
  isReached = false;

  constructor(readonly megabytes: number) {}

  isPassed(bytes: number): boolean {
    return bytes > this.megabytes * MB;
  }

  /** Replays up to `end` events, as far as there is memory for them and for those that are read already. */
  advance(replay: Replay, end: number): void {
    while (!this.isReached && replay.replayed < end) {
      replay.advance(Math.min(CHUNK, end - replay.replayed));
      this.isReached = this.isPassed(replay.byteLength);
    }
    this.isReached ||= this.isPassed(replay.byteLength);
  }

  /** What a user is told. `raise`: how to allow more */
  text(events: number, raise: string): string {
    return (
      `the memory limit of ${this.megabytes.toLocaleString('en-US')} MB is reached: the first ${events.toLocaleString('en-US')} events are loaded. ` +
      `${raise}, record less (fewer events, a filter, a shorter time), or cut the trace with \`trace-cmd split\``
    );
  }
}
