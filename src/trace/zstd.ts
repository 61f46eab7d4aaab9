import * as zlib from 'node:zlib';
import { ZSTDDecoder } from 'zstddec/stream';

/**
 * zstd. Whole buffers: Node's own decoder where there is one (22.15 and later), else zstddec, the reference decoder as WebAssembly
 * inside the package (no download). It decodes several hundred MB/s; decoders written in JavaScript reach a tenth of that. Streams:
 * always zstddec, because Node's streams (22.23) end in silence where the data is cut, and after the first of several frames.
 */

/** The data is no zstd, cut or damaged. */
export class ZstdError extends Error {}

interface NativeZstd {
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
}

function native(): NativeZstd | undefined {
  return 'zstdDecompressSync' in zlib ? (zlib as unknown as NativeZstd) : undefined;
}

/** Makes a decoder of whole buffers; `size` is the size that must come out. */
export async function zstdDecoder(): Promise<(bytes: Uint8Array, size: number) => Uint8Array> {
  const own = native();
  if (own) {
    return (bytes, size) => {
      try {
        return own.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, size) });
      } catch (error) {
        throw new ZstdError((error as Error).message);
      }
    };
  }
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (bytes, size) => {
    // An error comes back as a negative size, hence as nothing.
    const result = size === 0 ? new Uint8Array(0) : decoder.decode(bytes, size);
    if (result.length !== size) throw new ZstdError('damaged data');
    return result;
  };
}

/** Makes a decoder of streams. It ends with a {@link ZstdError} where the data is cut or damaged. */
export async function unzstd(): Promise<(input: Iterable<Uint8Array>) => Generator<Uint8Array, void>> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return function* (input) {
    let fed = 0;
    const counted = (function* () {
      for (const chunk of input) {
        fed++;
        yield chunk;
      }
    })();
    let emptyAt = -1;
    try {
      for (const piece of decoder.decodeStreaming(counted)) {
        if (piece.length > 0) {
          yield piece;
          emptyAt = -1;
          continue;
        }
        // Nothing came out of this input although it was not used up: the decoder met an error and would say nothing for ever.
        if (emptyAt === fed) throw new ZstdError('damaged data');
        emptyAt = fed;
      }
    } catch (error) {
      throw error instanceof ZstdError ? error : new ZstdError((error as Error).message);
    }
  };
}
