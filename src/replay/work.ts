import { Output, type Announcement, type Came, type Steps } from '../engine/announcement.js';
import { NO_PAGE, type EventIndex, type PageId } from '../engine/ids.js';
import type { Reason } from '../engine/reasons.js';
import { differences, type Difference } from './compare.js';
import type { EventTable } from '../trace/table.js';
import { specOf } from '../trace/vocabulary.js';

/** How a recorded output compares with what was announced. */
export type Verdict =
  | { readonly outcome: 'exact' }
  | { readonly outcome: 'learned'; readonly reasons: readonly Reason[] }
  | { readonly outcome: 'wrong'; readonly announced: Announcement; readonly differences: readonly Difference[] }
  | { readonly outcome: 'unpredictable'; readonly reason: Reason }
  | { readonly outcome: 'unpredicted'; readonly announced: Announcement | undefined };

/** What the work needs from its surroundings. */
export interface WorkHost {
  /** the event is about this page, by all that a page's events say */
  isAbout(event: EventIndex, page: PageId): boolean;
  /** an announced event was not recorded; its effect takes place all the same */
  unrecorded(announced: Announcement): Came;
  missing(event: EventIndex, announced: Announcement): void;
  /** what is announced of the page is not meant for another that looks like it in the trace */
  isSure(page: PageId): boolean;
  /** a record that was taken for a later announcement was a wrong one of an earlier */
  wrong(event: EventIndex, announced: Announcement, differences: readonly Difference[]): void;
}

/**
 * What one task is in the middle of: a function of the kernel, held at the event it must emit next. It is started by inputs, held
 * against each recorded output, and ended by the next input that shows it to be over.
 */
export class Work {
  private steps: Steps<unknown> | undefined;
  private announced: Announcement | undefined;
  private matched: Announcement | undefined;
  private missed: { announced: Announcement; event: EventIndex; differences: readonly Difference[] | undefined } | undefined;
  private last: EventIndex | undefined;
  private reserve: Reason | undefined;
  /** no event of the work has come yet */
  private untouched = true;

  constructor(
    private readonly host: WorkHost,
    private readonly table: EventTable,
    private readonly roleMask: number,
  ) {}

  /** What must, or may, come next; undefined when nothing is expected. */
  get pending(): Announcement | undefined {
    const { announced, reserve } = this;
    return announced && reserve && !announced.maybe ? { ...announced, maybe: reserve } : announced;
  }

  /** The page that the judged record is about, if it came as announced. */
  get foreseenPage(): PageId {
    const { matched } = this;
    return matched && 'page' in matched ? matched.page : NO_PAGE;
  }

  /** @param reserve why it is not certain that the work is done at all: nothing of it must come before its first event has */
  start(steps: Steps<unknown>, reserve?: Reason): void {
    this.steps = steps;
    this.untouched = true;
    this.reserve = reserve;
    this.resume(undefined);
  }

  /** Something happened that may have stopped the work before its first event. */
  doubt(why: Reason): void {
    if (this.untouched) this.reserve = why;
  }

  /** Drops what was expected: an input showed that it is not to come. */
  cancel(): void {
    this.steps = undefined;
    this.announced = undefined;
    this.reserve = undefined;
  }

  /** All that is announced, in order, as far as one can tell without knowing more. For `predict`, which has no use for the work after. */
  *rest(): Generator<Announcement> {
    while (this.announced && this.announced.output !== Output.anything) {
      yield this.pending!;
      this.resume(this.announced.maybe ? undefined : this.host.unrecorded(this.announced));
    }
  }

  /**
   * Holds a recorded output against what is announced. Announcements with a reservation that it is not about did not come. The event's
   * effect is not in the state yet; {@link took} goes on when it is.
   */
  judge(event: EventIndex, kind: number): Verdict {
    this.matched = undefined;
    this.settleMissing(event);
    for (;;) {
      const announced = this.announced;
      if (!announced) return { outcome: 'unpredicted', announced: undefined };
      if (announced.output === Output.anything) return { outcome: 'unpredictable', reason: announced.maybe };
      const differs = announced.output === kind ? differences(announced, this.table, event, this.roleMask) : undefined;
      if (differs?.length === 0) return this.match(announced);
      if (!announced.maybe && this.reserve) {
        const { reserve } = this;
        this.cancel();
        return { outcome: 'unpredictable', reason: reserve };
      }
      if (!announced.maybe && this.isBurst(announced, event, kind)) this.missedZap(event, announced);
      else if (!announced.maybe) return this.contradicted(event, kind, announced, differs);
      else this.resume(undefined);
    }
  }

  /** Pages go in bursts, before anything else happens: what comes instead of a zap comes after all of them. */
  private isBurst(announced: Announcement, event: EventIndex, kind: number): boolean {
    const repeats = this.last !== undefined && sameRecord(this.table, this.last, event);
    return announced.output === Output.prepareZap && kind !== Output.prepareZap && !repeats;
  }

  private missedZap(event: EventIndex, announced: Announcement): void {
    this.host.missing(event, announced);
    this.resume(this.host.unrecorded(announced));
  }

  private match(announced: Announcement): Verdict {
    this.matched = announced;
    this.reserve = undefined;
    this.untouched = false;
    const reasons = announced.open ?? [];
    return reasons.length ? { outcome: 'learned', reasons } : { outcome: 'exact' };
  }

  /**
   * An event that must come did not. Either the record has a wrong field, or the event is missing and the record is the next one, or the
   * record is one too many.
   */
  private contradicted(event: EventIndex, kind: number, announced: Announcement, differs: Difference[] | undefined): Verdict {
    const repeats = this.last !== undefined && sameRecord(this.table, this.last, event);
    if (repeats) return { outcome: 'unpredicted', announced };
    if (differs?.length === 1 && !this.isNext(announced, event)) {
      this.matched = announced;
      return { outcome: 'wrong', announced, differences: differs };
    }
    return this.missedOne(event, kind, announced, differs);
  }

  /** Whether a record is about the page that comes after an announced one in the same walk over pages. */
  private isNext(announced: Announcement, event: EventIndex): boolean {
    return 'next' in announced && announced.next !== undefined && this.host.isAbout(event, announced.next);
  }

  /** Goes on as if the announced event had come, and looks whether the record is the one after. */
  private missedOne(event: EventIndex, kind: number, announced: Announcement, differs: Difference[] | undefined): Verdict {
    this.resume(this.host.unrecorded(announced));
    for (;;) {
      const next = this.announced;
      if (!next || next.output === Output.anything) break;
      if (next.output === kind && differences(next, this.table, event, this.roleMask).length === 0) {
        this.missed = { announced, event, differences: differs };
        return this.match(next);
      }
      if (!next.maybe) break;
      this.resume(undefined);
    }
    return differs ? { outcome: 'wrong', announced, differences: differs } : { outcome: 'unpredicted', announced };
  }

  /** The event after one that seemed to be missing: if it repeats the record read instead, that record had a wrong field. */
  private settleMissing(event: EventIndex): void {
    const { missed } = this;
    this.missed = undefined;
    if (!missed) return;
    if (missed.differences && sameRecord(this.table, missed.event, event)) {
      this.host.wrong(missed.event, missed.announced, missed.differences);
    } else this.host.missing(missed.event, missed.announced);
  }

  /** The judged event is in the state: the kernel goes on. */
  took(event: EventIndex, came: Came): void {
    this.last = event;
    if (this.matched) this.resume(came);
    this.matched = undefined;
  }

  /** An input showed that the work is over: what must still have come is missing. */
  finish(event: EventIndex): void {
    this.settleMissing(event);
    for (;;) {
      const pending = this.announced;
      if (pending?.maybe && pending.output !== Output.anything) this.resume(undefined);
      else if (pending?.output === Output.prepareZap && !this.reserve && this.host.isSure(pending.page)) this.missedZap(event, pending);
      else break;
    }
    const { announced, reserve } = this;
    this.cancel();
    if (announced && !announced.maybe && !reserve) this.host.missing(event, announced);
  }

  private resume(came: Came | undefined): void {
    const result = this.steps?.next(came);
    this.announced = result && !result.done ? result.value : undefined;
    if (!this.announced) this.steps = undefined;
  }
}

/** Two records of the same event with the same values. */
function sameRecord(table: EventTable, a: EventIndex, b: EventIndex): boolean {
  if (table.kind(a) !== table.kind(b)) return false;
  for (let slot = 0; slot < (specOf(table.kind(a))?.args.length ?? 0); slot++) {
    if (table.has(a, slot) !== table.has(b, slot) || table.word(a, slot) !== table.word(b, slot)) return false;
  }
  return true;
}
