/**
 * `npm start [-- FILE]`: builds the project and opens VS Code on the bundled trace, or on FILE, ready for F5.
 *
 * Desktop VS Code runs the project folder in an Extension Development Host, so nothing stays installed in the user's VS Code. Without a
 * desktop, the packed extension is installed into a VS Code of its own in the browser, which disappears when this ends.
 */
import { once } from 'node:events';
import { cpSync, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { installHost } from './install.mjs';
import { Advice, installModules, root, run } from './modules.mjs';
import { packExtension } from './pack.mjs';
import { startServer } from './server.mjs';
import { windowUrl } from './windowUrl.mjs';

/** @param {string} name */
function onPath(name) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => existsSync(path.join(folder, name)));
}

/** VS Code refuses to run as root, and `code` inside a container or over ssh has no display to draw on. */
function hasDesktop() {
  const display = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  return onPath('code') && Boolean(display) && process.getuid?.() !== 0;
}

/** The trace to open and the folder around it. The bundled trace is opened as a copy, so that trying things out leaves the sources alone. */
function chooseTrace() {
  const given = process.argv[2];
  if (given === undefined) {
    const folder = path.join(root, 'out/samples');
    cpSync(path.join(root, 'media/samples'), folder, { recursive: true });
    return { trace: path.join(folder, 'nonpae-tour.ftrace'), folder };
  }
  // npm runs scripts in the project folder; the path was typed in another one.
  const trace = path.resolve(process.env.INIT_CWD ?? process.cwd(), given);
  const kind = statSync(trace, { throwIfNoEntry: false });
  if (!kind?.isFile()) throw new Advice(`${trace}: ${kind ? 'not a file' : 'no such file'}. Give the path of a trace: npm start -- FILE`);
  return { trace, folder: path.dirname(trace) };
}

/** @param {{ trace: string, folder: string }} chosen */
async function openDesktop({ trace, folder }) {
  const build = await run(process.execPath, ['esbuild.mjs']);
  if (build.code !== 0) throw new Advice('The build failed; see above.');
  console.log('Opening VS Code (Extension Development Host). Press F5 in it to debug the trace.');
  const { code } = await run('code', [`--extensionDevelopmentPath=${root}`, '--disable-workspace-trust', '--new-window', folder, trace]);
  if (code !== 0) throw new Advice(`\`code\` ended with status ${code}. Without it on PATH, npm start opens VS Code in the browser.`);
}

/** @returns {number} 0: any */
function chosenPort() {
  const port = Number(process.env.PORT ?? 0);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new Advice(`PORT=${process.env.PORT} is no port: give a number up to 65535, or leave PORT out for a free one.`);
}

/** @param {{ trace: string, folder: string }} chosen */
async function openBrowser({ trace, folder }) {
  const port = chosenPort();
  await installHost();
  const { vsix } = await packExtension();
  const server = await startServer({ port, vsix });
  const url = windowUrl(server.origin, folder, [['openFile', trace]]);
  console.log(`\nVS Code is at\n\n  ${url}\n\nOpen it in a browser and press F5 to debug the trace. Ctrl+C ends it.`);
  await once(server.process, 'exit');
  throw new Advice('VS Code in the browser ended by itself.');
}

// Leaving by process.exit, whenever the signal comes, takes the server and its profile along.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(0));

try {
  const chosen = chooseTrace();
  await installModules();
  await (hasDesktop() ? openDesktop(chosen) : openBrowser(chosen));
} catch (error) {
  console.error(error instanceof Advice ? error.message : error);
  process.exit(1);
}
