/**
 * `npm start [-- FILE]`: builds the project and opens VS Code on the bundled trace, or on FILE, ready for F5.
 *
 * Desktop VS Code runs the project folder in an Extension Development Host, so nothing stays installed in the user's VS Code. Without a
 * desktop, the packed extension is installed into a VS Code of its own in the browser, which disappears when this ends.
 */
import { cpSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installHost } from './install.mjs';
import { Advice, installModules, root, run } from './modules.mjs';
import { packExtension } from './pack.mjs';
import { startServer } from './server.mjs';
import { windowUrl } from './windowUrl.mjs';

const samples = path.join(root, 'media/samples');

/** @param {string} name */
function onPath(name) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
}

/** VS Code refuses to run as root, and `code` inside a container or over ssh has no display to draw on. */
function hasDesktop() {
  if (process.platform === 'win32') return onPath('code.cmd');
  const display = process.platform === 'darwin' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  return onPath('code') && Boolean(display) && process.getuid?.() !== 0;
}

/** The trace to open and the folder around it. The bundled trace is opened as a copy, so that trying things out leaves the sources alone. */
function chooseTrace() {
  const given = process.argv[2];
  if (given) {
    // npm runs scripts in the project folder; the path was typed in another one.
    const trace = path.resolve(process.env.INIT_CWD ?? process.cwd(), given);
    if (!existsSync(trace)) throw new Advice(`${trace}: no such file. Give the path of a kvmmmu trace: npm start -- FILE`);
    if (!statSync(trace).isFile()) throw new Advice(`${trace} is not a file. Give the path of a kvmmmu trace: npm start -- FILE`);
    return { trace, folder: path.dirname(trace), remove: () => {} };
  }
  const parent = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  const folder = path.join(parent, 'samples');
  cpSync(samples, folder, { recursive: true });
  return { trace: path.join(folder, 'nonpae-tour.ftrace'), folder, remove: () => rmSync(parent, { recursive: true, force: true }) };
}

/** @param {{ trace: string, folder: string }} chosen */
async function openDesktop({ trace, folder }) {
  const build = await run(process.execPath, ['esbuild.mjs']);
  if (build.code !== 0) throw new Advice('The build failed; see above.');
  console.log('Opening VS Code (Extension Development Host). Press F5 in it to debug the trace.');
  const args = [`--extensionDevelopmentPath=${root}`, '--disable-workspace-trust', '--new-window', '--wait', folder, trace];
  const { code } = await run(process.platform === 'win32' ? 'code.cmd' : 'code', args);
  if (code !== 0)
    throw new Advice(`\`code\` ended with status ${code}; to open VS Code in the browser instead, unset DISPLAY and start again.`);
}

/** @param {{ trace: string, folder: string }} chosen */
async function openBrowser({ trace, folder }) {
  await installHost();
  const { vsix } = await packExtension();
  const server = await startServer({ port: Number(process.env.PORT ?? 0), vsix });
  console.log(
    `\nVS Code is at\n\n  ${windowUrl(server.origin, folder, [['openFile', trace]])}\n\nOpen it in a browser and press F5 to debug the trace. Ctrl+C ends it.`,
  );
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
    server.process.once('exit', resolve);
  });
  await server.stop();
}

try {
  const chosen = chooseTrace();
  process.once('exit', chosen.remove);
  await installModules();
  await (hasDesktop() ? openDesktop(chosen) : openBrowser(chosen));
} catch (error) {
  console.error(error instanceof Advice ? error.message : error);
  process.exitCode = 1;
}
