import { unpackedRecording } from '../trace/files.js';

/** Edits of recordings in the kernel's text, as traces really come. Lines are event lines without the header. */

/** The event lines of a recording of test/data, losses that the kernel noted among them. */
export async function textOf(name: string): Promise<string[]> {
  const text = new TextDecoder().decode(await unpackedRecording(name));
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** Lines from..to-1 fell out of the ring buffer of a CPU. */
export function withGap(lines: readonly string[], from: number, to: number): string[] {
  return lines.toSpliced(from, to - from, `CPU:${cpuOf(lines[to - 1]!)} [LOST ${to - from} EVENTS]`);
}

function cpuOf(line: string): number {
  return Number(/\[(\d+)\]/.exec(line)![1]);
}
