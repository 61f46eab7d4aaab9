import { BatchBuilder, type Batch } from './batch.js';
import { concat } from './bytes.js';
import { readDat } from './dat/reader.js';
import { TraceError, traceErrors } from './errors.js';
import { FtraceReader } from './ftrace/reader.js';
import { PerfReader } from './perf/reader.js';
import { ReportReader } from './report/reader.js';
import { formatOf, SNIFF_BYTES } from './sniff.js';
import { CHUNK_BYTES, FileSource, MemorySource, type ByteSource } from './source.js';
import { unpacked, type ByteStream } from './unpack.js';
import type { TextReader } from './textReader.js';

/** What {@link readTrace} hands batches to. It may answer with a promise to be waited for, so that its thread can do something else. */
export interface TraceSink {
  batch(batch: Batch): void | Promise<void>;
}

/**
 * Reads a whole file, whatever it is, and hands over its events batch by batch. The last batch may be empty; there is always one.
 * @throws TraceError when nothing of the file can be read
 */
export async function readTrace(file: string, sink: TraceSink): Promise<void> {
  const source = new FileSource(file);
  try {
    if (source.size === 0) throw traceErrors.empty(file);
    const stream = await unpacked(source);
    try {
      await readStream(file, source, stream, sink);
    } finally {
      stream.close();
    }
  } finally {
    source.close();
  }
}

async function readStream(file: string, source: ByteSource, stream: ByteStream, sink: TraceSink): Promise<void> {
  const head: Uint8Array[] = [];
  for (let length = 0; length < SNIFF_BYTES;) {
    const next = await stream.next();
    if (!next) break;
    head.push(next);
    length += next.length;
  }
  const beginning = concat(head);
  if (beginning.length === 0 && stream.failure) throw traceErrors.compression(file, stream.failure.what, stream.failure.offset);
  const format = formatOf(beginning, file);
  if (format instanceof TraceError) throw format;
  if (format !== 'trace-dat') return await readText(format, file, stream.compressed, stream, [beginning], sink);

  // The parts of a trace.dat lie anywhere in it: a packed one is unpacked as a whole.
  const parts = [beginning];
  if (stream.compressed) for (let next = await stream.next(); next; next = await stream.next()) parts.push(next);
  const bytes = stream.compressed ? new MemorySource(concat(parts)) : source;
  const { compressed, failure } = stream;
  const { batches, latencyAt } = await readDat({ source: bytes, file, compressed, fileSize: source.size, failure });
  if (latencyAt !== undefined) return await readText('ftrace-text', file, stream.compressed, new Rest(bytes, latencyAt), [], sink);
  for (const batch of batches) await sink.batch(batch);
}

/** What a text is read from. */
type Chunks = Pick<ByteStream, 'next' | 'bytesRead' | 'failure'>;

const READERS = { 'ftrace-text': FtraceReader, 'trace-cmd-report': ReportReader, 'perf-script': PerfReader } as const;
type TextFormat = keyof typeof READERS;

async function readText(
  format: TextFormat,
  file: string,
  compressed: boolean,
  chunks: Chunks,
  first: readonly Uint8Array[],
  sink: TraceSink,
): Promise<void> {
  const builder = new BatchBuilder();
  const ready: Batch[] = [];
  const emit = (): void => void ready.push(builder.take(reader.info(), chunks.bytesRead));
  const reader: TextReader = new READERS[format](builder, emit, file, compressed);
  const push = async (chunk: Uint8Array): Promise<void> => {
    reader.push(chunk);
    for (const batch of ready.splice(0)) await sink.batch(batch);
  };
  for (const chunk of first) for (let at = 0; at < chunk.length; at += CHUNK_BYTES) await push(chunk.subarray(at, at + CHUNK_BYTES));
  for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) await push(chunk);
  const { failure } = chunks;
  if (failure) reader.notes.damage('unpack', { offset: failure.offset }, () => failure.what);
  reader.end();
  emit();
  for (const batch of ready.splice(0)) await sink.batch(batch);
}

/** A source from some place to its end, in chunks. */
class Rest implements Chunks {
  readonly failure = undefined;
  bytesRead = 0;
  readonly #source: ByteSource;
  readonly #from: number;

  constructor(source: ByteSource, from: number) {
    this.#source = source;
    this.#from = from;
  }

  next(): Promise<Uint8Array | undefined> {
    const chunk = this.#source.read(this.#from + this.bytesRead, CHUNK_BYTES);
    this.bytesRead += chunk.length;
    return Promise.resolve(chunk.length > 0 ? chunk : undefined);
  }
}
