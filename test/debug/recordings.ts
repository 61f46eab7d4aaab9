import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';
import { openTrace } from '../../src/trace/open.js';
import type { EventTable } from '../../src/trace/table.js';

/** The path of a recording in the test data. */
export function recording(name: string): string {
  return path.resolve('test/data', name);
}

/** The events of a recording, read without the adapter: what the adapter says is held against them. */
export async function eventsOf(file: string): Promise<EventTable> {
  const { table, done } = await openTrace(file, { inline: true });
  await done;
  return table;
}

const HEADER = '# tracer: nop\n#\n';

/** Lines of a plain trace before that of event 0. */
export const HEADER_LINES = 2;

let directory: string | undefined;
after(() => directory && rmSync(directory, { recursive: true, force: true }));

/** A file that is gone after the tests. */
export function temporary(name: string, content: string | Uint8Array): string {
  directory ??= mkdtempSync(path.join(tmpdir(), 'shadow-mmu-test-'));
  const file = path.join(directory, name);
  writeFileSync(file, content);
  return file;
}

/** A recording as plain text, one line for each event after {@link HEADER_LINES}; `edit` may change the lines. */
export async function plain(name: string, as: string, edit: (lines: string[]) => void = () => {}): Promise<string> {
  const table = await eventsOf(recording(name));
  const lines = Array.from({ length: table.length }, (_, e) => table.lineText(e));
  edit(lines);
  return temporary(as, `${HEADER}${lines.join('\n')}\n`);
}
