import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** Milliseconds of a replay. */
export interface Pass {
  readonly wall: number;
  /** user and system */
  readonly cpu: number;
  /** of the second half of the events */
  readonly secondHalf: number;
}

export interface Cost {
  readonly events: number;
  /** milliseconds for reading the file, all of it, in one thread */
  readonly read: number;
  readonly readEvents: number;
  readonly cold: Pass;
  readonly warm: Pass;
}

export const SIZES = [10_000, 100_000, 1_000_000, 8_641_500];

/** What the first events of a trace cost, at growing numbers of events as far as the trace goes, each in a process of its own. */
export async function costs(file: string, events: number, largest = Infinity): Promise<Cost[]> {
  const sizes = SIZES.filter((size) => size <= Math.min(events, largest));
  const all: Cost[] = [];
  for (const size of sizes) {
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(import.meta.dirname, 'cost.mjs'), file, String(size)]);
    all.push(JSON.parse(stdout) as Cost);
  }
  return all;
}
