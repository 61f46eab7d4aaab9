import type { Reason } from '../engine/reasons.js';
import { EVENTS, Kind } from '../trace/vocabulary.js';

export type Outcome = 'exact' | 'learned' | 'wrong' | 'unpredicted' | 'unpredictable';

/** How the recorded events of one name compare with the announced ones. */
export type Tally = Record<'recorded' | Outcome | 'missing', number>;

/** The events that the MMU decides: only these are predicted. */
export const OUTPUTS: readonly Kind[] = [
  Kind.getPage,
  Kind.syncPage,
  Kind.unsyncPage,
  Kind.prepareZap,
  Kind.setSpte,
  Kind.spteRequested,
  Kind.markMmio,
  Kind.checkMmio,
  Kind.handleMmio,
  Kind.fastPageFault,
  Kind.zapAllFast,
];
const IS_OUTPUT = new Uint8Array(256);
for (const kind of OUTPUTS) IS_OUTPUT[kind] = 1;

export function isOutput(kind: Kind): boolean {
  return IS_OUTPUT[kind] === 1;
}

/** Counts outcomes per event name and reasons over the trace. */
export class Accounts {
  readonly outputs = new Map<string, Tally>();
  readonly reasons = new Map<Reason, number>();

  add(kind: Kind, outcome: Outcome, reasons: readonly Reason[] = []): void {
    const tally = this.tally(kind);
    tally.recorded++;
    tally[outcome]++;
    for (const reason of reasons) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** An announced event that was not recorded. */
  missing(kind: Kind): void {
    this.tally(kind).missing++;
  }

  /** A record that was counted too soon: it turned out to be wrong. */
  revise(kind: Kind, from: Outcome, to: Outcome): void {
    const tally = this.tally(kind);
    tally[from]--;
    tally[to]++;
  }

  /** Is as another's were. */
  adopt(outputs: ReadonlyMap<string, Tally>, reasons: ReadonlyMap<Reason, number>): void {
    for (const [name, tally] of outputs) this.outputs.set(name, tally);
    for (const [reason, count] of reasons) this.reasons.set(reason, count);
  }

  private tally(kind: Kind): Tally {
    const name = EVENTS[kind as Exclude<Kind, 255>].name;
    let tally = this.outputs.get(name);
    if (!tally) {
      tally = { recorded: 0, exact: 0, learned: 0, wrong: 0, unpredicted: 0, unpredictable: 0, missing: 0 };
      this.outputs.set(name, tally);
    }
    return tally;
  }
}
