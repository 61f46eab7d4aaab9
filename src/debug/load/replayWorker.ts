import { parentPort } from 'node:worker_threads';
import { prepareReader } from '../../trace/open.js';
import { task } from '../../trace/workers.js';
import type { ReplayRequest } from './replayMessages.js';
import { ReplayRun } from './replayRun.js';

/** The thread that replays a trace for `replayThread.ts`, beside the one that reads it. */
if (!parentPort) throw new Error('this file is started as a worker by replayThread.ts');
prepareReader();
await new ReplayRun(parentPort, await task<ReplayRequest>(parentPort)).run();
