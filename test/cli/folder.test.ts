import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { before, describe, it } from 'mocha';
import { checkInThreads, type Answer } from '../../src/cli/check/pool.js';
import { parse } from '../../src/cli/command.js';
import { recording, scratchFolder, shadowMmu } from './program.js';

const PROGRAM = pathToFileURL(path.resolve('dist/cli.js'));
const { values: JSON_OPTIONS } = parse(['--json']);

/** A report without the one thing that differs from run to run. */
const timeless = (line: string): string => line.replace(/,"seconds":[\d.]+/, '');
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(timeless);

describe('check of a folder', function () {
  this.timeout(60_000); // each file alone is checked by a process of its own
  const folder = scratchFolder();
  const inFolder = (name: string): string => path.join(folder, name);

  const WHOLE = ['a/b/k5.10.dat', 'a/k7.2.txt.zst', 'k6.1.dat', 'k6.1.txt.zst'];
  const LOST = 'a/lost.txt.zst';
  const CUT = 'a/cut.dat';

  before(() => {
    mkdirSync(inFolder('a/b'), { recursive: true });
    copyFileSync(recording('k5.10-nonpae-small-all.dat'), inFolder('a/b/k5.10.dat'));
    copyFileSync(recording('k7.2-nonpae-small-all.txt.zst'), inFolder('a/k7.2.txt.zst'));
    copyFileSync(recording('k6.1-nonpae-small-all.dat'), inFolder('k6.1.dat'));
    copyFileSync(recording('k6.1-nonpae-small-all.txt.zst'), inFolder('k6.1.txt.zst'));
    copyFileSync(recording('k6.1-lost-overwrite.txt.zst'), inFolder(LOST));
    const whole = readFileSync(recording('k6.1-nonpae-small-all.dat'));
    writeFileSync(inFolder(CUT), whole.subarray(0, whole.length - 3000));
    // None of these is a trace.
    writeFileSync(
      inFolder('README.md'),
      '# Traces of last night\n\n    qemu-1     [000] .....     1.000000: kvm_mmu_set_accessed_bit: gpa 1\n',
    );
    writeFileSync(inFolder('a/empty.dat'), '');
    writeFileSync(
      inFolder('a/b/noise.bin'),
      Uint8Array.from({ length: 5000 }, (_, i) => (i * i) & 0xff),
    );
    writeFileSync(inFolder('a/run.mmu'), 'kernel 6.1\n');
    symlinkSync(folder, inFolder('a/back'));
  });

  const sorted = [...WHOLE, LOST, CUT].sort().map(inFolder);

  it('prints of each trace what is printed of it alone, sorted by path', () => {
    const { status, stdout, errors } = shadowMmu('check', folder, '--json');
    assert.equal(status, 1);
    assert.deepEqual(
      linesOf(stdout),
      sorted.flatMap((file) => linesOf(shadowMmu('check', file, '--json').stdout)),
    );
    assert.match(errors[0]!, /^shadow-mmu: 6 files: \d+ events, \d+ lost$/);
    assert.match(errors.at(-1)!, /^ {2}\d+ findings? in \d+ files?, 0 could not be read, 5 are no traces$/);
  });

  it('ends with a summary of all', () => {
    const reports = linesOf(shadowMmu('check', folder, '--json').stdout).map(
      (line) => JSON.parse(line) as { events: number; findingsTotal: number; outputs: Record<string, Record<string, number>> },
    );
    const { stdout } = shadowMmu('check', folder);
    const events = reports.reduce((sum, report) => sum + report.events, 0);
    const findings = reports.reduce((sum, report) => sum + report.findingsTotal, 0);
    const exact = reports.flatMap(({ outputs }) => Object.values(outputs)).reduce((sum, tally) => sum + tally.exact!, 0);
    const [files, outputs, found] = stdout.trimEnd().split('\n').slice(-3);
    assert.match(files!, new RegExp(`^6 files: ${events} events, `));
    assert.match(outputs!, new RegExp(` ${exact} exact `));
    assert.match(found!, new RegExp(`^  ${findings} findings? in `));
  });

  it('does not depend on the number of threads', async () => {
    const answers = async (threads: number): Promise<string[]> => {
      const all: string[] = [];
      await checkInThreads(sorted, JSON_OPTIONS, (i, answer) => (all[i] = timeless(JSON.stringify(answer).replaceAll('\\"', '"'))), {
        program: PROGRAM,
        threads,
      });
      return all;
    };
    const one = await answers(1);
    assert.equal(one.length, sorted.length);
    assert.deepEqual(await answers(5), one);
  });

  it('goes on after a file that cannot be read, and after one that ends its thread', async () => {
    const missing = inFolder('missing.dat');
    const { status, stdout, errors } = shadowMmu(
      'check',
      inFolder('k6.1.dat'),
      missing,
      inFolder('a/b/noise.bin'),
      inFolder('k6.1.txt.zst'),
      '--json',
    );
    assert.equal(status, 2);
    assert.equal(linesOf(stdout).length, 2);
    assert.deepEqual(
      errors.map((line) => line.split(';')[0]),
      [
        `shadow-mmu: ${missing}: there is no such file`,
        `shadow-mmu: ${inFolder('a/b/noise.bin')}, byte 0: is neither a trace.dat file nor the text of a kernel trace`,
      ],
    );

    const program = inFolder('a/b/thread.mjs');
    writeFileSync(
      program,
      `import { parentPort } from 'node:worker_threads';
       parentPort.on('message', ({ file }) => {
         if (file === 'throws') throw new Error('out of cells');
         if (file === 'ends') process.exit(3);
         parentPort.postMessage({ checked: { out: file } });
       });`,
    );
    const answers: Answer[] = [];
    await checkInThreads(['one', 'throws', 'two', 'ends', 'three'], JSON_OPTIONS, (i, answer) => (answers[i] = answer), {
      program: pathToFileURL(program),
      threads: 2,
    });
    const said = answers.map((answer) => ('failure' in answer ? answer.failure.message : answer.checked.out));
    assert.deepEqual(said, [
      'one',
      'throws: the check broke off (out of cells); check it alone to see more',
      'two',
      'ends: the check broke off (its thread ended); check it alone to see more',
      'three',
    ]);
  });

  it('says when there is nothing to check, and what is wrong with the call before it begins', () => {
    mkdirSync(inFolder('a/nothing'));
    const empty = shadowMmu('check', inFolder('a/nothing'));
    assert.deepEqual([empty.status, empty.errors.length], [2, 1]);
    assert.match(empty.errors[0]!, /there is no trace in .*nothing/);
    for (const [option, value] of [
      ['--kernel', '99'],
      ['--vm', 'x'],
      ['--without', 'nonsense'],
      ['--max-findings', '-1'],
    ] as const) {
      const { status, stdout, errors } = shadowMmu('check', folder, `${option}=${value}`);
      assert.deepEqual([status, stdout, errors.length], [2, '', 1], option);
    }
  });
});
