import { parentPort, workerData } from 'node:worker_threads';
import type { ReplayRequest } from './replayMessages.js';
import { ReplayRun } from './replayRun.js';

/** The thread that replays a trace for `replayThread.ts`, beside the one that reads it. */
if (!parentPort) throw new Error('this file is started as a worker by replayThread.ts');
await new ReplayRun(parentPort, workerData as ReplayRequest).run();
