/**
 * Mocha's spec reporter, which also leaves its counts and its text in the file that TEST_RESULTS names: a suite that died early has left
 * none, and what an extension host prints comes mixed with what VS Code has to say.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { format } from 'node:util';
import Mocha from 'mocha';

export default class Reporter extends Mocha.reporters.Spec {
  /** @param {Mocha.Runner} runner @param {Mocha.MochaOptions} options */
  constructor(runner, options) {
    const file = process.env.TEST_RESULTS;
    /** @type {string[]} */
    const lines = [];
    if (file) Mocha.reporters.Base.consoleLog = (...args) => lines.push(format(...args));
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      if (!file) return;
      const { passes = 0, failures = 0 } = runner.stats ?? {};
      writeFileSync(`${file}.part`, JSON.stringify({ passed: passes, failed: failures, text: lines.join('\n') }));
      renameSync(`${file}.part`, file);
    });
  }
}
