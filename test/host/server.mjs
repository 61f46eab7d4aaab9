/** One code-server on the loopback interface, with an own, quiet profile that disappears with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostEntry, hostNode } from './install.mjs';
import { Advice, environment, run } from './modules.mjs';

/** Settings that keep everything away that would pop up in front of the trace: walkthroughs, chat, update notices, Git. */
const quietSettings = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  // What is no text opens with its summary instead of a complaint that it is binary.
  'workbench.editorAssociations': { '*.dat': 'shadowMmu.trace', '*.{zst,gz}': 'shadowMmu.trace' },
  // A trace may lie in a folder of any size; nothing here needs to know when other files change.
  'files.watcherExclude': { '**': true },
};

/** @param {number} port 0: any */
async function claimPort(port) {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new Advice(`Port ${port} on 127.0.0.1 cannot be used (${code}): choose another with PORT=…, or leave PORT out for a free one.`);
  }
  const claimed = /** @type {import('node:net').AddressInfo} */ (probe.address()).port;
  probe.close();
  await once(probe, 'close');
  return claimed;
}

/**
 * @param {{ port?: number, settings?: Record<string, unknown>, env?: Record<string, string>, vsix?: string, args?: string[] }} [options]
 */
export async function startServer({ port = 0, settings = {}, env = {}, vsix, args = [] } = {}) {
  const chosen = await claimPort(port);
  const dir = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  const remove = () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(path.join(dir, 'data/User'), { recursive: true });
  const settingsFile = path.join(dir, 'data/User/settings.json');
  writeFileSync(settingsFile, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
  writeFileSync(path.join(dir, 'config.yaml'), 'auth: none\n');
  const place = [
    '--config',
    path.join(dir, 'config.yaml'),
    '--user-data-dir',
    path.join(dir, 'data'),
    '--extensions-dir',
    path.join(dir, 'extensions'),
  ];
  // A server started from a terminal of another VS Code must not take that one for its own.
  const inherited = Object.entries(environment()).filter(([name]) => !/^(VSCODE_|CODE_SERVER_|ELECTRON_|PORT$|PASSWORD$)/.test(name));
  const serverEnv = { ...Object.fromEntries(inherited), XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir, ...env };

  if (vsix) {
    const { code, output } = await run(hostNode, [hostEntry, ...place, '--install-extension', vsix, '--force'], {
      env: serverEnv,
      quiet: true,
    });
    if (code !== 0) {
      remove();
      throw new Error(`the extension could not be installed:\n${output}`);
    }
  }

  const logFile = path.join(dir, 'server.log');
  const log = openSync(logFile, 'w');
  const server = spawn(
    hostNode,
    [
      ...[hostEntry, ...place, '--auth', 'none', '--bind-addr', `127.0.0.1:${chosen}`],
      ...['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override'],
      // A closed window keeps its extension host for this long (seconds); the default is three hours.
      ...['--reconnection-grace-time', '10'],
      ...args,
    ],
    { stdio: ['ignore', log, log], env: serverEnv, detached: true },
  );
  closeSync(log);
  // The server is several processes in a group of their own: nothing else would end them when this process ends early.
  const kill = (/** @type {NodeJS.Signals} */ signal) => {
    try {
      if (server.pid) process.kill(-server.pid, signal);
    } catch {
      // the group is gone already
    }
  };
  const atExit = () => {
    kill('SIGKILL');
    remove();
  };
  process.once('exit', atExit);
  const stop = async () => {
    kill('SIGTERM');
    if (server.exitCode === null) await Promise.race([once(server, 'exit'), sleep(3000, undefined, { ref: false })]);
    process.off('exit', atExit);
    atExit();
  };

  const origin = `http://127.0.0.1:${chosen}`;
  for (const deadline = Date.now() + 60_000; ; await sleep(50)) {
    const answer = await fetch(`${origin}/healthz`).catch(() => undefined);
    if (answer?.ok) break;
    if (server.exitCode !== null || Date.now() > deadline) {
      const said = readFileSync(logFile, 'utf8');
      await stop();
      throw new Error(`code-server did not start:\n${said}`);
    }
  }
  return { origin, process: server, settingsFile, stop };
}
