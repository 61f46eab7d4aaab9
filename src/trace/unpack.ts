import { createGunzip, type Gunzip } from 'node:zlib';
import { CHUNK_BYTES, type FileSource } from './source.js';
import { wrappingOf } from './sniff.js';
import { unzstd, ZstdError } from './zstd.js';

/** Why unpacked content ended early, and where in the packed file. */
export interface UnpackFailure {
  readonly what: string;
  readonly offset: number;
}

/** The content of a file in chunks, unpacked when it is packed. What came out before a failure stays good. */
export interface ByteStream {
  readonly compressed: boolean;
  /** bytes of the file, as it is on disk, that were used so far */
  readonly bytesRead: number;
  /** set when the content ended early */
  readonly failure: UnpackFailure | undefined;
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}

export async function unpacked(source: FileSource): Promise<ByteStream> {
  const plain = new PlainStream(source);
  switch (wrappingOf(source.read(0, 8))) {
    case 'none':
      return plain;
    case 'gzip':
      return new GzipStream(plain, createGunzip());
    case 'zstd':
      return new WasmZstdStream(plain, await unzstd());
  }
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
    return Promise.resolve(this.take());
  }

  take(): Uint8Array | undefined {
    const chunk = this.#source.read(this.bytesRead, CHUNK_BYTES);
    this.bytesRead += chunk.length;
    return chunk.length > 0 ? chunk : undefined;
  }

  close(): void {}
}

/** Node's own decoder, fed and drained by hand: an iterator over it would drop what came out just before an error. */
class GzipStream implements ByteStream {
  readonly compressed = true;
  failure: UnpackFailure | undefined;
  readonly #packed: PlainStream;
  readonly #decoder: Gunzip;
  readonly #ready: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(packed: PlainStream, decoder: Gunzip) {
    this.#packed = packed;
    this.#decoder = decoder;
    decoder.on('data', (bytes: Uint8Array) => {
      this.#ready.push(bytes);
      this.#wake?.();
    });
    decoder.on('end', () => this.#end());
    decoder.on('error', (error) => {
      this.failure = failureOf('gzip', error, packed.bytesRead);
      this.#end();
    });
    decoder.on('drain', () => this.#feed());
    this.#feed();
  }

  get bytesRead(): number {
    return this.#packed.bytesRead;
  }

  async next(): Promise<Uint8Array | undefined> {
    while (this.#ready.length === 0 && !this.#ended) {
      this.#decoder.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    // Nobody asks for more than is there: the decoder waits, so that a large file does not pile up in memory.
    if (this.#ready.length > 8) this.#decoder.pause();
    return this.#ready.shift();
  }

  close(): void {
    this.#decoder.destroy();
  }

  #feed(): void {
    for (;;) {
      const chunk = this.#packed.take();
      if (!chunk) {
        this.#decoder.end();
        return;
      }
      if (!this.#decoder.write(chunk)) return;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}

/** The WASM decoder pulls its input, so it is a generator over the file. */
class WasmZstdStream implements ByteStream {
  readonly compressed = true;
  failure: UnpackFailure | undefined;
  readonly #packed: PlainStream;
  readonly #pieces: Generator<Uint8Array, void>;

  constructor(packed: PlainStream, decode: (input: Iterable<Uint8Array>) => Generator<Uint8Array, void>) {
    this.#packed = packed;
    this.#pieces = decode(
      (function* () {
        for (let chunk = packed.take(); chunk; chunk = packed.take()) yield chunk;
      })(),
    );
  }

  get bytesRead(): number {
    return this.#packed.bytesRead;
  }

  next(): Promise<Uint8Array | undefined> {
    try {
      const next = this.#pieces.next();
      return Promise.resolve(next.done ? undefined : next.value);
    } catch (error) {
      if (!(error instanceof ZstdError)) throw error;
      this.failure = failureOf('zstd', error, this.#packed.bytesRead);
      return Promise.resolve(undefined);
    }
  }

  close(): void {
    this.#pieces.return(undefined);
  }
}

function failureOf(format: string, error: Error, offset: number): UnpackFailure {
  const cut = /unexpected end|incomplete/i.test(error.message);
  return { what: cut ? `the ${format} data ends too early` : `the ${format} data is damaged (${error.message})`, offset };
}
