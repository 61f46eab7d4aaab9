import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { EventIndex } from '../../src/engine/ids.js';
import { Replay, type ReplayOptions } from '../../src/replay/replay.js';
import { openTrace } from '../../src/trace/open.js';

/** A recording of test/data, replayed to its end. */
export async function replayed(name: string, options: ReplayOptions = {}): Promise<Replay> {
  return replayedFile(path.resolve('test/data', name), options);
}

export async function replayedFile(file: string, options: ReplayOptions = {}): Promise<Replay> {
  const { table, done } = await openTrace(file, { inline: true });
  await done;
  const replay = new Replay(table, options);
  replay.advance(table.length);
  return replay;
}

/** Lines of a trace, as a recording of the kernel's text. */
export async function replayedLines(lines: readonly string[], options: ReplayOptions = {}): Promise<Replay> {
  const directory = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  try {
    const file = path.join(directory, 'trace.ftrace');
    writeFileSync(file, `# tracer: nop\n#\n${lines.join('\n')}\n`);
    return await replayedFile(file, options);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The lines of a recording, to be edited and replayed again. */
export function linesOf(replay: Replay): string[] {
  return Array.from({ length: replay.table.length }, (_, event) => replay.table.lineText(event));
}

export const event = (index: number): EventIndex => index as EventIndex;
