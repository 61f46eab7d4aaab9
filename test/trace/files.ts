import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';
import { BatchBuilder } from '../../src/trace/batch.js';
import { FtraceReader } from '../../src/trace/ftrace/reader.js';
import { EventTable } from '../../src/trace/table.js';
import { openTrace } from '../../src/trace/open.js';
import { FileSource } from '../../src/trace/source.js';
import { unpacked } from '../../src/trace/unpack.js';
import { concat } from '../../src/trace/bytes.js';

export const DATA = path.resolve('test/data');

/** A table of a text, which is handed over in the given pieces. */
export function readText(...pieces: (string | Uint8Array)[]): EventTable {
  const builder = new BatchBuilder();
  let table: EventTable | undefined;
  const emit = (): void => {
    const batch = builder.take(reader.info(), 0);
    table ??= new EventTable(batch.info);
    table.append(batch);
  };
  const reader = new FtraceReader(builder, emit, 'text', false);
  for (const piece of pieces) reader.push(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
  reader.end();
  emit();
  return table!;
}

/** A file read to its end, in this thread. */
export async function readFile(file: string): Promise<EventTable> {
  const trace = await openTrace(file, { inline: true });
  await trace.done;
  return trace.table;
}

/** A recording of test/data. */
export function recording(name: string): Promise<EventTable> {
  return readFile(path.join(DATA, name));
}

/** The unpacked bytes of a recording of test/data. */
export async function unpackedRecording(name: string): Promise<Uint8Array> {
  const source = new FileSource(path.join(DATA, name));
  const stream = await unpacked(source);
  const parts: Uint8Array[] = [];
  for (let part = await stream.next(); part; part = await stream.next()) parts.push(part);
  source.close();
  return concat(parts);
}

/** The event lines of a trace text. */
export function eventLines(bytes: Uint8Array | string): string[] {
  const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('CPU:'));
}

/** A folder for files of a test, removed after the suite. */
export function scratch(): (name: string, content: Uint8Array | string) => string {
  const dir = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-trace-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  return (name, content) => {
    const file = path.join(dir, name);
    writeFileSync(file, content);
    return file;
  };
}

/** All that a table says of its events, to compare two readings. */
export function dump(table: EventTable): unknown {
  const { notes, ...info } = table.info;
  const events = Array.from({ length: table.length }, (_, e) => [
    table.lineText(e),
    table.kind(e),
    table.line(e),
    table.lostBefore(e),
    table.stack(e),
    ...Array.from({ length: 8 }, (_, slot) => (table.has(e, slot) ? String(table.word(e, slot)) : '-')),
  ]);
  return { info: { ...info, file: '' }, notes: notes.map((note) => note.text), events };
}
