import { Output, type Announcement, type Came, type Steps } from '../engine/announcement.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type PageId } from '../engine/ids.js';
import type { KernelFunction } from '../engine/kernelFunctions.js';
import type { Reason } from '../engine/reasons.js';
import { differences, isAboutSame, isNext, isThisOne, sameRecord, type Difference } from './compare.js';
import { START, type Ways } from './ledTo.js';
import type { EventTable } from '../trace/table.js';
import { Kind } from '../trace/vocabulary.js';

/** How a recorded output compares with what was announced. */
export type Verdict = (
  | { readonly outcome: 'exact' }
  | { readonly outcome: 'learned'; readonly reasons: readonly Reason[] }
  | { readonly outcome: 'wrong'; readonly announced: Announcement; readonly differences: readonly Difference[] }
  | { readonly outcome: 'unpredictable'; readonly reason: Reason }
  | { readonly outcome: 'unpredicted'; readonly announced: Announcement | undefined; readonly near?: NearMiss | undefined }
) & {
  /** the event's effect is in the state already: the record must not be let in again */
  readonly taken?: Came;
};

/** An announcement that a record agrees with in all but one field. */
export interface NearMiss {
  readonly announced: Announcement;
  readonly differences: readonly Difference[];
}

/** A record that was taken for the announcement after one that seemed to be missing. */
interface Missed extends NearMiss {
  readonly event: EventIndex;
  /** how the record compared with the announcement it was taken for */
  readonly verdict: Verdict;
}

/** So many events in a row can be missing before a record counts as one too many. */
const MOST_MISSING = 16;

/** What the work needs from its surroundings. */
export interface WorkHost {
  /** notes by which of the kernel's functions an event came about */
  readonly ways: Ways;
  /** the event whose consequences are worked out */
  now(): EventIndex;
  /** an announced event was not recorded; its effect takes place all the same */
  unrecorded(announced: Announcement): Came;
  missing(event: EventIndex, announced: Announcement): void;
  /** what is announced of the page is not meant for another that looks like it in the trace */
  isSure(page: PageId): boolean;
  /** the pages that records were about are not known: what contradicts an announcement may be another page's, and nothing follows from it */
  isAmbiguous(): boolean;
  /** nothing is missing from what the engine knows of the pages that live, and no two of them look alike */
  isCertain(): boolean;
  /** a record that was counted as a later announcement was a wrong one of an earlier */
  wrong(event: EventIndex, miss: NearMiss, counted: Verdict['outcome']): void;
}

/**
 * What one task is in the middle of: a function of the kernel, held at the event it must emit next. It is started by inputs, held
 * against each recorded output, and ended by the next input that shows it to be over.
 */
export class Work {
  private steps: Steps<unknown> | undefined;
  private announced: Announcement | undefined;
  private matched: Announcement | undefined;
  private missed: Missed | undefined;
  /** announcements that another record seemed to push aside, with what their effects were */
  private owed: { announced: Announcement; came: Came }[] = [];
  /** a record that repeats the one before, and would be the announced one but for one field */
  private repeat: (NearMiss & { event: EventIndex }) | undefined;
  /** the last output since an input, and where it took place */
  private last: { event: EventIndex; came: Came } | undefined;
  /** what to go on with after a mismatch: the announced reading unless the next event confirms the recorded one */
  private undecided: { announced: Came; recorded: Came } | undefined;
  /** a record could not be told from announcements with this reservation: what they still lead to cannot be announced */
  private astray: Reason | undefined;
  private reserve: Reason | undefined;
  /** no event of the work has come yet */
  private untouched = true;
  /** the kernel's functions that the work went through since its last event, or since the event that began it */
  private way = START;
  private since = BEFORE_FIRST;

  constructor(
    private readonly host: WorkHost,
    private readonly table: EventTable,
    private readonly roleMask: number,
  ) {}

  /** Something is under way, though what comes next may hang on how the last mismatch is decided. */
  get isBusy(): boolean {
    return this.undecided !== undefined || this.announced !== undefined;
  }

  /** Nothing is under way, and nothing of what was has to be settled. */
  private get isIdle(): boolean {
    return !this.isBusy && !this.missed && !this.last && !this.astray && this.owed.length === 0;
  }

  /** The kind of what comes next. */
  get pendingOutput(): Output | undefined {
    return this.announced?.output;
  }

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

  /**
   * @param reserve why it is not certain that the work is done at all: nothing of it must come before its first event has
   * @param within the function of the kernel that it is called by
   */
  start(steps: Steps<unknown>, reserve?: Reason, within?: KernelFunction): void {
    this.steps = steps;
    this.way = this.host.ways.begin(within);
    this.since = this.host.now();
    this.untouched = true;
    this.reserve = reserve;
    this.resume(undefined);
  }

  /** Something is to be done first, in the middle of what is under way. */
  interrupt(first: Steps<unknown>): void {
    const { steps, announced } = this;
    this.steps = inOrder(first, announced, steps);
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
    this.undecided = undefined;
    this.repeat = undefined;
    this.reserve = undefined;
  }

  /** Events were lost: how far it got does not show. */
  abandon(): void {
    this.cancel();
    this.matched = this.missed = this.last = this.astray = undefined;
    this.owed = [];
  }

  /** All that is announced, in order, as far as one can tell without knowing more. For `predict`, which has no use for the work after. */
  *rest(): Generator<Announcement> {
    this.decide();
    while (this.announced && this.announced.output !== Output.anything) {
      yield this.pending!;
      yield* othersThan(this.announced);
      this.resume(this.announced.maybe ? undefined : this.host.unrecorded(this.announced));
    }
  }

  /**
   * Holds a recorded output against what is announced. Announcements with a reservation that it is not about did not come. The event's
   * effect is not in the state yet; {@link took} goes on when it is.
   */
  judge(event: EventIndex, kind: number): Verdict {
    this.matched = undefined;
    this.decide(event);
    const settled = this.settleMissing(event) ?? this.comesLate(event, kind);
    if (settled) return settled;
    const repeated = this.last && sameRecord(this.table, this.last.event, event) ? this.last.came : undefined;
    const { astray } = this;
    let near: NearMiss | undefined;
    for (;;) {
      const announced = this.announced;
      if (!announced) {
        if (astray && !repeated) return { outcome: 'unpredictable', reason: astray };
        return { outcome: 'unpredicted', announced: undefined, near, ...(repeated ? { taken: repeated } : {}) };
      }
      if (announced.output === Output.anything) return { outcome: 'unpredictable', reason: announced.maybe };
      const differs = announced.output === kind ? differences(announced, this.table, event, this.roleMask) : undefined;
      if (differs?.length === 0) return this.match(announced);
      // Where not even the cause of an event shows, a difference says nothing: the event may be another fault's.
      const isGuess = (announced.maybe ?? this.reserve) === 'no-kvm-events';
      const miss = differs?.length === 1 && !isGuess ? { announced, differences: differs } : undefined;
      if (repeated) {
        if (miss) this.repeat = { ...miss, event };
        return { outcome: 'unpredicted', announced: announced.maybe ? undefined : announced, taken: repeated };
      }
      if (miss && (announced.maybe || this.reserve) && isThisOne(announced, differs![0]!)) return this.isWrong(miss);
      if (!announced.maybe && this.reserve) {
        const { reserve } = this;
        this.cancel();
        return { outcome: 'unpredictable', reason: reserve };
      }
      if (!announced.maybe && this.host.isAmbiguous() && !(this.isBurst(announced, kind) && this.isSure(announced))) this.cancel();
      else if (!announced.maybe && this.isBurst(announced, kind)) this.missedZap(event, announced);
      else if (!announced.maybe) return this.contradicted(event, kind, announced, differs);
      else {
        near ??= miss;
        for (const other of differs ? othersThan(announced) : NONE) {
          const itsDiffer = differences(other, this.table, event, this.roleMask);
          if (itsDiffer.length === 0) return this.match(other);
          if (itsDiffer.length === 1 && !isGuess) near ??= { announced: other, differences: itsDiffer };
        }
        this.skip(announced.maybe, kind === announced.output);
      }
    }
  }

  /** Pages go in bursts, before anything else happens: what comes instead of a zap comes after all of them. */
  private isBurst(announced: Announcement, kind: number): boolean {
    return announced.output === Output.prepareZap && kind !== Output.prepareZap;
  }

  private isSure(announced: Announcement): boolean {
    return announced.output === Output.prepareZap && this.host.isSure(announced.page);
  }

  private missedZap(event: EventIndex, announced: Announcement): void {
    this.host.missing(event, announced);
    this.resume(this.host.unrecorded(announced));
  }

  /** An announcement with a reservation did not come. */
  private skip(maybe: Reason, alike: boolean): void {
    if (alike) this.astray ??= maybe;
    this.resume(undefined);
  }

  private isWrong({ announced, differences: differs }: NearMiss): Verdict {
    this.matched = announced;
    this.reserve = undefined;
    this.untouched = false;
    return { outcome: 'wrong', announced, differences: differs };
  }

  private match(announced: Announcement): Verdict {
    this.matched = announced;
    this.reserve = undefined;
    this.astray = undefined;
    this.untouched = false;
    return this.verdictOf(announced);
  }

  private verdictOf({ open }: Announcement): Verdict {
    return open?.length ? { outcome: 'learned', reasons: open } : { outcome: 'exact' };
  }

  /**
   * An event that must come did not. Either the record has a wrong field, or the event is missing and the record is the next one, or the
   * record is one too many.
   */
  private contradicted(event: EventIndex, kind: number, announced: Announcement, differs: Difference[] | undefined): Verdict {
    const { table, roleMask } = this;
    if (differs && isAboutSame(differs) && !isNext(announced, table, event, roleMask)) {
      return this.isWrong({ announced, differences: differs });
    }
    return this.skipMissing(event, kind, announced, differs);
  }

  /** Goes on as if what was announced had come, and looks where the record is the next. */
  private skipMissing(event: EventIndex, kind: number, announced: Announcement, differs: Difference[] | undefined): Verdict {
    const { repeat } = this;
    const skipped: typeof this.owed = [];
    for (let next = this.announced; next && next.output !== Output.anything && skipped.length <= MOST_MISSING; next = this.announced) {
      if (skipped.length && next.output === kind && differences(next, this.table, event, this.roleMask).length === 0) {
        const verdict = this.match(next);
        if (skipped.length === 1 && repeat?.announced === announced) this.host.wrong(repeat.event, repeat, 'unpredicted');
        else if (skipped.length === 1) this.missed = { announced, event, differences: differs ?? [], verdict };
        else for (const one of skipped) this.host.missing(event, one.announced);
        return verdict;
      }
      if (next.maybe) this.skip(next.maybe, next.output === kind);
      else {
        const came = this.host.unrecorded(next);
        skipped.push({ announced: next, came });
        this.resume(came);
      }
    }
    this.owed.push(...skipped);
    return { outcome: 'unpredicted', announced };
  }

  /** An announced event after the record that seemed to come in its place: that record was one too many. */
  private comesLate(event: EventIndex, kind: number): Verdict | undefined {
    const is = ({ announced }: { announced: Announcement }): boolean =>
      announced.output === kind && differences(announced, this.table, event, this.roleMask).length === 0;
    const at = this.owed.findIndex(is);
    if (at < 0) return undefined;
    const [{ announced, came }] = this.owed.splice(at, 1) as [(typeof this.owed)[number]];
    return { ...this.verdictOf(announced), taken: came };
  }

  /** The event after one that seemed to be missing: if it repeats the record read instead, that record had a wrong field. */
  private settleMissing(event: EventIndex): Verdict | undefined {
    const { missed, last } = this;
    this.missed = undefined;
    if (!missed) return undefined;
    if (missed.differences.length === 1 && last && sameRecord(this.table, missed.event, event)) {
      this.host.wrong(missed.event, missed, missed.verdict.outcome);
      return { ...missed.verdict, taken: last.came };
    }
    this.host.missing(missed.event, missed.announced);
    return undefined;
  }

  /** The judged event is in the state: the kernel goes on. */
  took(event: EventIndex, came: Came, recorded = came): void {
    this.last = { event, came };
    if (this.matched && recorded.level !== came.level) this.undecided = { announced: came, recorded };
    else if (this.matched) {
      this.way = this.host.ways.led(event, this.way);
      this.since = event;
      this.resume(came);
    }
    this.matched = undefined;
  }

  /** The event after one with two readings of its level confirms one of them. */
  private decide(event?: EventIndex): void {
    const { undecided, table } = this;
    this.undecided = undefined;
    if (!undecided) return;
    const { announced, recorded } = undecided;
    const forRecord = event !== undefined && table.kind(event) === Kind.setSpte && table.num(event, 3) === recorded.level;
    this.resume(forRecord ? recorded : announced);
  }

  /** An input showed that the work is over: what must still have come is missing. */
  finish(event: EventIndex): void {
    if (this.isIdle) return this.cancel();
    this.decide();
    this.settleMissing(event);
    this.owed = [];
    this.last = this.astray = undefined;
    for (;;) {
      const pending = this.announced;
      if (pending?.maybe && pending.output !== Output.anything) this.resume(undefined);
      else if (pending && !this.reserve && this.isSure(pending)) this.missedZap(event, pending);
      else break;
    }
    const { announced, reserve } = this;
    if (announced && !announced.maybe && !reserve) {
      if (this.host.isCertain()) this.host.unrecorded(announced);
      if (this.repeat?.announced === announced) this.host.wrong(this.repeat.event, this.repeat, 'unpredicted');
      else this.host.missing(event, announced);
    }
    this.cancel();
  }

  private resume(came: Came | undefined): void {
    const { ways } = this.host;
    ways.at = this.way;
    const result = this.steps?.next(came);
    this.way = ways.at;
    ways.at = START;
    this.announced = result && !result.done ? result.value : undefined;
    if (!this.announced) this.over();
  }

  private over(): void {
    this.steps = undefined;
    this.host.ways.ended(this.since, this.way);
    this.way = START;
  }
}

function othersThan(announced: Announcement): Iterable<Announcement> {
  return announced.output === Output.setSpte && announced.others ? announced.others() : NONE;
}
const NONE: readonly Announcement[] = [];

function* inOrder(first: Steps<unknown>, announced: Announcement | undefined, rest: Steps<unknown> | undefined): Steps {
  yield* first;
  for (let next = announced; next;) {
    const { value, done } = rest!.next(yield next);
    next = done ? undefined : value;
  }
}
