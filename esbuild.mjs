/**
 * Bundles: `node esbuild.mjs` writes dist/, `node esbuild.mjs --tests` writes out/test/.
 *
 * Everything under dist/ stands alone (no node_modules at run time): the command line and the debug adapter also run from a copied folder.
 */
import { build } from 'esbuild';
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

/** @typedef {import('esbuild').BuildOptions} Options */

/** @type {Options} */
const common = { bundle: true, metafile: true, sourcemap: true, logLevel: 'warning' };
/** Half of the time to the first stop goes by parsing programs; names stay, for stacks that users send. @type {Options} */
const shipped = { minifyWhitespace: true, minifySyntax: true };
/** Without fetch zstddec decodes its WebAssembly itself: to load Node's takes a tenth of a second of the time to the first stop. @type {Options} */
const node = { ...common, platform: 'node', target: 'node20', define: { fetch: 'undefined' } };
/** CommonJS packages (@vscode/debugadapter) ask for Node's built-ins with require(), which an ES module does not have. */
const requireLine = "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";
/** @type {Options} */
const esm = { ...node, format: 'esm', banner: { js: requireLine } };
/** @type {Options} */
const program = { ...esm, banner: { js: `#!/usr/bin/env node\n${requireLine}` } };
/** @type {Options} */
const cjs = { ...node, format: 'cjs', external: ['vscode'] };
/** @type {Options} */
const browser = { ...common, platform: 'browser', target: 'es2022', format: 'iife' };

const testTools = [
  'mocha',
  'fast-check',
  'playwright-core',
  'eslint',
  'typescript',
  'typescript-eslint',
  'esbuild',
  '@vscode/test-electron',
  '@duckdb/node-api',
];

/**
 * Files below `dir` whose name ends in `ending`, as paths from the project root.
 * @param {string} dir
 * @param {string} ending
 */
function files(dir, ending) {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(dir, name))
    .filter((name) => name.endsWith(ending) && !name.includes('node_modules'))
    .sort();
}

/**
 * Removes what an earlier build left in `dir` and these results did not write, so that a deleted test does not live on.
 * @param {string} dir
 * @param {import('esbuild').BuildResult[]} results
 */
function prune(dir, results) {
  const written = new Set(results.flatMap((result) => Object.keys(result.metafile?.outputs ?? {})).map((name) => path.normalize(name)));
  for (const name of files(dir, '')) if (statSync(name).isFile() && !written.has(name)) rmSync(name);
}

async function buildDist() {
  const results = await Promise.all([
    build({ ...cjs, ...shipped, entryPoints: ['src/extension/extension.ts'], outfile: 'dist/extension.cjs' }),
    build({ ...esm, ...shipped, entryPoints: ['src/debug/main.ts'], outfile: 'dist/debugAdapter.js' }),
    build({ ...program, ...shipped, entryPoints: ['src/cli.ts'], outfile: 'dist/cli.js' }),
    build({ ...esm, ...shipped, entryPoints: ['src/trace/traceWorker.ts'], outfile: 'dist/traceWorker.js' }),
    build({ ...esm, ...shipped, entryPoints: ['src/debug/load/replayWorker.ts'], outfile: 'dist/replayWorker.js' }),
    build({
      ...browser,
      ...shipped,
      entryPoints: ['layout', 'summary', 'compare'].map((name) => `src/webview/${name}.ts`),
      outdir: 'dist/webview',
    }),
  ]);
  prune('dist', results);
}

async function buildTests() {
  const inHost = files('test/editor', '.ts').filter((name) => /^exthost(\w*\.test)?\.ts$/.test(path.basename(name)));
  const programs = ['test/bench/bench.ts', 'test/bench/cost.ts', 'test/editor/pictures.ts', 'test/trace/tableThread.ts'];
  const plain = [...files('test', '.test.ts').filter((name) => !inHost.includes(name)), ...programs];
  const options = { outbase: 'test', outdir: 'out/test', sourcemap: /** @type {const} */ ('inline') };
  const results = await Promise.all([
    build({ ...esm, ...options, entryPoints: plain, external: testTools, outExtension: { '.js': '.mjs' } }),
    // The extension host loads its suite with require().
    build({ ...cjs, ...options, entryPoints: inHost, external: ['vscode', ...testTools], outExtension: { '.js': '.cjs' } }),
  ]);
  prune('out/test', results);
}

await (process.argv.includes('--tests') ? buildTests() : buildDist());
