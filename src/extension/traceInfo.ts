import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { TraceSummary } from '../protocol.js';
import { asNode } from './adapter.js';

/** `info` counts the events of ten million in one line; the line is small, notes of a damaged file may make it larger. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/** What the command line says about a trace. Rejects with its one-line message: what, where, what to do. */
export async function traceInfo(
  extension: vscode.Uri,
  trace: string,
  signal: AbortSignal,
): Promise<{ summary: TraceSummary; bytes: number }> {
  const { size } = await stat(trace);
  const cli = vscode.Uri.joinPath(extension, 'dist/cli.js').fsPath;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [cli, 'info', trace, '--json'],
      { env: { ...process.env, ...asNode }, signal, maxBuffer: MAX_OUTPUT },
      (error, stdout, stderr) => {
        // Damage and loss end with status 1, and the answer is there all the same.
        if (stdout.trim() !== '') resolve(stdout);
        else reject(new Error(stderr.trim() || error?.message || `${trace}: nothing could be read.`));
      },
    );
  });
  return { summary: JSON.parse(output) as TraceSummary, bytes: size };
}
