/** A text trace that is too long for a text editor, made of the bundled one: the same events again and again, later and later. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Sample } from './sample.js';

/** VS Code keeps documents that are longer from extensions. */
const LIMIT = 50 * 1024 * 1024;

export interface LargeTrace {
  readonly file: string;
  readonly name: string;
  /** lines before that of event 0 */
  readonly header: number;
  /** the line of an event, as the file has it */
  line(event: number): string;
}

/** @param name its file name, in the folder of the sample */
export function writeLargeTrace(sample: Sample, name: string): LargeTrace {
  const lines = readFileSync(sample.file, 'utf8').trimEnd().split('\n');
  const header = lines.filter((line) => line.startsWith('#'));
  const events = lines.filter((line) => !line.startsWith('#'));
  const parts = events.map((line) => /^(.*?)(\d+)\.(\d{6}): (.*)$/s.exec(line)!.slice(1));
  const micros = parts.map(([, seconds, fraction]) => Number(seconds) * 1e6 + Number(fraction));
  const round = micros.at(-1)! - micros[0]! + 1000;
  const line = (event: number): string => {
    const [before, , , after] = parts[event % parts.length]!;
    const turn = Math.floor(event / parts.length);
    const time = micros[event % parts.length]! + turn * round;
    // One VM all along: a first vCPU would be another one's.
    const message = turn > 0 ? after!.replace('vcpu=0 prev=0 ', 'vcpu=0 prev=1 ') : after;
    return `${before}${Math.floor(time / 1e6)}.${String(time % 1e6).padStart(6, '0')}: ${message}`;
  };
  const file = path.join(path.dirname(sample.file), name);
  const descriptor = openSync(file, 'w');
  let size = writeSync(descriptor, `${header.join('\n')}\n`);
  for (let from = 0; size <= LIMIT; from += parts.length)
    size += writeSync(descriptor, `${parts.map((_, at) => line(from + at)).join('\n')}\n`);
  closeSync(descriptor);
  return { file, name, header: header.length, line };
}
