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
import type { DatBuffer, DatFile } from './container.js';
import type { TraceInfo } from '../info.js';
import type { UnpackFailure } from '../unpack.js';

/** Batches of a trace.dat, and where in it a latency trace's text begins if it holds that instead. */
export interface DatReading {
  readonly batches: Iterable<Batch>;
  readonly latencyAt: number | undefined;
}

/**
 * Reads a trace.dat file of version 6 or 7.
 * @throws TraceError when nothing of it can be read
 */
export async function readDat(source: ByteSource, file: string, compressed: boolean, failure?: UnpackFailure): Promise<DatReading> {
  const notes = new NoteBook();
  if (failure) notes.damage('unpack', { offset: failure.offset }, () => failure.what);
  const dat = await readContainer({ source, file, notes });
  if (dat.latencyAt !== undefined && dat.buffers.every((buffer) => bytesOf(buffer) === 0)) return { batches: [], latencyAt: dat.latencyAt };
  if (dat.eventFormats.length === 0 && dat.ftraceFormats.length === 0) {
    throw traceErrors.datDamaged(file, 'the file holds no event formats, without which its data means nothing', 0);
  }
  const unpack = (await unpackerOf(dat.compression))!;
  const buffer = chosen(dat.buffers, notes);
  const layout = pageLayout(dat.headerPage, dat.little, buffer?.pageSize || dat.pageSize);
  const streams = (buffer?.cpus ?? []).map((cpu) => new CpuStream(source, cpu, layout, buffer!.compressed ? unpack : undefined, notes));
  return { batches: batches(dat, buffer, streams, notes, file, compressed), latencyAt: undefined };
}

function* batches(
  dat: DatFile,
  buffer: DatBuffer | undefined,
  streams: CpuStream[],
  notes: NoteBook,
  file: string,
  compressed: boolean,
): Generator<Batch> {
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
  const bytesRead = (): number => streams.reduce((sum, stream) => sum + stream.used, 0);
  const merge = new Merge(streams);
  for (let stream = merge.current; stream; merge.advance(), stream = merge.current) {
    const lost = losses.before(stream);
    if (lost !== 0) builder.lostHere(lost);
    writer.event(stream);
    if (builder.isFull) yield builder.take(info(), bytesRead());
  }
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
  return buffer.cpus.reduce((sum, cpu) => sum + cpu.size, 0);
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
