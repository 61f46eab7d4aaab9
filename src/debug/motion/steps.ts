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
    const { replay, lists } = this.recording;
    const task = lists.ofTask(pid);
    const base = task.at(task.rank(from) - 1) as EventIndex | undefined;
    if (base === undefined) return undefined;
    const fault = replay.faultOf(base)?.first;
    if (fault !== undefined && fault < from) return fault;
    const exit = replay.exitOf(base);
    return exit !== undefined && exit < from ? exit : this.before(from);
  }

  /**
   * The last event of the fault the task is in; of the exit, when it is not in a fault or already there. Where both are over, or
   * there are none, the end of the next ones.
   */
  async out(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    const { replay, lists } = this.recording;
    const task = lists.ofTask(pid);
    const base = task.at(task.rank(from) - 1) as EventIndex | undefined;
    for (let start = base; ;) {
      if (start !== undefined) {
        for (const partOf of [(e: EventIndex) => replay.faultOf(e)?.first, (e: EventIndex) => replay.exitOf(e)]) {
          const whole = partOf(start);
          const end = whole === undefined ? undefined : await this.lastOf(pid, start, (e) => partOf(e) === whole, signal);
          if (end !== undefined && end > from) return end;
        }
      }
      start = await this.forward(pid, start ?? from, signal, () => true);
      if (start === undefined) return undefined;
      if (replay.depthOf(start) === 0) return start;
    }
  }

  /** The last of the task's events from `start` on for which `same` holds without a break. */
  private async lastOf(pid: number, start: EventIndex, same: (e: EventIndex) => boolean, signal: AbortSignal): Promise<EventIndex> {
    const after = await this.forward(pid, start, signal, (e) => !same(e));
    const task = this.recording.lists.ofTask(pid);
    const position = after === undefined ? task.length - 1 : task.rank(after) - 2;
    return task.at(position) as EventIndex;
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
    const task = this.recording.lists.ofTask(pid);
    const base = task.at(task.rank(event) - 1);
    return base === undefined ? undefined : this.recording.replay.depthOf(base as EventIndex);
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
