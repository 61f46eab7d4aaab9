/** What `npm start` and `npm test` need before anything else: the project's node_modules. Uses nothing but Node itself. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

/** A failure whose message is all that the person at the terminal needs; no stack trace helps. */
export class Advice extends Error {}

/**
 * npm's own settings for children that work in another folder: npm describes the running script in the environment, and a nested npm
 * would take that description for its own.
 */
export function environment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|INIT_CWD)/.test(name)),
  );
}

/**
 * Runs a program to its end; its output is passed on, or collected when `quiet`.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, quiet?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>} code 1 also when a signal ended it
 */
export function run(program, args, { cwd = root, env = environment(), quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'] });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, node?: string }} [options] `node`: the Node to run npm with
 */
export async function npm(args, { cwd = root, env = environment(), node = process.execPath } = {}) {
  const cli = process.env.npm_execpath;
  const quietly = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  const { code, output } = cli?.endsWith('.js')
    ? await run(node, [cli, ...quietly], { cwd, env, quiet: true })
    : await run('npm', quietly, { cwd, env, quiet: true });
  if (code !== 0)
    throw new Advice(`npm ${args.join(' ')} failed in ${path.relative(root, cwd) || 'the project folder'}:\n${output.trim()}`);
}

/** @param {string} file */
function lockedVersions(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  delete packages[''];
  return /** @type {Map<string, { version: string, optional?: boolean }>} */ (new Map(Object.entries(packages)));
}

/** Whether node_modules holds what the lock file says. npm keeps a lock file of what it installed inside node_modules. */
function modulesAreCurrent() {
  const installedFile = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = lockedVersions(installedFile);
  return [...lockedVersions(path.join(root, 'package-lock.json'))].every(
    ([name, { version, optional }]) => installed.get(name)?.version === version || (optional && !installed.has(name)),
  );
}

export async function installModules() {
  if (modulesAreCurrent()) return;
  console.log('Installing node_modules …');
  await npm(['ci', '--include=dev']);
}
