import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { EventIndex } from '../../engine/ids.js';
import type { Recording } from '../load/recording.js';
import { RequestError } from '../wire/errors.js';

/** Thread numbers are process ids; the idle tasks (0) and traces without task names (-1) need others. */
const NO_PROCESS = 1_000_000_000;

/** The threads of a session: one per vCPU of its VM, and one per other task with events of it. */
export class Threads {
  constructor(private readonly recording: Recording) {}

  list(): P.Thread[] {
    const vcpus = this.vcpus();
    const rank = (pid: number): number => vcpus.get(pid) ?? vcpus.size;
    return this.recording.lists
      .tasks()
      .filter((pid) => this.takesPart(pid))
      .sort((a, b) => rank(a) - rank(b))
      .map((pid) => ({ id: threadId(pid), name: this.name(pid) }));
  }

  /** Thread of an event. */
  of(event: EventIndex): number {
    return threadId(this.recording.table.pid(event));
  }

  pidOf(thread: number): number {
    const pid = thread >= NO_PROCESS ? NO_PROCESS - thread : thread;
    if (this.recording.lists.ofTask(pid).length === 0) throw new RequestError(`There is no thread ${thread}.`);
    return pid;
  }

  /** `vCPU 0 (kvmguest-470)`, `kworker/0:1-12`. */
  name(pid: number): string {
    const first = this.recording.lists.ofTask(pid).first();
    const comm = first === undefined ? '' : this.recording.table.comm(first);
    const task = comm ? `${comm}-${pid}` : pid < 0 ? 'unnamed task' : `task ${pid}`;
    const vcpu = this.vcpus().get(pid);
    return vcpu === undefined ? task : `vCPU ${vcpu} (${task})`;
  }

  private vcpus(): Map<number, number> {
    const vm = this.recording.replay.vms.find(({ vm }) => vm === this.recording.vm);
    return new Map(vm?.vcpus.map(({ pid, vcpu }) => [pid, vcpu]));
  }

  private takesPart(pid: number): boolean {
    const first = this.recording.lists.ofTask(pid).first();
    return first !== undefined && this.recording.belongs(first);
  }
}

function threadId(pid: number): number {
  return pid > 0 ? pid : NO_PROCESS - pid;
}
