import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'mocha';

/** What a command answered. */
export interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  /** by line */
  readonly errors: string[];
}

/** The command line as it is installed, in a process of its own. */
export function shadowMmu(...args: string[]): Answer {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return { status, stdout, errors: stderr.split('\n').filter((line) => line !== '') };
}

/** A folder that is gone after the tests of the file that asks for it. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-cli-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The path of a recording in the test data, as one types it. */
export function recording(name: string): string {
  return path.join('test/data', name);
}
