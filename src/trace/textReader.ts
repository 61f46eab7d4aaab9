import type { NoteBook } from './notes.js';
import type { TraceInfo } from './info.js';

/** Reads a text that comes in chunks. Any way of cutting it gives the same events. */
export interface TextReader {
  readonly notes: NoteBook;
  push(chunk: Uint8Array): void;
  end(): void;
  info(): TraceInfo;
}
