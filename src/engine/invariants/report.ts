import type { Gfn, PageId, SpteIndex } from '../ids.js';

/** Where an invariant is violated; as much of it as applies. */
export interface ViolationPlace {
  readonly page?: PageId;
  readonly index?: SpteIndex;
  readonly gfn?: Gfn;
  readonly vcpu?: number;
}

/** What is wrong: one sentence, what the rule wants, what there is. */
export interface Wrong {
  readonly place: ViolationPlace;
  readonly message: string;
  readonly expected: string;
  readonly found: string;
}

export interface Violation extends Wrong {
  /** of the invariant, 1..53 */
  readonly number: number;
}

/** How often an invariant was checked, could not be checked because something is not known, and was violated. */
export interface Tally {
  checked: number;
  unknown: number;
  violated: number;
}

/** What one invariant has to say: one call for each thing it looks at. */
export interface Verdict {
  /**
   * @param holds undefined: something is not known
   * @param wrong is asked only where it does not hold
   */
  check(holds: boolean | undefined, wrong: () => Wrong): void;
  unknown(): void;
}

/** Collects what the invariants say. A violation that is seen from two sides is one. */
export class Report {
  readonly tallies = new Map<number, Tally>();
  readonly violations: Violation[] = [];
  private readonly seen = new Set<string>();
  private readonly verdicts: Verdict[] = [];
  private readonly doubtful: Verdict[] = [];

  /** For an invariant by its number. */
  verdict(number: number): Verdict {
    return (this.verdicts[number] ??= this.make(number));
  }

  /** The same for something that may be other than it looks: whatever would be checked cannot be. */
  doubt(number: number): Verdict {
    return (this.doubtful[number] ??= this.makeDoubtful(number));
  }

  tally(number: number): Tally {
    let tally = this.tallies.get(number);
    if (!tally) this.tallies.set(number, (tally = { checked: 0, unknown: 0, violated: 0 }));
    return tally;
  }

  private make(number: number): Verdict {
    const tally = this.tally(number);
    return {
      unknown: () => void tally.unknown++,
      check: (holds, wrong) => {
        if (holds === undefined) return void tally.unknown++;
        tally.checked++;
        if (!holds) this.add({ number, ...wrong() }, tally);
      },
    };
  }

  private makeDoubtful(number: number): Verdict {
    const tally = this.tally(number);
    return { unknown: () => void tally.unknown++, check: () => void tally.unknown++ };
  }

  private add(violation: Violation, tally: Tally): void {
    const key = violationKey(violation);
    if (this.seen.has(key)) return;
    this.seen.add(key);
    tally.violated++;
    this.violations.push(violation);
  }
}

/** The same for the same fault, however often and from where it is seen. */
export function violationKey({ number, place, expected, found }: Violation): string {
  return `${number}:${place.page ?? ''}:${place.index ?? ''}:${place.gfn ?? ''}:${place.vcpu ?? ''}:${expected}:${found}`;
}
