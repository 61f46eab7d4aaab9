import { BatchBuilder, type Batch } from '../batch.js';
import { LAYOUT_5_17, type RoleLayout } from '../../engine/roleLayout.js';
import { NoteBook, counted } from '../notes.js';
import { readContainer } from './prelude.js';
import { unpackerOf } from './compression.js';
import { CpuStream, pageLayout } from './ringBuffer.js';
import { EventWriter } from './eventWriter.js';
import { Formats } from './formats.js';
import { kernelOf } from './kernel.js';
import { Losses } from './losses.js';
import { Merge } from './merge.js';
import { layoutOf } from './roleMembers.js';
import { traceErrors } from '../errors.js';
import type { ByteSource } from '../source.js';
import { isPageSize, type DatBuffer, type DatFile } from './container.js';
import type { TraceInfo } from '../info.js';
import type { UnpackFailure } from '../unpack.js';

/** Batches of a trace.dat, and where in it a latency trace's text begins if it holds that instead. */
export interface DatReading {
  readonly batches: Iterable<Batch>;
  readonly latencyAt: number | undefined;
}

/** Where a trace.dat is read from. */
export interface DatSource {
  readonly source: ByteSource;
  readonly file: string;
  /** unpacked into memory from a .gz or .zst file */
  readonly compressed: boolean;
  /** size of the file on disk */
  readonly fileSize: number;
  /** why unpacking ended early */
  readonly failure: UnpackFailure | undefined;
}

/**
 * Reads a trace.dat file of version 6 or 7.
 * @throws TraceError when nothing of it can be read
 */
export async function readDat(from: DatSource): Promise<DatReading> {
  const { source, file, failure } = from;
  const notes = new NoteBook();
  if (failure) notes.damage('unpack', { offset: failure.offset }, () => failure.what);
  const dat = await readContainer({ source, file, notes });
  if (dat.latencyAt !== undefined && dat.buffers.every((buffer) => bytesOf(buffer) === 0)) {
    if (dat.compression !== 'none') throw traceErrors.packedLatency(file, dat.latencyAt);
    return { batches: [], latencyAt: dat.latencyAt };
  }
  if (dat.eventFormats.length === 0 && dat.ftraceFormats.length === 0) {
    throw traceErrors.datDamaged(file, 'the file holds no event formats, without which its data means nothing', 0);
  }
  const unpack = (await unpackerOf(dat.compression))!;
  const buffer = chosen(dat.buffers, notes);
  const layout = pageLayout(dat.headerPage, dat.little, buffer && isPageSize(buffer.pageSize) ? buffer.pageSize : dat.pageSize);
  const streams = (buffer?.cpus ?? []).map((cpu) => new CpuStream(source, cpu, layout, buffer!.compressed ? unpack : undefined, notes));
  return { batches: batches(from, dat, buffer, streams, notes), latencyAt: undefined };
}

function* batches(from: DatSource, dat: DatFile, buffer: DatBuffer | undefined, streams: CpuStream[], notes: NoteBook): Generator<Batch> {
  const { file, compressed, fileSize } = from;
  const builder = new BatchBuilder();
  const formats = new Formats(dat, (formatsSoFar) => kernelOf(dat.options.uname, formatsSoFar));
  const layout = roleLayout(formats);
  const losses = new Losses(dat.options.cpuStats);
  const writer = new EventWriter(builder, dat, buffer, formats, layout ?? LAYOUT_5_17, longSize(dat), notes);
  const info = (): TraceInfo => ({
    file,
    format: 'trace-dat',
    compressed,
    kernel: formats.kernel,
    layout: layout ?? LAYOUT_5_17,
    roles: 'exact',
    accessLetters: layout?.accessBits.length === 4 ? 4 : 3,
    lost: losses.total,
    notes: notes.list(),
    damaged: notes.damaged,
  });
  // What stands around the trace data was read at once, and so was all of a packed file.
  const data = compressed || !buffer ? 0 : bytesOf(buffer);
  const bytesRead = (): number =>
    data === 0
      ? fileSize
      : fileSize -
        data +
        Math.min(
          data,
          sum(streams, (stream) => stream.used),
        );
  const merge = new Merge(streams);
  for (let stream = merge.current; stream; merge.advance(), stream = merge.current) {
    const lost = losses.before(stream);
    if (lost !== 0) builder.lostHere(lost);
    writer.event(stream);
    if (builder.isFull) yield builder.take(info(), bytesRead());
  }
  // A file that ends before its first event has nothing to look at: that is an error, not a trace.
  const [first] = notes.list();
  if (builder.events === 0 && notes.damaged && first)
    throw traceErrors.datDamaged(file, `no event can be read: ${first.text}`, first.offset ?? 0);
  if (losses.elsewhere > 0) {
    notes.remark(
      'lost',
      {},
      () =>
        `${counted(losses.elsewhere, 'event')} were lost while the trace was recorded, the file does not say where: record with larger buffers (trace-cmd record -b)`,
    );
  }
  yield builder.take(info(), bytesRead());
}

/** The top buffer; an instance only when that holds nothing. */
function chosen(buffers: readonly DatBuffer[], notes: NoteBook): DatBuffer | undefined {
  const full = buffers.filter((buffer) => bytesOf(buffer) > 0);
  const best = full.find((buffer) => buffer.name === '') ?? full[0] ?? buffers[0];
  for (const other of buffers) {
    if (other === best) continue;
    const name = other.name === '' ? 'the top buffer' : `instance "${other.name}"`;
    notes.remark(`instance ${other.name}`, {}, () => `${name} is not shown: only one buffer of a file is read`);
  }
  return best;
}

function bytesOf(buffer: DatBuffer): number {
  return sum(buffer.cpus, (cpu) => cpu.size);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function longSize(dat: DatFile): number {
  return pageLayout(dat.headerPage, dat.little, dat.pageSize).longSize;
}

function roleLayout(formats: Formats): RoleLayout | undefined {
  for (const name of ['kvm_mmu_get_page', 'kvm_mmu_prepare_zap_page', 'kvm_mmu_sync_page', 'kvm_mmu_unsync_page']) {
    const print = formats.byName('kvmmmu', name)?.print;
    const layout = print ? layoutOf(print) : undefined;
    if (layout) return layout;
  }
  return undefined;
}
