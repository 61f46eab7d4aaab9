import { CHUNK_BYTES, type FileSource } from './source.js';
import { wrappingOf } from './sniff.js';

export interface UnpackFailure {
  readonly what: string;
  readonly offset: number;
}

/** The content of a file in chunks, unpacked when it is packed. */
export interface ByteStream {
  readonly compressed: boolean;
  /** bytes of the file, as it is on disk, that were used so far */
  readonly bytesRead: number;
  /** why the content ended early */
  readonly failure: UnpackFailure | undefined;
  next(): Promise<Uint8Array | undefined>;
}

export function unpacked(source: FileSource, _file: string): ByteStream {
  const wrapping = wrappingOf(source.read(0, 8));
  void wrapping;
  return new PlainStream(source);
}

class PlainStream implements ByteStream {
  readonly compressed = false;
  readonly failure = undefined;
  bytesRead = 0;
  readonly #source: FileSource;

  constructor(source: FileSource) {
    this.#source = source;
  }

  next(): Promise<Uint8Array | undefined> {
    const chunk = this.#source.read(this.bytesRead, CHUNK_BYTES);
    this.bytesRead += chunk.length;
    return Promise.resolve(chunk.length > 0 ? chunk : undefined);
  }
}
