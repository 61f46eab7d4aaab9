/** `npm run bench [-- FILE…]`; without files, the bundled traces. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { installModules, root, run } from '../host/modules.mjs';

await installModules();
const samples = path.join(root, 'media/samples');
const bundled = readdirSync(samples).map((name) => path.join(samples, name));
const given = process.argv.slice(2).map((file) => path.resolve(process.env.INIT_CWD ?? process.cwd(), file));
for (const args of [['esbuild.mjs'], ['esbuild.mjs', '--tests'], ['out/test/bench/bench.mjs', ...(given.length ? given : bundled)]]) {
  const { code } = await run(process.execPath, args);
  if (code !== 0) process.exit(code);
}
