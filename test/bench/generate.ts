/**
 * Traces of any size, made of a recording: its ring buffer pages again and again, each copy later and with tasks of its own. Every VM of
 * the recording lives from its first event to its last, so each copy brings new VMs, and what held for the recording holds for all.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { FileSource } from '../../src/trace/source.js';
import { NoteBook } from '../../src/trace/notes.js';
import { readContainer } from '../../src/trace/dat/prelude.js';
import { unpackerOf } from '../../src/trace/dat/compression.js';
import type { CpuData, DatFile } from '../../src/trace/dat/container.js';
import { datFile } from '../trace/datFile.js';

const HEADER = 16;
const PAGE_TIME = 0;
const COMMIT = 8;
/** of the commit word: bytes of events; above are flags */
const COMMITTED = 0x000f_ffff;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
/** of an event: u16 type, u8 flags, u8 preempt count, s32 pid */
const PID = 4;
const MOST_EVENTS_OF_PID = 4_000_000;

/** What one CPU recorded, and what of it a copy changes. */
interface CpuPages {
  readonly bytes: Buffer;
  /** places of the pages */
  readonly pages: readonly number[];
  /** places of the pids of the events */
  readonly pids: readonly number[];
}

/**
 * Writes `copies` of a trace.dat (little endian, with zstd or without compression) as one trace.dat of version 6.
 * @returns how many events it has
 */
export async function writeCopies(recording: string, copies: number, out: string): Promise<number> {
  const source = new FileSource(recording);
  try {
    const dat = await readContainer({ source, file: recording, notes: new NoteBook() });
    const cpus = await Promise.all(dat.buffers[0]!.cpus.map(async (cpu) => pagesOf(await bytesOf(source, dat, cpu), dat.pageSize)));
    write(out, dat, cpus, copies);
    return copies * cpus.reduce((events, cpu) => events + cpu.pids.length, 0);
  } finally {
    source.close();
  }
}

/** The ring buffer pages of a CPU, unpacked. */
async function bytesOf(source: FileSource, dat: DatFile, { offset, size }: CpuData): Promise<Buffer> {
  if (!dat.buffers[0]!.compressed) return Buffer.from(source.read(offset, size));
  // The number of chunks, which the size leaves out, then of each its packed size, its size, and its bytes.
  const data = Buffer.from(source.read(offset, 4 + size));
  const unpack = (await unpackerOf(dat.compression))!;
  const chunks: Buffer[] = [];
  for (let at = 4, left = data.readUInt32LE(0); left > 0; left--) {
    const packed = data.readUInt32LE(at);
    chunks.push(Buffer.from(unpack(data.subarray(at + 8, at + 8 + packed), data.readUInt32LE(at + 4))));
    at += 8 + packed;
  }
  return Buffer.concat(chunks);
}

function pagesOf(bytes: Buffer, pageSize: number): CpuPages {
  const pages: number[] = [];
  const pids: number[] = [];
  for (let page = 0; page < bytes.length; page += pageSize) {
    pages.push(page);
    const start = page + HEADER;
    const end = start + (bytes.readUInt32LE(page + COMMIT) & COMMITTED);
    for (let at = start; at + 4 <= end;) {
      const type = bytes.readUInt32LE(at) & 31;
      if (type === TIME_EXTEND || type === TIME_STAMP) at += 8;
      else if (type === PADDING) at += 4 + Math.max(4, bytes.readUInt32LE(at + 4));
      else {
        pids.push(at + (type === 0 ? 8 : 4) + PID);
        at += type === 0 ? 4 + ((bytes.readUInt32LE(at + 4) + 3) & ~3) : 4 + type * 4;
      }
    }
  }
  return { bytes, pages, pids };
}

function write(out: string, dat: DatFile, cpus: readonly CpuPages[], copies: number): void {
  const period = durationOf(cpus);
  const step = 1 + cpus.reduce((most, { bytes, pids }) => pids.reduce((m, at) => Math.max(m, bytes.readInt32LE(at)), most), 0);
  if (copies * step > MOST_EVENTS_OF_PID) throw new RangeError(`${copies} copies need more pids than Linux has`);
  const file = openSync(out, 'w');
  try {
    writeSync(file, headers(dat, cpus, copies, step));
    for (const { bytes, pages, pids } of cpus) {
      for (let copy = 0; copy < copies; copy++) {
        const page = Buffer.from(bytes);
        for (const at of pages) page.writeBigUInt64LE(bytes.readBigUInt64LE(at + PAGE_TIME) + BigInt(copy) * period, at + PAGE_TIME);
        for (const at of pids) page.writeInt32LE(shifted(bytes.readInt32LE(at), copy, step), at);
        writeSync(file, page);
      }
    }
  } finally {
    closeSync(file);
  }
}

/** The idle task has pid 0 on every machine. */
const shifted = (pid: number, copy: number, step: number): number => (pid === 0 ? 0 : pid + copy * step);

/** Nanoseconds from the first page on, such that no copy begins before the one before has ended. */
function durationOf(cpus: readonly CpuPages[]): bigint {
  const times = cpus.flatMap(({ bytes, pages }) => pages.map((at) => bytes.readBigUInt64LE(at)));
  const first = times.reduce((a, b) => (a < b ? a : b));
  const last = times.reduce((a, b) => (a > b ? a : b));
  // The last page goes on for a while; a recording of twice the length has no two copies at once.
  return 2n * (last - first) + 1_000_000_000n;
}

/** Everything up to the trace data. */
function headers(dat: DatFile, cpus: readonly CpuPages[], copies: number, step: number): Buffer {
  const head = Buffer.from(
    datFile({
      version: 6,
      little: dat.little,
      pageSize: dat.pageSize,
      ...(dat.options.uname !== undefined && { uname: dat.options.uname }),
      ...(dat.options.traceClock !== undefined && { clock: dat.options.traceClock }),
      formats: [...dat.ftraceFormats.map((text) => ({ system: 'ftrace', text })), ...dat.eventFormats],
      cmdlines: taskNames(dat.cmdlines, copies, step),
      cpus: cpus.map(() => []),
    }),
  );
  const mark = 'flyrecord\0';
  let place = head.length;
  for (const [cpu, { bytes }] of cpus.entries()) {
    const entry = head.lastIndexOf(mark) + mark.length + cpu * 16;
    head.writeBigUInt64LE(BigInt(place), entry);
    head.writeBigUInt64LE(BigInt(bytes.length * copies), entry + 8);
    place += bytes.length * copies;
  }
  return head;
}

/** `pid name` lines, for each copy. */
function taskNames(lines: string, copies: number, step: number): string {
  const tasks = [...lines.matchAll(/^(\d+) (.*)$/gm)].map(([, pid, name]) => ({ pid: Number(pid), name }));
  return Array.from({ length: copies }, (_, copy) => tasks.map(({ pid, name }) => `${shifted(pid, copy, step)} ${name}\n`).join('')).join(
    '',
  );
}
