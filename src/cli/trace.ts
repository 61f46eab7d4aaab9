import { TraceError, openTrace } from '../trace/open.js';
import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';
import type { Replay } from '../replay/replay.js';
import { defaultMemoryLimit } from '../debug/load/defaultMemory.js';
import { MemoryLimit } from '../replay/memoryLimit.js';
import { natural, UsageError, warn, type Options } from './command.js';
import { eraOption } from './rules.js';

/** Reads a trace to its end, or as far as there is memory for it. */
export async function readTrace(file: string, limit?: MemoryLimit): Promise<EventTable> {
  const full = new AbortController();
  const { signal } = full;
  const onBatch = ({ byteLength }: EventTable): void => (limit?.isPassed(byteLength) ? queueMicrotask(() => full.abort()) : undefined);
  const trace = await openTrace(file, { signal, onBatch });
  await trace.done.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return trace.table;
}

/** What `--memory-limit` says. */
export function memoryLimit(options: Options): MemoryLimit {
  const given = options['memory-limit'];
  const megabytes = given === undefined ? defaultMemoryLimit() : natural('memory-limit', given);
  if (megabytes === 0) throw new UsageError('--memory-limit takes megabytes, more than 0');
  return new MemoryLimit(megabytes);
}

/** What to say of a trace of which only so many events were loaded, because there was no memory for more; undefined where there was. */
export function shortOf({ table, replayed }: Replay, limit: MemoryLimit): string | undefined {
  return limit.isReached ? tooLarge(table, limit, replayed) : undefined;
}

/** As {@link shortOf}, for a trace that was only read. */
export function readShort(table: EventTable, limit: MemoryLimit): string | undefined {
  return limit.isPassed(table.byteLength) ? tooLarge(table, limit, table.length) : undefined;
}

function tooLarge({ info: { file } }: EventTable, limit: MemoryLimit, events: number): string {
  return `${file}: ${limit.text(events, 'Raise it with --memory-limit MB')}`;
}

/** Runs a command over files; the worst exit status counts, and a file that cannot be read does not stop the others. */
export async function forEach(command: string, files: readonly string[], run: (file: string) => Promise<number>): Promise<number> {
  if (files.length === 0) throw new UsageError(`'${command}' needs a trace file`);
  let worst = 0;
  for (const file of files) {
    try {
      worst = Math.max(worst, await run(file));
    } catch (error) {
      if (!(error instanceof TraceError) || files.length === 1) throw error;
      warn(error.message);
      worst = 2;
    }
  }
  return worst;
}

/** 1 when something of the trace is missing. */
export function statusOf({ info }: EventTable): number {
  return info.damaged || info.lost > 0 ? 1 : 0;
}

export function warnWithoutKvm(table: EventTable): void {
  const warning = withoutKvm(table);
  if (warning !== undefined) warn(warning);
}

/** What to say of a trace that has nothing to say of KVM. */
export function withoutKvm(table: EventTable): string | undefined {
  if (hasKvmEvents(table)) return undefined;
  return `${table.info.file}: no kvm or kvmmmu events in it; record with \`trace-cmd record -e kvmmmu -e kvm\``;
}

export function kernelOf({ kernel }: Options): string | undefined {
  return kernel === 'auto' ? kernel : eraOption(kernel);
}

export function requireVm(replay: Replay, vm: number | undefined): void {
  if (vm !== undefined && vm >= replay.vms.length) {
    throw new UsageError(`there is no VM ${vm}: the trace has ${replay.vms.length}, numbered from 0`);
  }
}

function hasKvmEvents(table: EventTable): boolean {
  return table
    .countsOfForms()
    .some((count, form) => count > 0 && (table.kindOfForm(form) !== Kind.other || table.nameOfForm(form).startsWith('kvm_')));
}
