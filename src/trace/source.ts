import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { traceErrors, TraceError } from './errors.js';

/** Bytes read at a time: large enough for speed, small enough that the first events come at once. */
export const CHUNK_BYTES = 1 << 18;

/** Bytes that can be read anywhere. */
export interface ByteSource {
  readonly size: number;
  /** Up to `length` bytes from `offset`; fewer at the end. The result may be overwritten by the next call. */
  read(offset: number, length: number): Uint8Array;
}

/** A file, read in pieces. */
export class FileSource implements ByteSource {
  readonly size: number;
  readonly #file: string;
  readonly #descriptor: number;

  /** @throws TraceError when there is no such file, or it is none that can be read */
  constructor(file: string) {
    this.#file = file;
    try {
      // Opening a FIFO would wait for a writer for ever: look before.
      const stat = statSync(file);
      if (stat.isDirectory()) throw traceErrors.directory(file);
      if (!stat.isFile()) throw traceErrors.special(file);
      this.#descriptor = openSync(file, 'r');
      this.size = fstatSync(this.#descriptor).size;
    } catch (error) {
      throw asTraceError(error, file);
    }
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    let got = 0;
    try {
      while (got < bytes.length) {
        const count = readSync(this.#descriptor, bytes, got, bytes.length - got, offset + got);
        if (count === 0) break;
        got += count;
      }
    } catch (error) {
      throw asTraceError(error, this.#file);
    }
    return got === bytes.length ? bytes : bytes.subarray(0, got);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Bytes in memory: what came out of a compressed file. */
export class MemorySource implements ByteSource {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.subarray(Math.min(offset, this.size), Math.min(offset + length, this.size));
  }
}

function asTraceError(error: unknown, file: string): TraceError {
  if (error instanceof TraceError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return traceErrors.missing(file);
  if (code === 'EACCES' || code === 'EPERM') return traceErrors.denied(file);
  return traceErrors.unreadable(file, code ?? String(error));
}
