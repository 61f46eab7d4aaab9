import { print, warn, type Options } from '../command.js';
import { Progress } from '../progress.js';
import type { TraceErrorCode } from '../../trace/errors.js';
import type { Found } from './folder.js';
import { checkInThreads, type Answer, type PoolOptions } from './pool.js';
import { Summary } from './summary.js';

/** A file of a folder that is none of ours, which nobody named. */
const NO_TRACE: ReadonlySet<TraceErrorCode | undefined> = new Set(['not-a-trace', 'other-format', 'empty', 'special']);

/** Checks many files, and prints what `check` prints of each, in their order whatever thread is done first; then a summary. */
export async function checkMany(found: readonly Found[], options: Options, pool?: PoolOptions): Promise<number> {
  const jobs = found.flatMap(({ files, isFolder }) => files.map((file) => ({ file, named: !isFolder })));
  const summary = new Summary();
  const progress = new Progress();
  for (const { skipped, unreadable } of found) {
    summary.skipped += skipped;
    for (const message of unreadable) fail(message);
  }

  const answers: (Answer | undefined)[] = jobs.map(() => undefined);
  let next = 0;
  let done = 0;
  await checkInThreads(
    jobs.map(({ file }) => file),
    options,
    (index, answer) => {
      answers[index] = answer;
      done++;
      for (let ready = answers[next]; ready; ready = answers[next]) {
        progress.end();
        report(ready, jobs[next]!.named);
        answers[next++] = undefined;
      }
      progress.show('checked', done, jobs.length);
    },
    pool,
  );
  progress.end();
  if (summary.files === 0 && summary.status === 0)
    fail(`there is no trace in ${found.map(({ name }) => name).join(', ')}; name the files to see why`);
  const hasFolder = found.some(({ isFolder }) => isFolder);
  if (!options.json) print(summary.text());
  else if (hasFolder) warn(summary.text());
  return summary.status;

  function report(answer: Answer, named: boolean): void {
    if ('failure' in answer) {
      const { message, code } = answer.failure;
      if (!named && NO_TRACE.has(code)) summary.skipped++;
      else fail(message);
      return;
    }
    const { checked } = answer;
    if (checked.warning !== undefined) warn(checked.warning);
    print(checked.out);
    summary.add(checked);
  }

  function fail(message: string): void {
    warn(message);
    summary.fail();
  }
}
