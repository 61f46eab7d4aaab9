import { CHUNK_BYTES, FileSource } from './source.js';
import { traceErrors } from './errors.js';

const NEWLINE = 0x0a;
/** Lines between two places that are remembered: reading begins at most so many lines before the wanted one. */
const STRIDE = 4096;
/** Bytes of a line that are shown. The kernel never writes longer ones. */
const LONGEST = 16 * 1024;

/**
 * The lines of a text file by number, from 1, as they are on disk. The file is scanned once, as far as it is asked for, and the place of
 * every {@link STRIDE}th line is kept: 16 KiB for ten million lines.
 */
export class FileLines {
  readonly #source: FileSource;
  readonly #file: string;
  /** byte at which line i * STRIDE + 1 begins */
  readonly #marks: number[] = [0];
  #scanned = 0;
  #newlines = 0;

  /** @throws TraceError when the file cannot be opened */
  constructor(file: string) {
    this.#file = file;
    this.#source = new FileSource(file);
  }

  /**
   * The lines `first` to `last`, both included, without their ends. Long scans let others have their turn.
   * @throws TraceError when the file cannot be read, or is shorter than it was
   */
  async read(first: number, last: number): Promise<string[]> {
    const mark = Math.floor((first - 1) / STRIDE);
    while (mark >= this.#marks.length && this.#scanned < this.#source.size) {
      this.#scan();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const from = this.#marks[mark];
    if (from === undefined) throw traceErrors.shrunk(this.#file, first);
    return this.#collect(from, mark * STRIDE + 1, first, last);
  }

  close(): void {
    this.#source.close();
  }

  #scan(): void {
    const bytes = this.#source.read(this.#scanned, CHUNK_BYTES);
    if (bytes.length === 0) throw traceErrors.shrunk(this.#file, this.#newlines + 1);
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
      if (++this.#newlines % STRIDE === 0) this.#marks.push(this.#scanned + at + 1);
    }
    this.#scanned += bytes.length;
  }

  #collect(offset: number, line: number, first: number, last: number): string[] {
    const decoder = new TextDecoder();
    const lines: string[] = [];
    let carry: Uint8Array = new Uint8Array(0);
    for (let at = offset; line <= last;) {
      const bytes = this.#source.read(at, CHUNK_BYTES);
      at += bytes.length;
      let from = 0;
      for (let end = bytes.indexOf(NEWLINE); end >= 0 && line <= last; end = bytes.indexOf(NEWLINE, from), line++) {
        if (line >= first) lines.push(text(decoder, carry, bytes.subarray(from, end)));
        carry = carry.subarray(0, 0);
        from = end + 1;
      }
      if (bytes.length === 0) {
        if (carry.length > 0 && line >= first) lines.push(text(decoder, carry, bytes));
        break;
      }
      if (line <= last && from < bytes.length) carry = joined(carry, bytes.subarray(from));
    }
    return lines;
  }
}

/** A beginning that is long enough already is not carried on any longer. */
function joined(carry: Uint8Array, bytes: Uint8Array): Uint8Array {
  const more = bytes.subarray(0, Math.max(0, LONGEST - carry.length));
  const both = new Uint8Array(carry.length + more.length);
  both.set(carry);
  both.set(more, carry.length);
  return both;
}

function text(decoder: TextDecoder, carry: Uint8Array, rest: Uint8Array): string {
  const bytes = carry.length > 0 ? joined(carry, rest) : rest;
  const line = decoder.decode(bytes.subarray(0, LONGEST));
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
