import type { EventIndex } from '../../engine/ids.js';
import type { Depth } from '../load/eventLists.js';
import type { Loader } from '../load/loader.js';
import type { Recording } from '../load/recording.js';
import { union, type EventSet } from '../stops/eventSet.js';
import { Cancelled } from '../wire/errors.js';
import type { EngineSteps } from './engineSteps.js';
import { eventAtSpot, spotAt, stepAtSpot, type Spot } from './spot.js';

const DEPTHS: readonly Depth[] = [0, 1, 2];

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
    const { lists } = this.recording;
    const depth = this.depthAt(pid, from);
    const peer = depth === undefined ? undefined : await this.forward(lists.ofTaskAt(pid, depth), from, signal);
    return peer ?? this.forward(lists.ofTask(pid), from, signal);
  }

  /** The inverse of {@link next}: the last event of the task at that depth before this one. */
  back(pid: number, from: Spot): Spot | undefined {
    if (stepAtSpot(from) > 0) return this.before(from);
    const event = eventAtSpot(from);
    const { statements } = this.recording;
    const statement = statements?.of(event);
    if (!statements || !statement) return this.backOfTask(pid, event);
    const within = event === statement.last ? undefined : this.backOfTask(pid, event);
    return within !== undefined && within >= statement.first ? within : statements.before(statement)?.last;
  }

  private backOfTask(pid: number, from: EventIndex): EventIndex | undefined {
    const { lists } = this.recording;
    const depth = this.depthAt(pid, from);
    const peer = depth === undefined ? undefined : lists.ofTaskAt(pid, depth).previous(from, -1);
    return (peer ?? lists.ofTask(pid).previous(from, -1)) as EventIndex | undefined;
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
    const { replay, lists } = this.recording;
    const base = this.lastOf(pid, from);
    const fault = base === undefined ? undefined : replay.faultOf(base);
    if (base !== undefined && fault) {
      // What opens a fault lies outside of it, as a call does.
      const inside = replay.depthOf(base) + (base === fault.first ? 1 : 0);
      const shallower = DEPTHS.filter((depth) => depth < inside).map((depth) => lists.ofTaskAt(pid, depth));
      const after = await this.forward(union(shallower), base, signal);
      const end = this.lastOf(pid, ((after ?? this.recording.end) - 1) as EventIndex);
      if (end !== undefined && end > from) return end;
    }
    const inExit = base !== undefined && replay.exitOf(base) !== undefined;
    return this.forward(inExit ? lists.ofTaskAt(pid, 0) : lists.ofTask(pid), from, signal);
  }

  /** The task's last event at or before another. */
  private lastOf(pid: number, event: EventIndex): EventIndex | undefined {
    return this.recording.lists.lastOf(pid, event) as EventIndex | undefined;
  }

  /** The first event of a set after `from`; waits for the loader. */
  private async forward(set: EventSet, from: EventIndex, signal: AbortSignal): Promise<EventIndex | undefined> {
    for (;;) {
      const e = set.next(from, this.recording.end);
      if (e !== undefined) return e as EventIndex;
      if (this.loader.complete) return undefined;
      await this.more(signal);
    }
  }

  private depthAt(pid: number, event: EventIndex): Depth | undefined {
    const base = this.lastOf(pid, event);
    return base === undefined ? undefined : this.recording.replay.depthOf(base);
  }

  private async more(signal: AbortSignal): Promise<void> {
    await this.loader.grown();
    if (signal.aborted) throw new Cancelled();
  }
}
