import { inflateSync } from 'node:zlib';
import { zstdDecoder } from '../zstd.js';

/** Unpacks one compressed piece of a trace.dat; `size` is the size the file says it has. Throws when it does not come out so. */
export type Unpack = (bytes: Uint8Array, size: number) => Uint8Array;

/** No piece of a sane file is larger (the kernel's symbols are ten megabytes); a damaged size must not take all memory. */
const LARGEST = 128 * 1024 * 1024;

/** The decoder that a file names; undefined for a name that is not known. */
export async function unpackerOf(name: string): Promise<Unpack | undefined> {
  switch (name) {
    case 'none':
      return checked((bytes) => bytes);
    case 'zlib':
      return checked((bytes, size) => inflateSync(bytes, { maxOutputLength: Math.max(1, size) }));
    case 'zstd':
      return checked(await zstdDecoder());
    default:
      return undefined;
  }
}

function checked(unpack: Unpack): Unpack {
  return (bytes, size) => {
    if (size > LARGEST) throw new Error(`a piece of ${size} bytes is impossible`);
    const result = unpack(bytes, size);
    if (result.length !== size) throw new Error(`${result.length} bytes came out instead of ${size}`);
    return result;
  };
}
