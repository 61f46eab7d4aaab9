/**
 * `npm test`: everything there is to check, from a fresh clone on. Ends with one line `N passed, N failed`.
 *
 *   node test/run.mjs [static|unit|webview|exthost|ui|desktop|pictures]… [-- MOCHA OPTIONS]
 *
 * Without a name, all of them but `desktop` and `pictures`, which takes those of the README. The static checks (build, format, lint, types) count as one test each.
 */
import { Advice, installModules } from './host/modules.mjs';
import { check, guarded, mocha, sum } from './suites.mjs';

const end = process.argv.indexOf('--');
const mochaOptions = end < 0 ? [] : process.argv.slice(end + 1);
const asked = process.argv.slice(2, end < 0 ? undefined : end);
const suites = ['static', 'unit', 'webview', 'exthost', 'ui', 'desktop', 'pictures'];
const onDemand = ['desktop', 'pictures'];
const wants = (/** @type {string} */ suite) => asked.includes(suite) || (asked.length === 0 && !onDemand.includes(suite));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

async function staticChecks() {
  const bin = 'node_modules';
  return sum([
    await check('format', [`${bin}/prettier/bin/prettier.cjs`, '--check', '--log-level=warn', '.']),
    await check('lint', [`${bin}/eslint/bin/eslint.js`, '.']),
    await check('types', [`${bin}/typescript/bin/tsc`, '--noEmit', '-p', '.']),
  ]);
}

/** @param {import('./editor/run.mjs').EditorSuite[]} suites */
async function editorTests(suites) {
  if (process.env.SKIP_EDITOR_TESTS === '1') {
    console.log('\nThe editor tests were SKIPPED (SKIP_EDITOR_TESTS=1).');
    return { passed: 0, failed: 0 };
  }
  // Loaded late: it needs node_modules.
  const { runEditorTests } = await import('./editor/run.mjs');
  return runEditorTests(suites, mochaOptions);
}

async function all() {
  const unknown = asked.find((name) => !suites.includes(name));
  if (unknown !== undefined) throw new Advice(`There is no suite "${unknown}": choose among ${suites.join(', ')}.`);
  await installModules();
  const built = [await check('build', ['esbuild.mjs']), await check('build of the tests', ['esbuild.mjs', '--tests'])];
  if (sum(built).failed) return sum(built);
  const unit = ['out/test/**/*.test.mjs', '--ignore', 'out/test/{editor,webview}/**', '--timeout', '20000', ...mochaOptions];
  const editorSuites = /** @type {const} */ (['exthost', 'ui', 'desktop', 'pictures']).filter(wants);
  // Two processors: the checks of the sources and the webviews beside the unit tests.
  const beside = async () => {
    const checks = wants('static') ? [await guarded(staticChecks)] : [];
    return sum(wants('webview') ? [...checks, await guarded(() => editorTests(['webview']))] : checks);
  };
  const plain = await Promise.all([beside(), ...(wants('unit') ? [guarded(() => mocha('unit tests', unit))] : [])]);
  const editor = editorSuites.length ? [await guarded(() => editorTests([...editorSuites]))] : [];
  return sum([...built, ...plain, ...editor]);
}

const { passed, failed } = await guarded(all);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
