/**
 * The two editor suites, in a VS Code in the browser: the one in the extension host and the one that drives the workbench. One browser for
 * both; the extension host suite has a server of its own, because the switch it needs silences notifications.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { format } from 'node:util';
import { chromium } from 'playwright-core';
import { findChromium } from '../host/chromium.mjs';
import { installHost } from '../host/install.mjs';
import { root } from '../host/modules.mjs';
import { packExtension } from '../host/pack.mjs';
import { startServer } from '../host/server.mjs';
import { windowUrl } from '../host/windowUrl.mjs';
import { emptyFolder, guarded, mocha, reportSuite, resultFile, sum } from '../suites.mjs';
import { runOnDesktop } from './desktop.mjs';

const suiteFile = path.join(root, 'out/test/editor/exthost.cjs');
const suiteLimit = 360_000;

/** A workspace that a suite may write to: the bundled trace, the same recording as a trace.dat, and the scenarios. */
function workspace() {
  const parent = mkdtempSync(path.join(tmpdir(), 'shadow-mmu-'));
  const folder = path.join(parent, 'samples');
  for (const source of ['samples', 'scenarios']) cpSync(path.join(root, 'media', source), folder, { recursive: true });
  cpSync(path.join(root, 'test/data/k6.1-nonpae-small-all.dat'), path.join(folder, 'trace.dat'));
  return { folder, remove: () => rmSync(parent, { recursive: true, force: true, maxRetries: 5 }) };
}

/**
 * Opens a window whose extension host loads the suite, and waits until the workbench reports its end.
 * @param {string} endpoint of the browser
 * @param {string} folder
 */
async function inExtensionHost(endpoint, folder) {
  const since = performance.now();
  const { file, remove } = resultFile();
  // The extension host inherits the environment of the server. Built workbenches only take the payload's keys for development with this
  // option; without it they would say nothing and never run the suite.
  const server = await startServer({ env: { TEST_RESULTS: file }, args: ['--vscode-option', 'enable-smoke-test-driver'] });
  const browser = await chromium.connect(endpoint);
  try {
    const page = await browser.newPage();
    let output = '';
    const print = (/** @type {unknown[]} */ ...args) => (output += `${format(...args)}\n`);
    let end = (/** @type {number} */ _code) => {};
    const ended = /** @type {Promise<number>} */ (new Promise((resolve) => (end = resolve)));
    // The workbench calls these two functions of its window.
    await page.exposeFunction('codeAutomationExit', end);
    await page.exposeFunction('codeAutomationLog', (/** @type {string} */ _kind, /** @type {unknown[]} */ args) => print(...args));
    page.on('pageerror', (error) => print('[page]', error.message));
    await page.goto(
      windowUrl(server.origin, folder, [
        ['extensionDevelopmentPath', root],
        ['extensionTestsPath', suiteFile],
      ]),
    );
    const late = sleep(suiteLimit, -1, { ref: false });
    const code = await Promise.race([ended, late]);
    if (code < 0) print(`no end after ${suiteLimit / 1000} s`);
    return reportSuite('extension host tests', since, { file, code, output });
  } finally {
    await browser.close();
    await server.stop();
    remove();
  }
}

/**
 * Drives the installed extension as a person would; `pictures` takes those of the README instead of testing.
 * @param {string} endpoint of the browser
 * @param {string} folder
 * @param {string[]} options of mocha
 * @param {boolean} [pictures]
 */
async function inWorkbench(endpoint, folder, options, pictures = false) {
  const { vsix } = await packExtension();
  const server = await startServer({ vsix });
  const env = {
    EDITOR_BROWSER: endpoint,
    EDITOR_ORIGIN: server.origin,
    EDITOR_SETTINGS: server.settingsFile,
    EDITOR_FOLDER: folder,
    EDITOR_SCREENSHOTS: path.join(root, pictures ? 'media/screenshots' : 'out/screenshots'),
  };
  const [name, files] = pictures ? ['pictures', 'out/test/editor/pictures.mjs'] : ['workbench tests', 'out/test/editor/*.test.mjs'];
  try {
    return await mocha(name, [files, '--timeout', '180000', ...options], env);
  } finally {
    await server.stop();
  }
}

/** The webviews alone, without VS Code around them. @param {string[]} options of mocha */
function inBrowser(options) {
  return mocha('webview tests', ['out/test/webview/**/*.test.mjs', '--timeout', '60000', ...options]);
}

/** @typedef {'webview' | 'exthost' | 'ui' | 'desktop' | 'pictures'} EditorSuite */

/**
 * @param {EditorSuite[]} suites
 * @param {string[]} options of mocha
 */
export async function runEditorTests(suites, options) {
  const samples = workspace();
  try {
    const desktop = suites.includes('desktop') ? [await guarded(() => runOnDesktop(suiteFile, samples.folder))] : [];
    const browser = suites.some((suite) => suite !== 'desktop') ? await inChromium(suites, samples.folder, options) : [];
    return sum([...desktop, ...browser]);
  } finally {
    samples.remove();
  }
}

/** @param {EditorSuite[]} suites @param {string} folder @param {string[]} options of mocha */
async function inChromium(suites, folder, options) {
  const browser = await chromium.launchServer(await findChromium());
  const endpoint = browser.wsEndpoint();
  emptyFolder('out/screenshots');
  const tallies = [];
  try {
    if (suites.includes('webview')) tallies.push(await guarded(() => inBrowser(options)));
    if (['exthost', 'ui', 'pictures'].some((suite) => suites.includes(/** @type {EditorSuite} */ (suite)))) await installHost();
    if (suites.includes('exthost')) tallies.push(await guarded(() => inExtensionHost(endpoint, folder)));
    if (suites.includes('ui')) tallies.push(await guarded(() => inWorkbench(endpoint, folder, options)));
    if (suites.includes('pictures')) tallies.push(await guarded(() => inWorkbench(endpoint, folder, options, true)));
  } finally {
    await browser.close();
  }
  return tallies;
}
