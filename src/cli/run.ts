import { readFileSync } from 'node:fs';
import { transcript } from '../replay/scenario/transcript.js';
import { ScenarioError, runScenario, type ScenarioRun } from '../scenario/run.js';
import { UsageError, onlyFile, print, type Command, type Options } from './command.js';
import { eraOption, featuresNamed } from './rules.js';

export const run: Command = {
  usage: ['run S.mmu [--kernel ERA] [--without F]… [--with F]… [--invariants] [--json]', "a scenario, as the kernel's trace would show it"],
  takes: ['json', 'kernel', 'without', 'with', 'invariants'],
  run: (files, options) => Promise.resolve(runFile(onlyFile('run', files, 'scenario'), options)),
};

function runFile(file: string, options: Options): number {
  const done = runText(textOf(file), file, options);
  if (options.json) print(JSON.stringify(report(done, file)));
  else {
    process.stdout.write(transcript(done));
    for (const { line, column, message } of done.failures) process.stderr.write(`${file}:${line}:${column}: ${message}\n`);
  }
  return done.failures.length ? 1 : 0;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function runText(text: string, file: string, options: Options): ScenarioRun {
  const kernel = eraOption(options.kernel);
  const without = featuresNamed('without', options.without);
  const more = featuresNamed('with', options.with);
  try {
    return runScenario(text, file, { ...(kernel && { kernel }), without, with: more, invariants: options.invariants });
  } catch (error) {
    if (error instanceof ScenarioError) throw new UsageError(error.message);
    throw error;
  }
}

function report(done: ScenarioRun, file: string): object {
  return {
    file,
    kernel: done.era.name,
    without: done.without,
    with: done.with,
    events: done.happenings.length,
    statements: done.statements.map(({ line, text, first, last }) => ({ line, text, first, last })),
    failures: done.failures.map(({ line, column, message, expected, found }) => ({ line, column, message, expected, found })),
    trace: transcript(done),
  };
}
