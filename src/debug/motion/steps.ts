import type { EventIndex } from '../../engine/ids.js';
import type { Loader } from '../load/loader.js';
import type { Recording } from '../load/recording.js';
import { Cancelled } from '../wire/errors.js';
import { Pace } from '../wire/pace.js';

/** Where steps lead (interfaces.md, "Stepping"). A task is a vCPU's thread or any other; tasks go by their pid. */
export class Steps {
  constructor(
    private readonly recording: Recording,
    private readonly loader: Loader,
  ) {}

  /** The next event of the task at the depth it is at; where there is none, its next event. */
  async next(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    const depth = this.depthAt(pid, from);
    const peer = await this.forward(pid, from, signal, (e) => depth === undefined || this.recording.replay.depthOf(e) === depth);
    return peer ?? this.forward(pid, from, signal, () => true);
  }

  /** The inverse of {@link next}: the last event of the task at that depth before this one. */
  async back(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    const { replay, lists } = this.recording;
    const task = lists.ofTask(pid);
    const depth = this.depthAt(pid, from);
    const pace = new Pace();
    const nearest = task.rank(from - 1) - 1;
    for (let i = nearest; i >= 0; i--) {
      const e = task.at(i) as EventIndex;
      if (depth === undefined || replay.depthOf(e) === depth) return e;
      await breathe(pace, signal);
    }
    return task.at(nearest) as EventIndex | undefined;
  }

  /** The next thing that happens, whoever does it. */
  async into(from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    for (let e = from + 1; ; e++) {
      while (e >= this.recording.end) {
        if (this.loader.complete) return undefined;
        await this.more(signal);
      }
      if (this.recording.belongs(e)) return e as EventIndex;
    }
  }

  /** What happened before, whoever did it: the inverse of {@link into}. */
  before(from: EventIndex): EventIndex | undefined {
    for (let e = from - 1; e >= 0; e--) if (this.recording.belongs(e)) return e as EventIndex;
    return undefined;
  }

  /** The first event of the fault the task is in; of the exit, when it is not in a fault or already there. */
  startOf(pid: number, from: EventIndex): EventIndex | undefined {
    const { replay } = this.recording;
    const base = this.lastOf(pid, from);
    if (base === undefined) return undefined;
    const fault = replay.faultOf(base)?.first;
    if (fault !== undefined && fault < from) return fault;
    const exit = replay.exitOf(base);
    return exit !== undefined && exit < from ? exit : this.before(from);
  }

  /**
   * The last event of the fault the task is in; when it is there, or in none, the event that ends its exit: kvm_entry. In neither, the
   * task's next event.
   */
  async out(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    const { replay } = this.recording;
    const base = this.lastOf(pid, from);
    const fault = base === undefined ? undefined : replay.faultOf(base);
    if (base !== undefined && fault) {
      // What opens a fault lies outside of it, as a call does.
      const inside = replay.depthOf(base) + (base === fault.first ? 1 : 0);
      const after = await this.forward(pid, base, signal, (e) => replay.depthOf(e) < inside);
      const end = this.lastOf(pid, ((after ?? this.recording.end) - 1) as EventIndex);
      if (end !== undefined && end > from) return end;
    }
    const inExit = base !== undefined && replay.exitOf(base) !== undefined;
    return this.forward(pid, from, signal, (e) => !inExit || replay.depthOf(e) === 0);
  }

  /** The task's last event at or before another. */
  private lastOf(pid: number, event: EventIndex): EventIndex | undefined {
    const task = this.recording.lists.ofTask(pid);
    return task.at(task.rank(event) - 1) as EventIndex | undefined;
  }

  /** The task's first event after `from` for which `test` holds; waits for the loader. */
  private async forward(
    pid: number,
    from: EventIndex,
    signal: AbortSignal,
    test: (e: EventIndex) => boolean,
  ): Promise<EventIndex | undefined> {
    const task = this.recording.lists.ofTask(pid);
    const pace = new Pace();
    for (let i = task.rank(from); ; i++) {
      while (i >= task.length) {
        if (this.loader.complete) return undefined;
        await this.more(signal);
      }
      const e = task.at(i) as EventIndex;
      if (test(e)) return e;
      await breathe(pace, signal);
    }
  }

  private depthAt(pid: number, event: EventIndex): number | undefined {
    const base = this.lastOf(pid, event);
    return base === undefined ? undefined : this.recording.replay.depthOf(base);
  }

  private async more(signal: AbortSignal): Promise<void> {
    await this.loader.grown();
    if (signal.aborted) throw new Cancelled();
  }
}

async function breathe(pace: Pace, signal: AbortSignal): Promise<void> {
  if (!pace.due()) return;
  await pace.turn();
  if (signal.aborted) throw new Cancelled();
}
