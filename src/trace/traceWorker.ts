import { parentPort } from 'node:worker_threads';
import { TraceError } from './errors.js';
import { readTrace } from './read.js';
import { task } from './workers.js';
import type { WorkerMessage } from './open.js';

/** The thread that reads a trace for {@link openTrace}: bytes in, batches out. */
const port = parentPort;
if (!port) throw new Error('this file is started as a worker by open.ts');

const post = (message: WorkerMessage): void => port.postMessage(message);

try {
  await readTrace(await task<string>(port), { batch: (batch) => post({ batch }) });
  post({ done: true });
} catch (error) {
  if (error instanceof TraceError) post({ error: error.plain });
  else post({ bug: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}
