/** `npm run bench [-- FILE… | --quick | --markdown]`; without files, recordings beside the project, or bundled and generated traces. */
import path from 'node:path';
import { installModules, root, run } from '../host/modules.mjs';
import { packExtension } from '../host/pack.mjs';

await installModules();
const asked = process.argv.slice(2);
const args = asked.map((arg) => (arg.startsWith('--') ? arg : path.resolve(process.env.INIT_CWD ?? process.cwd(), arg)));
await packExtension(); // builds dist/, too
for (const program of [
  ['esbuild.mjs', '--tests'],
  [path.join(root, 'out/test/bench/bench.mjs'), ...args],
]) {
  const { code } = await run(process.execPath, program);
  if (code !== 0) process.exit(code);
}
