/** The extension host suite in a desktop VS Code: `npm run test:desktop`. */
import { runTests } from '@vscode/test-electron';
import { root } from '../host/modules.mjs';
import { reportSuite, resultFile } from '../suites.mjs';

/**
 * Takes the VS Code that VSCODE_EXECUTABLE names, else downloads one into .vscode-test/.
 * @param {string} suite
 * @param {string} folder
 */
export async function runOnDesktop(suite, folder) {
  const since = performance.now();
  const { file, remove } = resultFile();
  const executable = process.env.VSCODE_EXECUTABLE;
  try {
    const code = await runTests({
      ...(executable && { vscodeExecutablePath: executable }),
      extensionDevelopmentPath: root,
      extensionTestsPath: suite,
      launchArgs: [folder, '--disable-workspace-trust', '--disable-extensions', '--skip-welcome', '--skip-release-notes'],
      extensionTestsEnv: { TEST_RESULTS: file },
    });
    return reportSuite('extension host tests on the desktop', since, { file, code, output: '' });
  } finally {
    remove();
  }
}
