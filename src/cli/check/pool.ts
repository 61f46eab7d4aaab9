import { statSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { Worker, parentPort } from 'node:worker_threads';
import { TraceError, type TraceErrorCode } from '../../trace/errors.js';
import { UsageError, type Options } from '../command.js';
import { checkFile, type Checked } from './checkFile.js';

/** Why a file could not be checked. */
export interface Failure {
  readonly message: string;
  /** what is wrong with the file; undefined for anything else */
  readonly code?: TraceErrorCode;
}

export type Answer = { readonly checked: Checked } | { readonly failure: Failure };

interface Question {
  readonly file: string;
  readonly options: Options;
}

export interface PoolOptions {
  /** the program that answers in its threads */
  readonly program?: URL;
  readonly threads?: number;
}

/** Bytes of memory that a byte of a packed trace may need at most, from experience. */
const EXPANSION = 100;

/**
 * Checks files in threads, each in one from reading to report. The largest begin, so that none is left alone at the end; no more of them
 * run at a time than half of the memory is likely to hold.
 *
 * @param done gets each answer, in any order
 */
export async function checkInThreads(
  files: readonly string[],
  options: Options,
  done: (index: number, answer: Answer) => void,
  { program = new URL(import.meta.url), threads = availableParallelism() }: PoolOptions = {},
): Promise<void> {
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const waiting = [...files.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const budget = memory() / 2 / EXPANSION;
  let running = 0;
  let inUse = 0;
  /** The largest that fits beside those that run; any if none does. */
  const take = (): number | undefined => {
    const at = running === 0 ? 0 : waiting.findIndex((index) => inUse + sizes[index]! <= budget);
    return at < 0 ? undefined : waiting.splice(at, 1)[0];
  };
  const idle: (() => void)[] = [];
  const lane = async (): Promise<void> => {
    let thread: Thread | undefined;
    while (waiting.length > 0) {
      const index = take();
      if (index === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      running++;
      inUse += sizes[index]!;
      if (!thread?.isAlive) thread = new Thread(program);
      const answer = await thread.ask({ file: files[index]!, options });
      running--;
      inUse -= sizes[index]!;
      done(index, answer);
      for (const wake of idle.splice(0)) wake();
    }
    await thread?.end();
  };
  await Promise.all(Array.from({ length: Math.min(threads, files.length) }, lane));
}

/** A thread that checks one file after the other. */
class Thread {
  isAlive = true;
  private readonly worker: Worker;
  private settle: ((answer: Answer) => void) | undefined;
  private file = '';

  constructor(program: URL) {
    this.worker = new Worker(program);
    this.worker.on('message', (answer: Answer) => this.settle?.(answer));
    this.worker.on('error', (error) => this.died(error.message));
    this.worker.on('exit', () => this.died('its thread ended'));
  }

  ask(question: Question): Promise<Answer> {
    this.file = question.file;
    this.worker.postMessage(question);
    return new Promise((resolve) => (this.settle = resolve));
  }

  async end(): Promise<void> {
    this.settle = undefined;
    await this.worker.terminate();
  }

  private died(why: string): void {
    this.isAlive = false;
    this.settle?.(brokenOff(this.file, why));
    this.settle = undefined;
  }
}

/** The other side: answers, in a thread, until it is ended. */
export function answerInThread(): void {
  const port = parentPort!;
  port.on('message', ({ file, options }: Question) => {
    checkFile(file, options, true).then(
      (checked) => port.postMessage({ checked } satisfies Answer),
      (error: unknown) => port.postMessage(failed(file, error)),
    );
  });
}

function failed(file: string, error: unknown): Answer {
  if (error instanceof TraceError) return { failure: { message: error.message, code: error.code } };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UsageError) return { failure: { message: message.includes(file) ? message : `${file}: ${message}` } };
  return brokenOff(file, message);
}

function brokenOff(file: string, why: string): Answer {
  return { failure: { message: `${file}: the check broke off (${why.split('\n')[0]!}); check it alone to see more` } };
}

/** Bytes that this process may have. */
function memory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
