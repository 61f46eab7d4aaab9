import { NO_PAGE } from '../../engine/ids.js';
import { Kind } from '../../trace/vocabulary.js';
import type { RunDifference } from './diff.js';
import type { Item } from './items.js';
import { pageName } from './pages.js';
import type { DiffRun } from './run.js';
import type { StateDifference } from './stateDiff.js';
import type { Step } from './steps.js';

/** What a difference is about: names of pages, guest frames and guest addresses. */
export type Subjects = readonly string[];

/** Address bits within a page, and within what a level-2 SPTE of an 8-byte table maps. */
const PAGE = 12n;
const LARGE = 21n;

export function subjectsOf(run: DiffRun, items: readonly Item[], state: readonly StateDifference[], step: Step | undefined): string[] {
  const subjects: string[] = [];
  for (const { kind, event, page } of items) {
    const { table } = run.history;
    if (page !== NO_PAGE) subjects.push(`page ${pageName(run, page)}`, `table ${run.history.pages.birth(page).gfn}`);
    if (kind === Kind.setSpte || kind === Kind.spteRequested) subjects.push(...frames(table.num(event, 0)));
    if (kind === Kind.pageFault) subjects.push(...addresses(table.word(event, 2)));
    if (kind === Kind.walk) subjects.push(...addresses(table.word(event, 0)));
    // A direct page stands for the guest frames from its gfn on.
    if (kind <= Kind.prepareZap && page !== NO_PAGE) subjects.push(...frames(run.history.pages.birth(page).gfn));
  }
  for (const { name, gfn } of state) subjects.push(`page ${name}`, ...(gfn === undefined ? [] : frames(gfn)));
  const fault = step && /^(?:fault|walk) ([0-9a-f]+)/.exec(step.key);
  if (fault) subjects.push(...addresses(BigInt(`0x${fault[1]}`)));
  return subjects;
}

function frames(gfn: number): string[] {
  return [`gfn ${gfn}`, `large ${Math.floor(gfn / 512)}`];
}

function addresses(address: bigint): string[] {
  return [`address ${address >> PAGE}`, `region ${address >> LARGE}`];
}

/**
 * Runs that differ in one place go on to differ in others: a fault that one of them is spared, a page that the other makes anew. What no
 * feature makes by itself is tied to the earlier difference that is about the same thing.
 */
export class Causes {
  private readonly bySubject = new Map<string, RunDifference>();
  /** the last pages that only one of the runs zapped or made: all below them is made anew */
  private readonly pages: { a?: RunDifference; b?: RunDifference } = {};

  /** Ties the differences of one step: to each other, and those that have no cause of their own to earlier ones. */
  settle(step: readonly { readonly difference: RunDifference; readonly subjects: Subjects; readonly kinds: readonly Kind[] }[]): void {
    // Fields that differ by themselves, as those of a role, make nothing else.
    const makesMore = step.filter(({ difference }) => difference.kind !== 'event' || difference.host);
    const own = makesMore.find(({ difference }) => hasCause(difference)) ?? makesMore[0];
    for (const { difference, subjects, kinds } of step) {
      if (hasCause(difference)) continue;
      const within = kinds.includes(Kind.zapAllFast) ? undefined : own?.difference;
      const earlier = (within && hasCause(within) ? within : undefined) ?? this.earlier(difference, subjects, kinds) ?? within;
      if (earlier !== undefined && earlier !== difference) difference.follows = earlier.follows ?? earlier;
    }
    for (const { difference, subjects, kinds } of step) {
      // A role that differs by itself makes nothing else.
      if (difference.kind === 'event' && kinds.every((kind) => kind <= Kind.prepareZap)) continue;
      const { host } = difference.follows ?? difference;
      // Another page size concerns all that a large page maps.
      for (const subject of subjects) if (host || !/^(large|region)/.test(subject)) this.bySubject.set(subject, difference);
      if (difference.kind !== 'missing' || !kinds.some((kind) => kind === Kind.prepareZap || kind === Kind.getPage)) continue;
      this.pages[difference.a === null ? 'b' : 'a'] = difference;
    }
  }

  private earlier(difference: RunDifference, subjects: Subjects, kinds: readonly Kind[]): RunDifference | undefined {
    for (const subject of subjects) {
      const found = this.bySubject.get(subject);
      if (found) return found;
    }
    if (kinds.includes(Kind.zapAllFast)) return this.pages.a ?? this.pages.b;
    const step = difference.stepA ?? difference.stepB;
    if (difference.kind !== 'missing' || !step || !/^(fault|walk) /.test(step.key)) return undefined;
    return this.pages[difference.a === null ? 'b' : 'a'];
  }
}

function hasCause({ features, host }: RunDifference): boolean {
  return features.length > 0 || host;
}
