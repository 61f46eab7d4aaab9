import type { ByteSource } from '../source.js';
import type { TraceSink } from '../read.js';
import type { UnpackFailure } from '../unpack.js';
import { traceErrors } from '../errors.js';

export function readDat(
  _source: ByteSource,
  file: string,
  _compressed: boolean,
  _sink: TraceSink,
  _failure?: UnpackFailure,
): Promise<void> {
  throw traceErrors.datVersion(file, '7');
}
