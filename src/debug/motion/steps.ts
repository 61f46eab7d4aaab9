import type { EventIndex } from '../../engine/ids.js';
import type { Loader } from '../load/loader.js';
import type { Recording } from '../load/recording.js';
import { Cancelled } from '../wire/errors.js';
import { Pace } from '../wire/pace.js';
import type { EngineSteps } from './engineSteps.js';
import { eventAtSpot, spotAt, stepAtSpot, type Spot } from './spot.js';

/**
 * Where steps lead (interfaces.md, "Stepping"). A task is a vCPU's thread or any other; tasks go by their pid. In a scenario, statements
 * stand above exits and faults, and the engine's own steps lie between events.
 */
export class Steps {
  constructor(
    private readonly recording: Recording,
    private readonly loader: Loader,
    private readonly engine: EngineSteps,
  ) {}

  /**
   * The next event of the task at the depth it is at; where there is none, its next event. From the end of a statement to that of the
   * next one, and within one not beyond it. From a call of a function to what comes behind it.
   */
  async next(pid: number, from: Spot, signal: AbortSignal): Promise<Spot | undefined> {
    const event = eventAtSpot(from);
    const { statements } = this.recording;
    const statement = statements?.of(event);
    if (!statements || !statement) return this.nextOfTask(pid, event, signal);
    if (event >= statement.last) return statements.after(statement)?.last;
    const within = this.engine.behind(from) ?? (await this.nextOfTask(pid, event, signal));
    return within !== undefined && eventAtSpot(within) < statement.last ? within : statement.last;
  }

  private async nextOfTask(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    const depth = this.depthAt(pid, from);
    const peer = await this.forward(pid, from, signal, (e) => depth === undefined || this.recording.replay.depthOf(e) === depth);
    return peer ?? this.forward(pid, from, signal, () => true);
  }

  /** The inverse of {@link next}: the last event of the task at that depth before this one. */
  async back(pid: number, from: Spot, signal: AbortSignal): Promise<Spot | undefined> {
    if (stepAtSpot(from) > 0) return this.before(from);
    const event = eventAtSpot(from);
    const { statements } = this.recording;
    const statement = statements?.of(event);
    if (!statements || !statement) return this.backOfTask(pid, event, signal);
    const within = event === statement.last ? undefined : await this.backOfTask(pid, event, signal);
    return within !== undefined && within >= statement.first ? within : statements.before(statement)?.last;
  }

  private async backOfTask(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
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

  /** The next thing that happens, whoever does it: a step of the engine on the way to the next event, or that. */
  async into(from: Spot, signal: AbortSignal): Promise<Spot | undefined> {
    const event = eventAtSpot(from);
    const step = stepAtSpot(from);
    if (step < this.engine.after(event)) return spotAt(event, step + 1);
    for (let e = event + 1; ; e++) {
      while (e >= this.recording.end) {
        if (this.loader.complete) return undefined;
        await this.more(signal);
      }
      if (this.recording.belongs(e)) return e;
    }
  }

  /** What happened before, whoever did it: the inverse of {@link into}. */
  before(from: Spot): Spot | undefined {
    const event = eventAtSpot(from);
    const step = stepAtSpot(from);
    if (step > 0) return spotAt(event, step - 1);
    for (let e = event - 1; e >= 0; e--) if (this.recording.belongs(e)) return spotAt(e, this.engine.after(e));
    return undefined;
  }

  /** The first event of the fault the task is in; of the exit, when it is not in a fault or already there. A call's own begin, from within. */
  startOf(pid: number, spot: Spot): Spot | undefined {
    const [, caller] = this.engine.stackAt(spot);
    if (caller) return caller.spot;
    const { replay } = this.recording;
    const from = eventAtSpot(spot);
    const base = this.lastOf(pid, from);
    if (base === undefined) return undefined;
    const fault = replay.faultOf(base)?.first;
    if (fault !== undefined && fault < spot) return fault;
    const exit = replay.exitOf(base);
    if (exit !== undefined && exit < spot) return exit;
    const first = this.recording.statements?.of(from)?.first;
    return first !== undefined && first < spot ? first : this.before(spot);
  }

  /**
   * The last event of the fault the task is in; when it is there, or in none, the event that ends its exit: kvm_entry. In neither, the
   * task's next event. In a scenario the end of the call, and at last that of the statement.
   */
  async out(pid: number, from: Spot, signal: AbortSignal): Promise<Spot | undefined> {
    const event = eventAtSpot(from);
    const call = this.engine.at(from);
    if (call) return call.last > event ? call.last : this.engine.behind(from);
    const { statements } = this.recording;
    const statement = statements?.of(event);
    if (!statements || !statement) return this.outOf(pid, event, signal);
    if (event >= statement.last) return statements.after(statement)?.last;
    const end = await this.outOf(pid, event, signal);
    return end !== undefined && end < statement.last ? end : statement.last;
  }

  private async outOf(pid: number, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
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
