/** Running one suite in a process of its own, and counting only what it proves to have run. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Advice, environment, root, run } from './host/modules.mjs';

/** @typedef {{ passed: number, failed: number }} Tally */

/** @param {Tally[]} tallies @returns {Tally} */
export function sum(tallies) {
  return tallies.reduce((all, one) => ({ passed: all.passed + one.passed, failed: all.failed + one.failed }), { passed: 0, failed: 0 });
}

/** A suite that cannot start is one failed test, and the others still run. @param {() => Promise<Tally>} suite @returns {Promise<Tally>} */
export async function guarded(suite) {
  try {
    return await suite();
  } catch (error) {
    console.error(error instanceof Advice ? error.message : error);
    return { passed: 0, failed: 1 };
  }
}

/** @param {string} name @param {number} since @param {string} [output] */
function report(name, since, output = '') {
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(`\n── ${name} (${seconds} s)${output.trim() ? `\n${output.trimEnd()}` : ''}`);
}

/**
 * A check that is one test: it passes when the program ends with 0.
 * @param {string} name
 * @param {string[]} args of Node
 * @returns {Promise<Tally>}
 */
export async function check(name, args) {
  const since = performance.now();
  const { code, output } = await run(process.execPath, args, { quiet: true });
  report(`${name}: ${code === 0 ? 'ok' : 'FAILED'}`, since, code === 0 ? '' : output);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
}

/** A place for the result of a suite, outside the project. */
export function resultFile() {
  const dir = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  return { file: path.join(dir, 'results.json'), remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/**
 * Counts what test/reporter.mjs left. Without a result, or without a single test that passed, the suite has failed: an extension host that
 * was killed ends with exit status 0, and so does a suite that found none of its files.
 * @param {string} file the result
 * @param {number} code exit status
 * @returns {Tally & { text: string, complaint?: string }}
 */
export function countResults(file, code) {
  if (!existsSync(file)) return { passed: 0, failed: 1, text: '', complaint: `ended with status ${code} and without a result` };
  const { passed, failed, text } = /** @type {Tally & { text: string }} */ (JSON.parse(readFileSync(file, 'utf8')));
  if (failed > 0 || (code === 0 && passed > 0)) return { passed, failed, text };
  return { passed, failed: 1, text, complaint: `ended with status ${code} after ${passed} passed tests and no failed one` };
}

/**
 * Prints and counts the result of a suite.
 * @param {string} name
 * @param {number} since
 * @param {{ file: string, code: number, output: string }} end of the suite: its result file, exit status, and all it printed
 * @returns {Tally}
 */
export function reportSuite(name, since, { file, code, output }) {
  const { passed, failed, text, complaint } = countResults(file, code);
  if (complaint) report(`${name}: ${complaint}`, since, text + output);
  else report(name, since, text.replace(/^\n+/, ''));
  return { passed, failed };
}

/**
 * @param {string} name
 * @param {string[]} args of mocha: files and options
 * @param {Record<string, string>} [env]
 * @returns {Promise<Tally>}
 */
export async function mocha(name, args, env = {}) {
  const since = performance.now();
  const { file, remove } = resultFile();
  const program = path.join(root, 'node_modules/mocha/bin/mocha.js');
  const reporter = path.join(root, 'test/reporter.mjs');
  const { code, output } = await run(process.execPath, [program, '--exit', '--reporter', reporter, ...args], {
    quiet: true,
    env: { ...environment(), ...env, TEST_RESULTS: file },
  });
  const tally = reportSuite(name, since, { file, code, output });
  remove();
  return tally;
}

/** @param {string} name */
export function emptyFolder(name) {
  const folder = path.join(root, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
