import type { Announcement } from '../../engine/announcement.js';
import type { EventIndex, PageId } from '../../engine/ids.js';
import type { Violation } from '../../engine/invariants/index.js';
import type { Mmu } from '../../engine/mmu.js';
import type { EventTable } from '../../trace/table.js';
import type { Difference } from '../compare.js';
import type { Finding } from '../view.js';
import { missingCard, mismatchCard, unpredictedCard, type CardContext } from './predictionCards.js';
import { quadrantCard, quadrantMismatch } from './quadrantCard.js';

/** kind of the findings about the state */
const INVARIANT = 'invariant';

/** What one who follows another's findings is told from time to time: those from a place on are these now. */
export interface FindingsGrowth {
  readonly from: number;
  readonly findings: readonly Finding[];
}

/** The finding at an event, or that of one kind, among findings in order of their events; invariants stand back behind others. */
export function findingAt(all: readonly Finding[], event: EventIndex, kind?: string): Finding | undefined {
  let first = all.length;
  for (let low = 0; low < first;) {
    const middle = (low + first) >>> 1;
    if (all[middle]!.event < event) low = middle + 1;
    else first = middle;
  }
  let found: Finding | undefined;
  for (let i = first; all[i]?.event === event; i++) {
    const finding = all[i]!;
    if (kind === undefined ? finding.kind !== INVARIANT : finding.kind === kind) return finding;
    if (kind === undefined) found ??= finding;
  }
  return found;
}

/**
 * Where record and engine disagree, and where the trace is damaged: at most one per event, in the order of the events. Invariants that
 * do not hold come beside them, all of them.
 */
export class Findings {
  readonly all: Finding[] = [];
  /** those before this place are as they were at the last {@link growth} */
  private unchanged = 0;

  constructor(private readonly table: EventTable) {}

  at(event: EventIndex, kind?: string): Finding | undefined {
    return findingAt(this.all, event, kind);
  }

  /** What has changed since the last time. */
  growth(): FindingsGrowth {
    const from = this.unchanged;
    this.unchanged = this.all.length;
    return { from, findings: this.all.slice(from) };
  }

  /**
   * Record and announcement differ in a field that the engine owns.
   *
   * @param address of the fault, where there is one
   */
  mismatch(event: EventIndex, mmu: Mmu, announced: Announcement, differences: readonly Difference[], page: PageId, address?: bigint): void {
    const quadrant = quadrantMismatch(this.table, event, announced, differences, page, address);
    this.add(
      quadrant ? quadrantCard(this.table, event, mmu, quadrant) : mismatchCard(this.context(event, mmu), announced, differences, page),
    );
  }

  /** As {@link mismatch}, in place of what was found at the event before its successor told better. */
  revised(event: EventIndex, mmu: Mmu, announced: Announcement, differences: readonly Difference[], page: PageId): void {
    const before = this.at(event);
    if (before && before.kind !== INVARIANT) {
      const place = this.all.lastIndexOf(before);
      this.all.splice(place, 1);
      this.unchanged = Math.min(this.unchanged, place);
    }
    this.mismatch(event, mmu, announced, differences, page);
  }

  /** An event that must come was not recorded; the finding stands at the event read in its place. */
  missing(event: EventIndex, mmu: Mmu, announced: Announcement): void {
    this.add(missingCard(this.context(event, mmu), announced));
  }

  /** An event was recorded for which there is no cause. */
  unpredicted(event: EventIndex, mmu: Mmu, announced: Announcement | undefined, page: PageId): void {
    this.add(unpredictedCard(this.context(event, mmu), announced, page));
  }

  lostEvents(event: EventIndex, vm: number, count: number): void {
    const lost = count < 0 ? 'an unknown number of events' : `${count} event${count === 1 ? '' : 's'}`;
    this.add({
      event,
      kind: 'lost-events',
      name: this.table.name(event),
      vm,
      message: `${lost} lost before this one on CPU ${this.table.cpu(event)}: what they changed is not known`,
      expected: {},
      recorded: { lost: count < 0 ? 'unknown' : count },
      card: [
        ['lost-events', `${lost} lost before ${this.table.name(event)}`],
        ['because', `the ring buffer of CPU ${this.table.cpu(event)} ran over`],
        ['effect', 'every entry is in doubt until an event confirms it'],
      ],
    });
  }

  /** A rule about the state does not hold after an event. */
  invariant(event: EventIndex, vm: number, { number, place, message, expected, found }: Violation): void {
    const finding: Finding = {
      event,
      kind: INVARIANT,
      name: this.table.name(event),
      vm,
      message: `I-${number}: ${message}`,
      expected: { invariant: number, state: expected },
      recorded: { state: found },
      card: [
        [INVARIANT, `I-${number} does not hold after ${this.table.name(event)}`],
        ['because', message],
        ['expected', expected],
        ['found', found],
      ],
      ...(place.page === undefined ? {} : { page: place.page }),
    };
    this.insert(finding);
  }

  private context(event: EventIndex, mmu: Mmu): CardContext {
    return { table: this.table, event, mmu };
  }

  /** A finding may be about an event some way back: the next event decided what was wrong there. */
  private add(finding: Finding): void {
    const present = this.at(finding.event);
    if (!present || present.kind === INVARIANT) this.insert(finding);
  }

  private insert(finding: Finding): void {
    const place = this.all.findLastIndex(({ event }) => event <= finding.event) + 1;
    this.all.splice(place, 0, finding);
    this.unchanged = Math.min(this.unchanged, place);
  }
}
