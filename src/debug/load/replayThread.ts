import { MessageChannel } from 'node:worker_threads';
import { Workers } from '../../trace/workers.js';
import { messageOf } from '../wire/errors.js';
import type { FromReplay, ReplayRequest, ToReplay } from './replayMessages.js';
import { ReplayRun } from './replayRun.js';

const REPLAYS = new Workers(new URL('./replayWorker.js', import.meta.url));

/** Soon a trace will be debugged. */
export function prepareReplay(): void {
  REPLAYS.prepare();
}

/** Who listens to a thread that replays. */
export interface ReplayListener {
  told(message: FromReplay): void;
  /** the thread is gone before it said that it was ready */
  died(why: string): void;
}

/** A thread that replays a trace. */
export interface ReplayThread {
  tell(message: ToReplay): void;
  /** Ends it where it is. It says nothing more. */
  close(): void;
}

/** Starts to replay, in a thread of its own; in this one where there is no file for it. Nobody waits for it to end. */
export function startReplay(request: ReplayRequest, listener: ReplayListener): ReplayThread {
  return REPLAYS.exist ? inWorker(request, listener) : here(request, listener);
}

function inWorker(request: ReplayRequest, listener: ReplayListener): ReplayThread {
  const worker = REPLAYS.start(request);
  let open = true;
  const died = (why: string): void => {
    if (open) listener.died(why);
    open = false;
  };
  worker.on('message', (message: FromReplay) => open && listener.told(message));
  worker.on('error', (error) => died(messageOf(error)));
  worker.on('exit', () => died('its thread ended'));
  worker.unref();
  return {
    tell: (message) => worker.postMessage(message),
    close: () => {
      open = false;
      void worker.terminate();
    },
  };
}

function here(request: ReplayRequest, listener: ReplayListener): ReplayThread {
  const { port1, port2 } = new MessageChannel();
  let open = true;
  port1.on('message', (message: FromReplay) => open && listener.told(message));
  new ReplayRun(port2, request).run().catch((error: unknown) => open && listener.died(messageOf(error)));
  return {
    tell: (message) => port1.postMessage(message),
    close: () => {
      open = false;
      port1.postMessage({ stop: true } satisfies ToReplay);
    },
  };
}
