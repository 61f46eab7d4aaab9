import path from 'node:path';
import { Replay } from '../../replay/replay.js';
import { openTrace } from '../../trace/open.js';
import { RequestError } from '../wire/errors.js';
import type { LaunchArguments } from '../wire/requests.js';
import { Loader } from './loader.js';
import { Recording } from './recording.js';

export interface Opened {
  readonly recording: Recording;
  readonly loader: Loader;
}

/**
 * Opens a trace and begins to replay it, with the invariants checked on the way when they are wanted. Resolves when there is a first event
 * to stop at; the rest follows.
 */
export async function openRecording(args: LaunchArguments, invariants: boolean, signal: AbortSignal): Promise<Opened> {
  const file = traceOf(args);
  const reader: { onBatch?: () => void } = {};
  const open = await openTrace(file, { onBatch: () => reader.onBatch?.(), signal });
  const kernel = args.kernel && args.kernel !== 'auto' ? { kernel: args.kernel } : {};
  const recording = new Recording(file, open, new Replay(open.table, { ...kernel, invariants }), args.vm);
  const loader = new Loader(recording);
  reader.onBatch = () => loader.batch();
  while (recording.end === 0 && !loader.complete) await loader.grown();
  if (recording.end > 0) return { recording, loader };
  const why = loader.failure ?? firstNote(recording) ?? 'it has no events';
  throw new RequestError(`${file}: ${why}. Record with: trace-cmd record -e kvmmmu -e kvm`);
}

function traceOf({ trace, kernel, vm }: LaunchArguments): string {
  if (typeof trace !== 'string' || trace.trim() === '') {
    throw new RequestError('The launch configuration names no trace: set "trace" to a trace.dat or to a text trace.');
  }
  if (kernel !== undefined && !/^(auto|\d+\.\d+(\.\d+)?)$/.test(kernel)) {
    throw new RequestError(`"kernel": "${kernel}" is no kernel version: write "auto", or a version like "6.1".`);
  }
  if (vm !== undefined && !(Number.isSafeInteger(vm) && vm >= 0)) {
    throw new RequestError(`"vm": ${String(vm)} is no VM: VMs are numbered from 0 in the order in which the trace meets them.`);
  }
  return path.resolve(trace);
}

function firstNote({ table }: Recording): string | undefined {
  return table.info.notes[0]?.text.replace(/\.$/, '');
}
