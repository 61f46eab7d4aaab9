import { Cursor, DatEnd } from './cursor.js';
import { readVersion6 } from './version6.js';
import { readVersion7 } from './version7.js';
import { TraceError, traceErrors } from '../errors.js';
import { isPageSize, type DatFile, type DatInput } from './container.js';

const MAGIC = 10;
/** Enough for everything in front of the sections. */
const PRELUDE = 256;

/** Reads what stands around the trace data. @throws TraceError when that is damaged beyond use */
export async function readContainer(input: DatInput): Promise<DatFile> {
  const { source, file } = input;
  const head = new Uint8Array(source.read(0, PRELUDE));
  let c = new Cursor(head, true);
  try {
    c.bytes(MAGIC);
    const version = c.cstring();
    const little = c.u8() === 0;
    c.u8(); // size of a long in user space
    const at = c.at;
    c = new Cursor(head, little);
    c.at = at;
    const pageSize = c.u32();
    if (!isPageSize(pageSize)) throw new DatEnd(`a page size of ${pageSize} is impossible`, at);
    if (version === '7') return await readVersion7(input, c, little, pageSize);
    if (version === '6') return readVersion6(input, c.at, little, pageSize);
    throw traceErrors.datVersion(file, version.slice(0, 20));
  } catch (error) {
    if (error instanceof TraceError) throw error;
    if (error instanceof DatEnd) throw traceErrors.datDamaged(file, error.message, error.offset);
    if (error instanceof RangeError) throw traceErrors.datDamaged(file, 'the file ends in its headers', c.offset);
    throw error;
  }
}
