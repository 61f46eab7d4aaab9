/** A Chromium for the editor tests: one that is there, else the Debian package, else Playwright's own download. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Advice, root, run } from './modules.mjs';

/** @typedef {import('playwright-core').LaunchOptions} LaunchOptions */

const names = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser', 'microsoft-edge-stable'];

function onPath() {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).filter((file) => existsSync(file));
}

/** How to launch `executablePath`, or Playwright's own when it is undefined. @param {string} [executablePath] @returns {LaunchOptions} */
function launchOptions(executablePath) {
  const args = ['--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  // Chromium's sandbox does not work for root, and often not in containers; the only pages here are our own.
  return { ...(executablePath && { executablePath }), args: ['--no-sandbox', ...args] };
}

/** The reason why a browser does not start; undefined when it does. @param {LaunchOptions} options */
async function complaint(options) {
  const { chromium } = await import('playwright-core');
  try {
    await (await chromium.launch(options)).close();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** The first browser that starts. Trying is the only proof: Ubuntu's `chromium-browser` is a stub that asks for a snap. */
async function firstThatStarts() {
  const candidates = process.env.CHROMIUM ? [process.env.CHROMIUM] : [...onPath(), undefined];
  for (const candidate of candidates) {
    const options = launchOptions(candidate);
    if ((await complaint(options)) === undefined) return options;
  }
  return undefined;
}

function isDebian() {
  const release = '/etc/os-release';
  return existsSync(release) && /^ID="?debian/m.test(readFileSync(release, 'utf8'));
}

/** Runs installers until one fails; what that one said. @param {[string, ...string[]][]} commands */
async function install(commands) {
  for (const [program, ...args] of commands) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { code, output } = await run(program, args, { quiet: true, env }).catch((/** @type {Error} */ error) => ({
      code: 1,
      output: error.message,
    }));
    if (code !== 0) return `${program} ${args.join(' ')}: ${output.trim().split('\n').at(-1)}`;
  }
  return undefined;
}

/** @returns {Promise<LaunchOptions>} */
export async function findChromium() {
  const there = await firstThatStarts();
  if (there) return there;
  if (process.env.CHROMIUM)
    throw new Advice(`CHROMIUM=${process.env.CHROMIUM} does not start: ${await complaint(launchOptions(process.env.CHROMIUM))}`);

  console.log('Installing Chromium for the editor tests …');
  const asRoot = process.getuid?.() === 0;
  const playwright = path.join(root, 'node_modules/playwright-core/cli.js');
  const failed =
    asRoot && isDebian()
      ? await install([
          ['apt-get', 'update', '-q'],
          ['apt-get', 'install', '-y', '-q', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
        ])
      : await install([[process.execPath, playwright, 'install', '--only-shell', ...(asRoot ? ['--with-deps'] : []), 'chromium']]);
  const now = await firstThatStarts();
  if (now) return now;
  throw new Advice(
    `The editor tests need a Chromium and none could be installed (${failed ?? 'it is there but does not start'}): ` +
      'install one and set CHROMIUM to its path, or run `sudo npx playwright-core install --with-deps chromium`.',
  );
}
