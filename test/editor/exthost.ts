/** What VS Code loads in its extension host (`extensionTestsPath`), on the desktop as in the browser: runs the suites beside it. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export async function run(): Promise<void> {
  const { default: Mocha } = await import('mocha');
  const reporter = pathToFileURL(path.join(__dirname, '../../../test/reporter.mjs')).href;
  const { default: Reporter } = (await import(reporter)) as { default: Mocha.ReporterConstructor };
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, color: false, reporter: Reporter });
  if (process.env.TEST_GREP) mocha.grep(process.env.TEST_GREP);
  for (const file of readdirSync(__dirname)) if (file.endsWith('.test.cjs')) mocha.addFile(path.join(__dirname, file));
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures) throw new Error(`${failures} tests failed in the extension host`);
}
