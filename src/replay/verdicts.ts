import type { EventIndex } from '../engine/ids.js';
import { REASONS, type Reason } from '../engine/reasons.js';
import type { Outcome } from './accounts.js';

const OUTCOMES: readonly Outcome[] = ['exact', 'learned', 'wrong', 'unpredicted', 'unpredictable'];

/** How one recorded output compared with what was announced. */
export interface EventVerdict {
  readonly outcome: Outcome;
  /** of a learned or unpredictable one */
  readonly reasons: readonly Reason[];
}

/** The verdict of each event, four bytes an event: kept only where somebody asks for single ones, the counts are in `Accounts`. */
export class Verdicts {
  /** place in {@link OUTCOMES} plus one; 0 for an event that is no output of the MMU */
  private outcome = new Uint8Array(1 << 12);
  /** a bit for each of {@link REASONS} */
  private reasons = new Uint16Array(1 << 12);
  private readonly lists = new Map<number, readonly Reason[]>();

  /** A verdict may come again for an event, once a later one showed that the record was wrong. */
  set(event: EventIndex, outcome: Outcome, reasons: readonly Reason[] = []): void {
    if (event >= this.outcome.length) this.grow(event + 1);
    this.outcome[event] = OUTCOMES.indexOf(outcome) + 1;
    this.reasons[event] = reasons.reduce((bits, reason) => bits | (1 << REASONS.indexOf(reason)), 0);
  }

  of(event: EventIndex): EventVerdict | undefined {
    const outcome = this.outcome[event];
    return outcome ? { outcome: OUTCOMES[outcome - 1]!, reasons: this.list(this.reasons[event]!) } : undefined;
  }

  private list(bits: number): readonly Reason[] {
    let list = this.lists.get(bits);
    if (!list) this.lists.set(bits, (list = REASONS.filter((_, i) => bits & (1 << i))));
    return list;
  }

  private grow(length: number): void {
    const capacity = Math.max(length, this.outcome.length * 2);
    const outcome = new Uint8Array(capacity);
    const reasons = new Uint16Array(capacity);
    outcome.set(this.outcome);
    reasons.set(this.reasons);
    [this.outcome, this.reasons] = [outcome, reasons];
  }
}
