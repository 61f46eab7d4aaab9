import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, type MessagePort } from 'node:worker_threads';

/**
 * Threads of one program, each of which is told by its first message what to do. One can be made ready before there is anything to do:
 * loading the program is most of what a thread needs until its first answer.
 */
export class Workers {
  #ready: Worker | undefined;
  readonly #program: URL;

  constructor(program: URL) {
    this.#program = program;
  }

  /** Whether the program is there; it is not where sources run without having been bundled. */
  get exist(): boolean {
    return existsSync(fileURLToPath(this.#program));
  }

  /** Has a thread wait for its task. It keeps no process alive. */
  prepare(): void {
    if (this.#ready || !this.exist) return;
    const worker = new Worker(this.#program);
    worker.unref();
    // One that could not start is not waited for; the one that is started in its place says why.
    worker.on('exit', this.#forget).on('error', this.#forget);
    this.#ready = worker;
  }

  /** A thread that begins with a task. */
  start(task: unknown): Worker {
    const worker = this.#ready ?? new Worker(this.#program);
    worker.off('exit', this.#forget).off('error', this.#forget);
    this.#ready = undefined;
    worker.ref();
    worker.postMessage(task);
    return worker;
  }

  readonly #forget = (): void => {
    this.#ready = undefined;
  };
}

/** What a thread is told to do. */
export function task<T>(port: MessagePort): Promise<T> {
  return new Promise((resolve) => port.once('message', resolve));
}
