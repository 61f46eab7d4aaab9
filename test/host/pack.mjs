/** Packs the extension as users install it; run as a program, it says what went in. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { root, run } from './modules.mjs';

const vsce = path.join(root, 'node_modules/@vscode/vsce/vsce');

/**
 * Builds (package.json, vscode:prepublish) and packs.
 * @param {string} vsix where to
 */
export async function packExtension(vsix = path.join(root, 'out/shadow-mmu.vsix')) {
  mkdirSync(path.dirname(vsix), { recursive: true });
  // The bundles in dist/ stand alone, so no node_modules go in. The README's pictures go along instead of being linked on the web.
  const options = ['--no-dependencies', '--no-rewrite-relative-links', '--allow-missing-repository', '--out', vsix];
  const { code, output } = await run(process.execPath, [vsce, 'package', ...options], { quiet: true });
  if (code !== 0) throw new Error(`the extension could not be packed:\n${output}`);
  return { vsix, output };
}

if (import.meta.filename === process.argv[1]) {
  const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { vsix, output } = await packExtension(path.join(root, `${name}-${version}.vsix`));
  console.log(output.trim());
  console.log(`${path.basename(vsix)}: ${Math.ceil(statSync(vsix).size / 1024)} KB`);
}
