/** Which traces are measured, and the texts of them for the programs that read text. */
import { createWriteStream, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileSource } from '../../src/trace/source.js';
import { unpacked, type ByteStream } from '../../src/trace/unpack.js';
import { writeCopies } from './generate.js';

export interface TraceFile {
  readonly file: string;
  /** made of copies of a recording; the VM in the middle of it, and where that is */
  readonly generated?: { readonly vm: number; readonly from: number; readonly to: number };
}

/** Of the project; this runs bundled, in out/test/bench. */
export const root = path.resolve(import.meta.dirname, '../../..');
const RECORDINGS = path.resolve(root, '../shared/traces');
const TOUR = path.join(root, 'media/samples/nonpae-tour.ftrace');
const THREE_VMS = path.join(root, 'test/data/k6.1-three-vms-all.dat');
/** of {@link THREE_VMS} */
const VMS = 3;

/** A folder for what is made on the way; it goes with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * The bundled text; of the recordings beside the project the largest text and the largest trace.dat, unless `small` (then one that is
 * a tenth of it), or a generated trace.dat where there are none.
 */
export async function defaultFiles(folder: string, small: boolean): Promise<TraceFile[]> {
  const names = existsSync(RECORDINGS) ? readdirSync(RECORDINGS).map((name) => path.join(RECORDINGS, name)) : [];
  const bySize = (ending: RegExp): string[] =>
    names.filter((name) => ending.test(name)).sort((a, b) => statSync(b).size - statSync(a).size);
  const texts = bySize(/\.txt\.zst$/);
  const binaries = bySize(/\.dat$/);
  const most = binaries[0] === undefined ? 0 : statSync(binaries[0]).size;
  const binary = small ? binaries.find((name) => statSync(name).size < most / 10) : binaries[0];
  if (texts[0] === undefined || binary === undefined) return [{ file: TOUR }, await generated(folder, small ? 100_000 : 1_000_000)];
  return [TOUR, texts[0], binary].map((file) => ({ file }));
}

/** A trace.dat of at least so many events. */
export async function generated(folder: string, events: number): Promise<TraceFile> {
  const each = 25_067;
  const copies = Math.ceil(events / each);
  const file = path.join(folder, `generated-${events}.dat`);
  const length = await writeCopies(THREE_VMS, copies, file);
  const middle = copies >> 1;
  return { file, generated: { vm: middle * VMS, from: (length / copies) * middle, to: (length / copies) * (middle + 1) } };
}

/** The text of a trace as a plain file: of a trace.dat what `trace-cmd report` prints, undefined where that is not installed. */
export async function textOf(file: string, folder: string, hasTraceCmd: boolean): Promise<string | undefined> {
  if (!file.endsWith('.dat') && !/\.(zst|gz)$/.test(file)) return file;
  if (file.endsWith('.dat') && !hasTraceCmd) return undefined;
  const text = path.join(folder, `${path.basename(file)}.txt`);
  if (file.endsWith('.dat')) {
    const report = spawn('trace-cmd', ['report', file], { stdio: ['ignore', 'pipe', 'ignore'] });
    await pipeline(report.stdout, createWriteStream(text));
  } else {
    const source = new FileSource(file);
    await pipeline(chunksOf(await unpacked(source)), createWriteStream(text));
    source.close();
  }
  return text;
}

async function* chunksOf(stream: ByteStream): AsyncGenerator<Uint8Array> {
  for (let chunk = await stream.next(); chunk; chunk = await stream.next()) yield chunk;
}
