import path from 'node:path';
import { RuleError, rulesNamed } from '../../replay/diff/open.js';
import { Replay } from '../../replay/replay.js';
import { openScenario, ScenarioError, type ScenarioHistory } from '../../replay/scenario/history.js';
import { Cancelled, RequestError } from '../wire/errors.js';
import type { LaunchArguments } from '../wire/requests.js';
import { defaultMemoryLimit } from './defaultMemory.js';
import { loaded, TraceLoader, type Loader } from './loader.js';
import { Recording } from './recording.js';
import { textOf } from './textOf.js';

export interface Opened {
  readonly recording: Recording;
  readonly loader: Loader;
}

/**
 * Opens a trace and begins to replay it, with the invariants checked on the way when they are wanted; or runs a scenario. Resolves when
 * there is a first event to stop at; the rest follows.
 */
export async function openRecording(args: LaunchArguments, invariants: boolean, signal: AbortSignal): Promise<Opened> {
  const file = traceOf(args);
  return isScenario(file) ? openRun(file, args) : openReplay(file, args, invariants, signal);
}

export function isScenario(file: string): boolean {
  return /\.mmu$/iu.test(file);
}

async function openReplay(file: string, args: LaunchArguments, invariants: boolean, signal: AbortSignal): Promise<Opened> {
  const rules = named(() => rulesNamed(kernelOf(args), args.without));
  const loader = new TraceLoader({ path: file, rules, invariants, memoryLimit: memoryLimitOf(args) }, args.vm);
  const { recording } = loader;
  const cancel = (): void => loader.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  while (recording.end === 0 && !loader.complete) await loader.grown();
  signal.removeEventListener('abort', cancel);
  if (recording.end > 0) return { recording, loader };
  if (loader.end?.why === 'cancelled') throw new Cancelled();
  if (loader.end?.why === 'unreadable') throw loader.end.error;
  const failure = loader.end?.why === 'failed' ? loader.end.message : undefined;
  const why = failure ?? loader.unread ?? firstNote(recording) ?? 'it has no events';
  throw new RequestError(`${file}: ${why}. Record with: trace-cmd record -e kvmmmu -e kvm`);
}

/** A scenario runs at once; the invariants are checked after each of its statements. */
async function openRun(file: string, args: LaunchArguments): Promise<Opened> {
  const history = runOf(file, await textOf(file), args);
  const recording = new Recording(file, history.table, new Replay(history.table, {}, history), args.vm, history.statements);
  if (recording.end === 0) throw new RequestError(`${file}: it has no statements.`);
  return { recording, loader: loaded() };
}

function runOf(file: string, text: string, args: LaunchArguments): ScenarioHistory {
  try {
    return named(() => openScenario(text, file, { kernel: kernelOf(args), without: args.without, invariants: true }));
  } catch (error) {
    if (error instanceof ScenarioError) throw new RequestError(error.message);
    throw error;
  }
}

/** A kernel or a feature that there is not is the user's to mend. */
function named<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError || error instanceof RuleError)
      throw new RequestError(`The launch configuration cannot be used: ${error.message}.`);
    throw error;
  }
}

function kernelOf({ kernel }: LaunchArguments): string | undefined {
  return kernel === 'auto' ? undefined : kernel;
}

function traceOf({ trace, vm }: LaunchArguments): string {
  if (typeof trace !== 'string' || trace.trim() === '') {
    throw new RequestError('The launch configuration names no trace: set "trace" to a trace.dat, to a text trace, or to a .mmu scenario.');
  }
  if (vm !== undefined && !(Number.isSafeInteger(vm) && vm >= 0)) {
    throw new RequestError(`"vm": ${String(vm)} is no VM: VMs are numbered from 0 in the order in which the trace meets them.`);
  }
  return path.resolve(trace);
}

function memoryLimitOf({ memoryLimit }: LaunchArguments): number {
  if (memoryLimit === undefined || memoryLimit === null) return defaultMemoryLimit();
  if (Number.isFinite(memoryLimit) && memoryLimit > 0) return memoryLimit;
  throw new RequestError(`"memoryLimit": ${String(memoryLimit)} is no size: it is given in megabytes, more than 0.`);
}

function firstNote({ table }: Recording): string | undefined {
  return table.info.notes[0]?.text.replace(/\.$/, '');
}
