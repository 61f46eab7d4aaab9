import { BatchBuilder, type Batch } from './batch.js';
import { concat } from './bytes.js';
import { TraceError, traceErrors } from './errors.js';
import { FtraceReader } from './ftrace/reader.js';
import { readDat } from './dat/reader.js';
import { formatOf, SNIFF_BYTES } from './sniff.js';
import { CHUNK_BYTES, FileSource, MemorySource } from './source.js';
import { unpacked } from './unpack.js';

/** What {@link readTrace} hands over along the way. */
export interface TraceSink {
  /** May answer with a promise to be waited for, so that the thread can do something else. */
  batch(batch: Batch): void | Promise<void>;
}

/**
 * Reads a whole file, whatever it is, and hands over its events batch by batch; the first batch comes early and may be empty.
 * @throws TraceError when nothing of the file can be read
 */
export async function readTrace(file: string, sink: TraceSink): Promise<void> {
  const source = new FileSource(file);
  try {
    if (source.size === 0) throw traceErrors.empty(file);
    const stream = unpacked(source, file);
    const head: Uint8Array[] = [];
    let length = 0;
    while (length < SNIFF_BYTES) {
      const next = await stream.next();
      if (!next) break;
      head.push(next);
      length += next.length;
    }
    if (length === 0 && stream.failure) throw traceErrors.compression(file, stream.failure.what, stream.failure.offset);
    const beginning = concat(head);
    const format = formatOf(beginning, file);
    if (format instanceof TraceError) throw format;
    if (format === 'trace-dat') {
      if (!stream.compressed) return await readDat(source, file, false, sink);
      // The parts of a trace.dat lie anywhere in it: unpack it all first.
      const parts = [beginning];
      for (let next = await stream.next(); next; next = await stream.next()) parts.push(next);
      return await readDat(new MemorySource(concat(parts)), file, true, sink, stream.failure);
    }
    const builder = new BatchBuilder();
    const ready: Batch[] = [];
    const emit = (): void => {
      ready.push(builder.take(reader.info(), stream.bytesRead));
    };
    const reader = new FtraceReader(builder, emit, file, stream.compressed);
    const flush = async (): Promise<void> => {
      for (const batch of ready.splice(0)) await sink.batch(batch);
    };
    for (let at = 0; at < beginning.length; at += CHUNK_BYTES) {
      reader.push(beginning.subarray(at, at + CHUNK_BYTES));
      await flush();
    }
    for (let chunk = await stream.next(); chunk; chunk = await stream.next()) {
      reader.push(chunk);
      await flush();
    }
    const { failure } = stream;
    if (failure) reader.notes.damage('unpack', { offset: failure.offset }, () => failure.what);
    reader.end();
    emit();
    await flush();
  } finally {
    source.close();
  }
}
