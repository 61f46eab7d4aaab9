import { Replay, type ReplayOptions } from '../replay/replay.js';
import type { MemoryLimit } from '../replay/memoryLimit.js';
import { openTrace, type OpenTrace } from '../trace/open.js';

/** How far a file has been read and its events replayed. */
export interface Progressing {
  readonly bytesRead: number;
  readonly bytesTotal: number;
  readonly replayed: number;
}

/** What is wanted of {@link readAndReplay}. */
export interface Wanted extends ReplayOptions {
  /** only so many events are replayed; all of the file is read, for what is damaged or lost in it */
  readonly until?: number | undefined;
  /** read in this thread */
  readonly inline?: boolean | undefined;
  /** where it is passed, what is there by then is all */
  readonly limit?: MemoryLimit | undefined;
  readonly onProgress?: ((progress: Progressing) => void) | undefined;
}

/** Reads a trace and replays it meanwhile: the reader is a thread ahead. @throws TraceError when nothing of it can be read */
export async function readAndReplay(
  file: string,
  { until = Infinity, inline = false, limit, onProgress, ...rules }: Wanted,
): Promise<Replay> {
  let bug: unknown;
  const proceed = (trace: OpenTrace, replay: Replay): void => {
    if (bug !== undefined || limit?.isReached) return;
    try {
      if (limit) limit.advance(replay, Math.min(until, trace.table.length));
      else replay.advance(until - replay.replayed);
      if (limit?.isReached) trace.close();
    } catch (error) {
      bug = error;
      trace.close();
    }
    onProgress?.({ bytesRead: trace.bytesRead, bytesTotal: trace.bytesTotal, replayed: replay.replayed });
  };
  const reading: { onBatch?: () => void } = {};
  const trace = await openTrace(file, { inline, onBatch: () => reading.onBatch?.() });
  const replay = new Replay(trace.table, rules);
  reading.onBatch = () => proceed(trace, replay);
  reading.onBatch();
  await trace.done.catch((error: unknown) => {
    if (limit?.isReached) return;
    throw bug ?? error;
  });
  return replay;
}
