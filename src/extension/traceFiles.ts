import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** Names of traces that no text editor shows; VS Code says so in the place of an editor. package.json has the same in its menus. */
const BINARY = /\.dat(\.(zst|gz))?$|\.(ftrace|txt)\.(zst|gz)$/;

/** Bytes of a document beyond which VS Code keeps it from extensions: no hovers, no values in its lines. The adapter serves windows then. */
const LARGE_TEXT = 50 * 1024 * 1024;

/** How the texts begin that traces come as. */
const BEGINNING = /^# tracer: |^(version = \d+\n)?cpus=\d+\n|^\s*\S.*-\d+\s.*\[\d{3}\].*\d+\.\d+: \w+: /;

export function isBinaryTrace(file: string): boolean {
  return BINARY.test(file);
}

/** A trace of which a session shows documents of its own, and not the file. */
export function isShownInWindows(file: string): boolean {
  return isBinaryTrace(file) || isLargeTrace(file);
}

/** A text trace that is too long for a text editor. What cannot be read is none: whoever opens it says why. */
export function isLargeTrace(file: string): boolean {
  try {
    const stat = statSync(file);
    return stat.isFile() && stat.size > LARGE_TEXT && !BINARY.test(file) && BEGINNING.test(beginningOf(file));
  } catch {
    return false;
  }
}

function beginningOf(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(512);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(descriptor);
  }
}
