import type { NoteBook } from '../notes.js';
import type { ByteSource } from '../source.js';

/** What a trace.dat holds, whatever its version, before anything of it is interpreted. */
export interface DatFile {
  readonly version: 6 | 7;
  readonly little: boolean;
  /** page size of the traced machine */
  readonly pageSize: number;
  /** compressor of sections and trace data */
  readonly compression: string;
  headerPage: string;
  /** format texts of the tracer's own events */
  ftraceFormats: string[];
  /** format texts of all other events, with their system */
  eventFormats: { system: string; text: string }[];
  printk: string;
  cmdlines: string;
  /** unpacked only when a symbol is asked for */
  kallsyms: () => string;
  readonly options: DatOptions;
  readonly buffers: DatBuffer[];
  /** text of a latency trace, in place of buffers: where it begins */
  latencyAt: number | undefined;
}

export interface DatOptions {
  uname: string | undefined;
  traceClock: string | undefined;
  /** one per CPU, as the kernel's per_cpu/cpuN/stats prints it */
  readonly cpuStats: string[];
  tsc: { readonly multiplier: bigint; readonly shift: bigint } | undefined;
}

/** The ring buffers of one tracing instance. */
export interface DatBuffer {
  /** '' for the top one */
  readonly name: string;
  readonly clock: string | undefined;
  readonly pageSize: number;
  readonly compressed: boolean;
  readonly cpus: readonly CpuData[];
}

export interface CpuData {
  readonly cpu: number;
  readonly offset: number;
  readonly size: number;
}

/** Whether a machine or its ring buffer can have pages of this size. */
export function isPageSize(size: number): boolean {
  return size >= 256 && size <= 1 << 24;
}

/** What the readers of both versions share. */
export interface DatInput {
  readonly source: ByteSource;
  readonly file: string;
  readonly notes: NoteBook;
}

export function emptyOptions(): DatOptions {
  return { uname: undefined, traceClock: undefined, cpuStats: [], tsc: undefined };
}
