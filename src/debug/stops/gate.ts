import type { EventIndex } from '../../engine/ids.js';
import type { Condition, EventScope, HitCondition } from '../../replay/query/index.js';
import { STEP } from '../motion/spot.js';
import type { Pace } from '../wire/pace.js';
import { EventList, type EventSet } from './eventSet.js';
import { Scan, type Scanned } from './scan.js';

/** What a condition is held against at an event: one that fits is enough. */
export type Views = (scope: EventScope) => readonly EventScope[];

/**
 * Decides whether a breakpoint holds at one of its events: the condition, then the hit count. Hits are counted from the start of the
 * trace, whichever way one came, so that running backwards stops where running forwards does. The hits found are kept: no event
 * is tested twice for the count.
 */
export class Gate {
  private readonly hits: EventList;
  private counted = -1;
  /** the condition can be looked for in the columns of the trace */
  readonly scanned: Scanned | undefined;
  private scan: Scan | undefined;

  constructor(
    private readonly events: EventSet,
    private readonly condition: Condition | undefined,
    private readonly hitCondition: HitCondition | undefined,
    private readonly scope: EventScope,
    private readonly views?: Views,
    /** for a trigger at steps: the event that says what a step was about */
    private readonly eventOf?: (spot: number) => EventIndex,
  ) {
    this.hits = new EventList(eventOf !== undefined);
    const { members } = events;
    if (condition && members && !views && !eventOf) this.scanned = { members, condition, scope };
  }

  /** A search begins: what scans knew may not hold any more. */
  begin(): void {
    this.scan = this.scanned && this.hitCondition && new Scan([this.scanned]);
  }

  /** `e` is one of the breakpoint's events. */
  async passes(e: number, pace: Pace, signal: AbortSignal): Promise<boolean> {
    if (!this.hitCondition) return this.test(e);
    await this.countTo(e, pace, signal);
    return this.counted >= e && this.hits.has(e) && this.hitCondition.test(this.hits.rank(e));
  }

  private async countTo(end: number, pace: Pace, signal: AbortSignal): Promise<void> {
    const { scan } = this;
    while (this.counted < end) {
      const hit = scan ? await this.scanTo(scan, end, pace, signal) : this.nextTo(end);
      if (hit !== undefined) this.hits.push(hit);
      if (pace.due()) await pace.turn();
      if (signal.aborted) return;
    }
  }

  /** The next hit up to `end`; has counted up to there. */
  private async scanTo(scan: Scan, end: number, pace: Pace, signal: AbortSignal): Promise<number | undefined> {
    const found = await scan.find(this.counted, 1, end + 1, pace, signal);
    this.counted = found.event ?? (found.interrupted ? found.at : end);
    return found.event;
  }

  /** The next event of the set up to `end`, if it is a hit. */
  private nextTo(end: number): number | undefined {
    const e = this.events.next(this.counted, this.eventOf ? end + STEP / 2 : end + 1);
    this.counted = e ?? end;
    return e !== undefined && this.test(e) ? e : undefined;
  }

  private test(e: number): boolean {
    const { condition } = this;
    if (!condition) return true;
    this.scope.event = this.eventOf?.(e) ?? (e as EventIndex);
    return this.views ? this.views(this.scope).some((view) => condition.test(view)) : condition.test(this.scope);
  }
}
