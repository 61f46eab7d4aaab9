import { checkReport, type CheckReport } from '../../replay/reports.js';
import { natural, type Options } from '../command.js';
import { openReplayed } from '../opened.js';
import { kernelOf, memoryLimit, requireVm, shortOf, statusOf, withoutKvm } from '../trace.js';
import { featuresNamed } from '../rules.js';
import { checkText } from './text.js';

/** What is known of a file that was checked. Plain data: it may come from another thread. */
export interface Checked {
  /** for standard output, without the last line's end */
  readonly out: string;
  /** a line for standard error */
  readonly warning: string | undefined;
  /** exit status: 1 where there are findings, damage or loss */
  readonly status: number;
  readonly report: Pick<CheckReport, 'events' | 'lost' | 'outputs' | 'findingsTotal'>;
}

/** @throws UsageError where an option of `check` is wrong, whatever the files are */
export function validate(options: Options): void {
  limits(options);
  kernelOf(options);
  memoryLimit(options);
  featuresNamed('without', options.without);
}

/**
 * Holds a file against the model.
 *
 * @param inline read it in this thread, because all others have files of their own
 * @throws TraceError, UsageError
 */
export async function checkFile(file: string, options: Options, inline = false): Promise<Checked> {
  const { max, vm } = limits(options);
  const started = process.hrtime.bigint();
  const limit = memoryLimit(options);
  const replay = await openReplayed(file, { ...options, inline, limit });
  const short = shortOf(replay, limit);
  const { table } = replay;
  requireVm(replay, vm);
  const invariants = options.invariants ? replay.checkInvariants(vm) : undefined;
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const report = checkReport(replay, seconds, max, vm, invariants);
  const { events, lost, outputs, findingsTotal } = report;
  return {
    out: options.json ? JSON.stringify(report) : checkText(report),
    warning: short ?? withoutKvm(table),
    status: findingsTotal > 0 || short !== undefined ? 1 : statusOf(table),
    report: { events, lost, outputs, findingsTotal },
  };
}

function limits(options: Options): { max: number; vm: number | undefined } {
  const max = options['max-findings'];
  return {
    max: max === undefined ? 1000 : natural('max-findings', max),
    vm: options.vm === undefined ? undefined : natural('vm', options.vm),
  };
}
