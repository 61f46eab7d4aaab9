/** What is shipped, and how long VS Code waits for it. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { root } from './files.js';
import { median } from './statistics.js';

/** Bytes. */
export interface BundleSize {
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly packed: number }[];
  /** the .vsix */
  readonly extension: number;
}

/** After `run.mjs` has packed the extension. */
export function bundleSize(): BundleSize {
  const dist = path.join(root, 'dist');
  const names = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(js|cjs|wasm)$/.test(name));
  const files = names.sort().map((name) => {
    const content = readFileSync(path.join(dist, name));
    return { name, bytes: content.length, packed: gzipSync(content).length };
  });
  return { files, extension: statSync(path.join(root, 'out/shadow-mmu.vsix')).size };
}

/** Medians in milliseconds, each run in a process of its own; without what VS Code itself does. */
export async function activation(runs: number): Promise<{ load: number; activate: number }> {
  const all: { load: number; activate: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(root, 'test/bench/activation.mjs')]);
    all.push(JSON.parse(stdout) as { load: number; activate: number });
  }
  return { load: median(all.map(({ load }) => load)), activate: median(all.map(({ activate }) => activate)) };
}
