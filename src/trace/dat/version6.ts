import { Cursor, DatEnd } from './cursor.js';
import { emptyOptions, type CpuData, type DatFile, type DatInput } from './container.js';
import { readCmdlines, readEventFormats, readFtraceFormats, readHeaders, readOption, readPrintk } from './pieces.js';
import { traceErrors } from '../errors.js';
import type { ByteSource } from '../source.js';

/** Version 6: everything in a fixed order, nothing compressed. */

const TAG = 10;
const BUFFER = 3;
const MOST_CPUS = 1 << 16;

export function readVersion6(input: DatInput, start: number, little: boolean, pageSize: number): DatFile {
  const { source, notes, file } = input;
  const dat: DatFile = {
    version: 6,
    little,
    pageSize,
    compression: 'none',
    headerPage: '',
    ftraceFormats: [],
    eventFormats: [],
    printk: '',
    cmdlines: '',
    kallsyms: () => '',
    options: emptyOptions(),
    buffers: [],
    latencyAt: undefined,
  };
  const c = new Cursor(beforeTheData(source, start), little, start);
  try {
    readHeaders(c, dat);
    readFtraceFormats(c, dat);
    readEventFormats(c, dat);
    const symbols = c.bytes(c.u32());
    dat.kallsyms = () => new TextDecoder().decode(symbols);
    readPrintk(c, dat);
    readCmdlines(c, dat);
    const cpuCount = c.u32();
    const instances: { at: number; name: string }[] = [];
    for (let tag = c.text(TAG); ; tag = c.text(TAG)) {
      if (tag.startsWith('options')) readOptions(c, dat, instances);
      else if (tag.startsWith('latency')) {
        dat.latencyAt = c.offset;
        break;
      } else if (tag.startsWith('flyrecord')) {
        dat.buffers.push({ name: '', clock: dat.options.traceClock, pageSize, compressed: false, cpus: cpuTable(c, cpuCount) });
        break;
      } else throw new DatEnd('here should be the trace data', c.offset - TAG);
    }
    // Other instances are only named, not read: their place is all that is needed.
    for (const { name } of instances) dat.buffers.push({ name, clock: undefined, pageSize, compressed: false, cpus: [] });
  } catch (error) {
    if (!(error instanceof DatEnd || error instanceof RangeError)) throw error;
    if (dat.eventFormats.length === 0) throw traceErrors.datDamaged(file, `the file ends in its headers (${error.message})`, c.offset);
    notes.damage('cut', { offset: c.offset }, () => `the file ends before its trace data (${error.message})`);
  }
  return dat;
}

/** The headers are some megabytes in front of the trace data; a damaged size makes it end early, never ask for more. */
function beforeTheData(source: ByteSource, start: number): Uint8Array {
  return source.read(start, Math.min(source.size - start, 256 * 1024 * 1024));
}

function readOptions(c: Cursor, dat: DatFile, instances: { at: number; name: string }[]): void {
  for (let id = c.u16(); id !== 0; id = c.u16()) {
    const size = c.u32();
    const data = new Cursor(c.bytes(size), dat.little, c.offset - size);
    if (id === BUFFER) instances.push({ at: data.size64('the place of a buffer'), name: data.cstring() });
    else readOption(id, data, dat);
  }
}

function cpuTable(c: Cursor, count: number): CpuData[] {
  if (count > MOST_CPUS) throw new DatEnd(`${count} CPUs are impossible`, c.offset);
  const cpus: CpuData[] = [];
  for (let cpu = 0; cpu < count; cpu++) {
    cpus.push({ cpu, offset: c.size64('the place of trace data'), size: c.size64('the size of trace data') });
  }
  return cpus;
}
