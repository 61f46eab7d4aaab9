import { parentPort } from 'node:worker_threads';
import { EventTable } from '../../src/trace/table.js';
import { dump } from './files.js';
import type { Batch } from '../../src/trace/batch.js';

/** A thread with a table of its own: takes batches, and answers `dump` with all that the table says. */
let table: EventTable | undefined;
parentPort?.on('message', (message: Batch | 'dump') => {
  if (message === 'dump') {
    parentPort?.postMessage(table && dump(table));
    return;
  }
  table ??= new EventTable(message.info);
  table.append(message);
});
