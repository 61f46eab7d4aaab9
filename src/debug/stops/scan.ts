import type { Condition, EventScope, Verdict } from '../../replay/query/index.js';
import { bothHold, eitherHolds, ofForm } from '../../replay/query/index.js';
import { specOf } from '../../trace/vocabulary.js';
import type { Pace } from '../wire/pace.js';
import type { Members } from './eventSet.js';

/** Events between two looks at the clock. */
const STRETCH = 1024;

/** A set of events, and what must hold at one of them. */
export interface Scanned {
  readonly members: Members;
  readonly condition: Condition;
  readonly scope: EventScope;
}

/** An event that was found; or none, and how far the search came. */
export type ScanResult = { readonly event: number } | { readonly event: undefined; readonly interrupted: boolean; readonly at: number };

/**
 * Looks through the columns of a trace for events at which one of some conditions holds. What can be said of all events of a form is
 * said once, and most are passed over by that; blocks in which no set has an event are not looked at. Good for what has been replayed when
 * it was made.
 */
export class Scan {
  /** by form */
  private readonly verdicts: (Verdict | undefined)[] = [];
  /** by what forms that are alike have in common */
  private readonly known = new Map<string, Verdict>();

  constructor(private readonly parts: readonly Scanned[]) {}

  /** The first event after `from`, or the last one before it, on this side of `bound`; lets others have their turn, and ends when told to. */
  async find(from: number, direction: 1 | -1, bound: number, pace: Pace, signal: AbortSignal): Promise<ScanResult> {
    let at = from + direction;
    while (direction * (bound - at) > 0) {
      const start = this.skip(at, direction);
      if (direction * (bound - start) <= 0) break;
      const end = direction === 1 ? Math.min(bound, start + STRETCH) : Math.max(bound, start - STRETCH);
      const event = direction === 1 ? this.forwards(start, end) : this.backwards(start, end);
      if (event !== undefined) return { event };
      at = end;
      if (pace.late()) await pace.turn();
      if (signal.aborted) return { event: undefined, interrupted: true, at: at - direction };
    }
    return { event: undefined, interrupted: false, at: bound };
  }

  /** Where the next event of a set may be. */
  private skip(at: number, direction: 1 | -1): number {
    let best = direction === 1 ? Infinity : -1;
    for (const { members } of this.parts) {
      const its = direction === 1 ? members.ahead(at) : members.behind(at);
      if (its === at) return at;
      best = direction === 1 ? Math.min(best, its) : Math.max(best, its);
    }
    return best;
  }

  private forwards(from: number, end: number): number | undefined {
    const { table } = this.parts[0]!.scope.replay;
    const { verdicts } = this;
    for (let e = from; e < end; e++) {
      const verdict = verdicts[table.formOf(e)] ?? this.judge(e);
      if (verdict !== false && (verdict === true || verdict(e))) return e;
    }
    return undefined;
  }

  private backwards(from: number, end: number): number | undefined {
    const { table } = this.parts[0]!.scope.replay;
    const { verdicts } = this;
    for (let e = from; e > end; e--) {
      const verdict = verdicts[table.formOf(e)] ?? this.judge(e);
      if (verdict !== false && (verdict === true || verdict(e))) return e;
    }
    return undefined;
  }

  /** The verdict for events of the form that `sample` has. */
  private judge(sample: number): Verdict {
    const { table } = this.parts[0]!.scope.replay;
    const kind = table.kind(sample);
    const given = (specOf(kind)?.args ?? []).map((_, slot) => (table.has(sample, slot) ? '1' : '0')).join('');
    const key = `${kind} ${given} ${table.name(sample)}`;
    let verdict = this.known.get(key);
    if (verdict === undefined) {
      verdict = false;
      for (const { members, condition, scope } of this.parts) {
        const member = members.like(sample);
        if (member !== false) verdict = eitherHolds(verdict, bothHold(member, condition.verdict(scope, sample)));
      }
      this.known.set(key, verdict);
    }
    return (this.verdicts[table.formOf(sample)] = ofForm(verdict, sample));
  }
}
