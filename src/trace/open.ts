import { statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { LAYOUT_5_17 } from '../engine/roleLayout.js';
import { EventTable } from './table.js';
import { TraceError, traceErrors, type PlainTraceError } from './errors.js';
import { readTrace } from './read.js';
import { Workers } from './workers.js';
import type { Batch } from './batch.js';
import type { TraceInfo } from './info.js';

export { TraceError } from './errors.js';

/** A trace that is being read, or has been. */
export interface OpenTrace {
  /** grows while reading goes on */
  readonly table: EventTable;
  /** resolves when all was read; rejects with what stopped the reading: an error of the file, {@link close}, the signal's reason */
  readonly done: Promise<void>;
  /** bytes of the file used so far */
  readonly bytesRead: number;
  readonly bytesTotal: number;
  /** Stops reading and lets go of the file. What was read stays. */
  close(): void;
}

export interface OpenOptions {
  /** called after every batch; the table has grown by it */
  readonly onBatch?: (table: EventTable, batch: Batch) => void;
  readonly signal?: AbortSignal;
  /** read in this thread; so it is also where there is no worker file */
  readonly inline?: boolean;
}

/** What the worker posts. */
export type WorkerMessage =
  { readonly batch: Batch } | { readonly error: PlainTraceError } | { readonly bug: string } | { readonly done: true };

const READERS = new Workers(new URL('./traceWorker.js', import.meta.url));

/** Soon a trace will be opened. */
export function prepareReader(): void {
  READERS.prepare();
}

/**
 * Opens a trace. Resolves with the first events (or when it is clear that there are none); the rest follows in batches.
 * @throws TraceError when nothing of the file can be read
 */
export async function openTrace(path: string, options: OpenOptions = {}): Promise<OpenTrace> {
  const reading = new Reading(path, options);
  const inline = options.inline ?? !READERS.exist;
  if (inline) reading.runHere();
  else reading.runInWorker();
  await reading.started;
  return reading;
}

class Reading implements OpenTrace {
  readonly table: EventTable;
  readonly done: Promise<void>;
  readonly started: Promise<void>;
  readonly bytesTotal: number;
  bytesRead = 0;
  readonly #path: string;
  readonly #onBatch: OpenOptions['onBatch'];
  #start!: () => void;
  #finish!: () => void;
  #fail!: (reason: Error) => void;
  #ended = false;
  #worker: Worker | undefined;

  constructor(path: string, { onBatch, signal }: OpenOptions) {
    this.#path = path;
    this.#onBatch = onBatch;
    this.table = new EventTable(nothingYet(path));
    this.bytesTotal = sizeOf(path);
    let failStart: (reason: Error) => void;
    this.started = new Promise((resolve, reject) => {
      this.#start = resolve;
      failStart = reject;
    });
    this.done = new Promise((resolve, reject: (reason: Error) => void) => {
      this.#finish = () => {
        this.#start();
        resolve();
      };
      this.#fail = (reason) => {
        failStart(reason);
        reject(reason);
      };
    });
    // Nobody need wait for the end: an abort is then no unhandled rejection.
    this.done.catch(() => {});
    const abort = (): void => this.#end(() => this.#fail(errorOf(signal?.reason)));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  }

  close(): void {
    this.#end(() => this.#fail(new Error('the trace was closed while it was being read')));
  }

  runHere(): void {
    const sink = {
      batch: async (batch: Batch): Promise<void> => {
        // Let others have the thread between batches, and see whether they still want this.
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (this.#ended) throw new Stopped();
        this.#take(batch);
      },
    };
    readTrace(this.#path, sink).then(
      () => this.#end(() => this.#finish()),
      (error: unknown) => this.#end(() => this.#fail(errorOf(error))),
    );
  }

  runInWorker(): void {
    if (this.#ended) return;
    const worker = READERS.start(this.#path);
    this.#worker = worker;
    worker.on('message', (message: WorkerMessage) => {
      if ('batch' in message) this.#take(message.batch);
      else if ('error' in message) this.#end(() => this.#fail(TraceError.revive(message.error)));
      else if ('bug' in message) this.#end(() => this.#fail(new Error(message.bug)));
      else this.#end(() => this.#finish());
    });
    worker.on('error', (error) => this.#end(() => this.#fail(error)));
    worker.on('exit', () => this.#end(() => this.#fail(traceErrors.unreadable(this.#path, 'the reader stopped'))));
  }

  #take(batch: Batch): void {
    if (this.#ended) return;
    this.table.append(batch);
    this.bytesRead = batch.bytesRead;
    this.#onBatch?.(this.table, batch);
    this.#start();
  }

  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    settle();
    void this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** For progress only; what is wrong with the file the reader says. */
export function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** Thrown through the reader to stop it. */
class Stopped extends Error {}

/** What is known of a trace of which nothing has been read. */
export function nothingYet(file: string): TraceInfo {
  return {
    file,
    format: 'ftrace-text',
    compressed: false,
    kernel: { text: '', from: '', to: '' },
    layout: LAYOUT_5_17,
    roles: 'printed',
    accessLetters: 3,
    lost: 0,
    notes: [],
    damaged: false,
  };
}
