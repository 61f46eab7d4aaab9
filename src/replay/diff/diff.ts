import type { Feature } from '../../engine/features.js';
import { NO_PAGE, type EventIndex, type PageId, type Role } from '../../engine/ids.js';
import { roleField } from '../../engine/role.js';
import { Kind, SpSlot } from '../../trace/vocabulary.js';
import { Cursor } from '../cursor.js';
import { align, Interner } from './align.js';
import { Causes, subjectsOf, type Subjects } from './causes.js';
import { explaining, type Subject } from './explain.js';
import { differingFields, isHostChoice, ownFields, type Compared, type FieldDifference } from './fields.js';
import { itemsOf, scopeOf, type Fact, type Item, type Scope, type StepItems } from './items.js';
import { PagePairs } from './pages.js';
import { featuresApart, RoleComparison, type DiffRun } from './run.js';
import { StateComparison, type StateDifference } from './stateDiff.js';
import { commonOpeners, cut, type Step, type Thread } from './steps.js';

/** A place where the runs part. */
export interface RunDifference {
  /** `event`: another event, or other fields. `missing`: only one run has it. `state`: the same events leave another state */
  readonly kind: 'event' | 'missing' | 'state';
  /** the event that differs; null where the run has none */
  readonly a: EventIndex | null;
  readonly b: EventIndex | null;
  /** where to travel to in the run that has no such event: the last one before */
  readonly beforeA: EventIndex;
  readonly beforeB: EventIndex;
  /** the step of either run that it belongs to; undefined where only the other has it */
  readonly stepA: Step | undefined;
  readonly stepB: Step | undefined;
  readonly fields: readonly FieldDifference[];
  readonly state: readonly StateDifference[];
  /** what can make it, of the features in which the runs differ */
  readonly features: readonly Feature[];
  /** the host's choice: another page size */
  readonly host: boolean;
  /** the earlier difference that this one comes of, as far as can be told */
  follows: RunDifference | undefined;
  /** differences that are of the same sort, this one included */
  count: number;
}

export interface DiffResult {
  readonly a: DiffRun;
  readonly b: DiffRun;
  /** features in which they differ, or may differ */
  readonly apart: readonly Feature[];
  /** steps that both runs have, and that only one has and that matter */
  readonly aligned: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** in order; those of the same sort are one */
  readonly differences: readonly RunDifference[];
  readonly total: number;
}

/** Where two runs of the same guest part. */
export function diffRuns(a: DiffRun, b: DiffRun): DiffResult {
  return new Comparison(a, b).result();
}

/** Of an `expect` that fails in the other run. */
export const EXPECT_HOLDS = 'holds';

/** Faults that the delivery of an exception can take: the IDT, the GDT and the stack, each perhaps walked for twice. */
const DELIVERY = 6;

/** State lines that one difference shows. */
const STATE_LINES = 8;

class Comparison {
  private readonly compared: Compared;
  private readonly apart: readonly Feature[];
  private readonly scope: Scope;
  private readonly found: RunDifference[] = [];
  private readonly causes = new Causes();
  /** what the step in hand has been found to differ in */
  private inHand: { difference: RunDifference; subjects: Subjects; kinds: readonly Kind[] }[] = [];
  /** first events of steps that both runs have */
  private readonly tied: (readonly [EventIndex, EventIndex])[] = [];
  /** steps since one that injected an exception */
  private sinceInjection = Infinity;
  private aligned = 0;
  private onlyA = 0;
  private onlyB = 0;

  constructor(a: DiffRun, b: DiffRun) {
    const roles = new RoleComparison(a, b);
    this.compared = { a, b, roles, pairs: new PagePairs(a, b, roles) };
    this.apart = featuresApart(a, b);
    this.scope = scopeOf(a, b);
  }

  result(): DiffResult {
    const { a, b } = this.compared;
    const openers = commonOpeners(a, b);
    const [inA, inB] = [cut(a, openers), cut(b, openers)];
    // With several vCPUs the states are those of different moments: then only events are compared.
    const alone = [inA, inB].every((threads) => threads.filter(isVcpu).length <= 1);
    for (const { name } of [...inA, ...inB.filter((thread) => !inA.some((other) => other.name === thread.name))]) {
      const thread = (threads: readonly Thread[]): Thread => threads.find((each) => each.name === name) ?? EMPTY(name);
      this.threads(thread(inA), thread(inB), alone && isVcpu(thread(inA)));
    }
    const order = new Map(this.found.map((each) => [each, this.placeInA(each)]));
    this.found.sort((x, y) => order.get(x)! - order.get(y)! || (x.b ?? x.beforeB) - (y.b ?? y.beforeB));
    const { aligned, onlyA, onlyB, found } = this;
    return { a, b, apart: this.apart, aligned, onlyA, onlyB, differences: grouped(found, this.compared), total: found.length };
  }

  private threads(a: Thread, b: Thread, withState: boolean): void {
    const keys = new Interner();
    const partner = align(
      a.steps.map(({ key }) => keys.id(key)),
      b.steps.map(({ key }) => keys.id(key)),
    );
    const state = withState
      ? new StateComparison(this.compared, new Cursor(this.compared.a.history), new Cursor(this.compared.b.history))
      : undefined;
    let nextB = 0;
    for (let i = 0; i <= a.steps.length; i++) {
      const j = i < a.steps.length ? partner[i]! : b.steps.length;
      if (j < 0) {
        this.only('a', a, a.steps[i]!, b.steps[nextB - 1]);
        continue;
      }
      for (; nextB < j; nextB++) this.only('b', b, b.steps[nextB]!, a.steps[i - 1]);
      if (i === a.steps.length) break;
      this.step(a, a.steps[i]!, b, b.steps[j]!, state);
      nextB = j + 1;
    }
  }

  /** Where a difference stands in A; that of a thread which only B has, by what the guest did before it. */
  private placeInA({ a, b, beforeA }: RunDifference): number {
    if (a !== null || beforeA >= 0) return a ?? beforeA;
    const earlier = this.tied.findLast(([, inB]) => inB <= b!);
    return earlier?.[0] ?? -1;
  }

  /** A step that only one run has. */
  private only(side: 'a' | 'b', thread: Thread, step: Step, before: Step | undefined): void {
    if (!step.matters) return;
    if (side === 'a') this.onlyA++;
    else this.onlyB++;
    const { items, facts: own } = itemsOf(this.compared[side], thread, step, this.scope);
    const facts = this.factsOf(own, own);
    const [first] = items;
    if (!first) return;
    const earlier = before?.last ?? (-1 as EventIndex);
    const [beforeA, beforeB] = side === 'a' ? [step.first, earlier] : [earlier, step.first];
    const [stepA, stepB] = side === 'a' ? [step, undefined] : [undefined, step];
    this.missing({ beforeA, beforeB, stepA, stepB, facts }, side, first);
    this.settle();
  }

  private step(threadA: Thread, stepA: Step, threadB: Thread, stepB: Step, state: StateComparison | undefined): void {
    this.aligned++;
    this.tied.push([stepA.first, stepB.first]);
    const { a, b, pairs } = this.compared;
    const inA = itemsOf(a, threadA, stepA, this.scope);
    const inB = itemsOf(b, threadB, stepB, this.scope);
    const facts = this.factsOf(inA.facts, inB.facts);
    const matched = matchItems(pairs, inA.items, inB.items);
    let [beforeA, beforeB] = [stepA.first, stepB.first];
    for (const [x, y] of matched) {
      const at = { beforeA, beforeB, stepA, stepB, facts };
      if (x && y) {
        this.other(at, x, y);
        if (isAboutPage(x.kind)) pairs.pair(x.page, y.page, x.event, y.event);
      }
      if (x && !y) this.missing(at, 'a', x);
      if (y && !x) this.missing(at, 'b', y);
      beforeA = x?.event ?? beforeA;
      beforeB = y?.event ?? beforeB;
    }
    this.expectations(stepA, stepB, { beforeA: stepA.first, beforeB: stepB.first, stepA, stepB, facts });
    this.guestBits(inA, inB, { beforeA: stepA.first, beforeB: stepB.first, stepA, stepB, facts });
    this.states(state?.after(stepA, stepB) ?? [], { beforeA: stepA.last, beforeB: stepB.last, stepA, stepB, facts });
    this.settle();
  }

  /** What the guest does after an exception was injected, KVM may take for its delivery; where exits have no events, so may we. */
  private factsOf(inA: ReadonlySet<Fact>, inB: ReadonlySet<Fact>): ReadonlySet<Fact> {
    const facts = new Set([...inA, ...inB]);
    if (this.sinceInjection === 1) facts.add('after-injection');
    if (!this.scope.exits && this.sinceInjection <= DELIVERY) facts.add('reinjection');
    this.sinceInjection = facts.has('injection') ? 1 : this.sinceInjection + 1;
    return facts;
  }

  private other(at: At, a: Item, b: Item): void {
    const fields = differingFields(this.compared, a, b);
    if (fields.length === 0) return;
    const host = isHostChoice(this.compared, a, b, fields);
    this.add({ ...at, kind: 'event', a: a.event, b: b.event, fields, state: [], host }, [a], [b]);
  }

  private missing(at: At, side: 'a' | 'b', item: Item): void {
    const fields = ownFields(this.compared, item, side);
    const events = side === 'a' ? { a: item.event, b: null } : { a: null, b: item.event };
    this.add({ ...at, kind: 'missing', ...events, fields, state: [], host: false }, side === 'a' ? [item] : [], side === 'b' ? [item] : []);
  }

  /** An `expect` of a scenario that holds in one run only. */
  private expectations(stepA: Step, stepB: Step, at: At): void {
    const [inA, inB] = [failureIn(this.compared.a, stepA), failureIn(this.compared.b, stepB)];
    if ((inA === undefined) === (inB === undefined)) return;
    const fields = [{ name: 'expect', a: inA ?? EXPECT_HOLDS, b: inB ?? EXPECT_HOLDS }];
    this.add({ ...at, kind: 'event', a: stepA.first, b: stepB.first, fields, state: [], host: false }, [], []);
  }

  /** A and D that KVM set in guest entries. */
  private guestBits(inA: StepItems, inB: StepItems, at: At): void {
    const a = [...inA.bitsSet].filter((bit) => !inB.bitsSet.has(bit));
    const b = [...inB.bitsSet].filter((bit) => !inA.bitsSet.has(bit));
    if (a.length + b.length === 0) return;
    const fields = [...a.map((bit) => ({ name: bit, a: 'set', b: null })), ...b.map((bit) => ({ name: bit, a: null, b: 'set' }))];
    this.add({ ...at, kind: 'event', a: at.beforeA, b: at.beforeB, fields, state: [], host: false }, [], []);
  }

  /** What the step left otherwise goes with what it did otherwise. */
  private states(differing: readonly StateDifference[], at: At): void {
    if (differing.length === 0) return;
    const state = differing.slice(0, STATE_LINES);
    const [first] = this.inHand;
    if (first) {
      (first.difference.state as StateDifference[]).push(...state);
      first.subjects = [...first.subjects, ...subjectsOf(this.compared.a, [], state, undefined)];
    } else this.add({ ...at, kind: 'state', a: at.beforeA, b: at.beforeB, fields: [], state, host: false }, [], []);
  }

  private add(found: At & Omit<RunDifference, 'features' | 'follows' | 'count'>, inA: readonly Item[], inB: readonly Item[]): void {
    const { facts, ...difference } = found;
    const { a, b } = this.compared;
    const items = [...inA, ...inB];
    const { kind, fields, state } = difference;
    const subject: Subject = {
      kinds: new Set(items.map(({ kind: each }) => each)),
      fields: new Set(kind === 'event' ? fields.map(({ name }) => name) : []),
      values: new Map(kind === 'missing' ? fields.map((field) => [field.name, (field.a ?? field.b)!]) : []),
      facts,
      only: kind === 'missing' ? (inA.length ? a : b) : undefined,
      state: state.length > 0,
      direct: inA.some((item) => isDirect(a, item)) || inB.some((item) => isDirect(b, item)),
    };
    const features = difference.host ? [] : explaining(subject, this.apart);
    this.inHand.push({
      difference: { ...difference, features, follows: undefined, count: 1 },
      subjects: [...subjectsOf(a, inA, state, difference.stepA), ...subjectsOf(b, inB, [], difference.stepB)],
      kinds: items.map(({ kind: each }) => each),
    });
  }

  /** The step is over. */
  private settle(): void {
    if (this.inHand.length === 0) return;
    this.causes.settle(this.inHand);
    for (const { difference } of this.inHand) this.found.push(difference);
    this.inHand = [];
  }
}

type Matched = readonly [Item | undefined, Item | undefined];

/** Where a difference stands. */
type At = Pick<RunDifference, 'beforeA' | 'beforeB' | 'stepA' | 'stepB'> & { readonly facts: ReadonlySet<Fact> };

function failureIn({ failures }: DiffRun, { first, last }: Step): string | undefined {
  return failures.find(({ event }) => event >= first && event <= last)?.message;
}

function isDirect({ history }: DiffRun, { event, kind }: Item): boolean {
  return isAboutPage(kind) && roleField(history.table.num(event, SpSlot.role) as Role, 'direct') === 1;
}

const EMPTY = (name: string): Thread => ({ name, steps: [], isTeardown: false, has: () => false });

/** What the host's threads do is seen in the states after the guest's steps. */
function isVcpu({ name, isTeardown, steps }: Thread): boolean {
  return !isTeardown && !name.endsWith(':host') && steps.some((step) => step.matters);
}

function isAboutPage(kind: Kind): boolean {
  return kind <= Kind.prepareZap;
}

/** Items of a step that belong together, in the order of both; undefined where only the other run has one. */
function matchItems(pairs: PagePairs, a: readonly Item[], b: readonly Item[]): Matched[] {
  const keys = new Interner();
  const ids = (items: readonly Item[], name: (page: PageId) => string): number[] =>
    items.map(({ key, page, index }) => keys.id(page === NO_PAGE ? key : `${key} ${name(page)} ${index}`));
  const partner = align(
    ids(a, (page) => pairs.nameInA(page)),
    ids(b, (page) => pairs.nameInB(page)),
  );
  const taken = new Set(partner);
  const rest = b.map((_, j) => j).filter((j) => !taken.has(j));
  const take = (fits: (item: Item) => boolean): number => {
    const at = rest.findIndex((j) => fits(b[j]!));
    return at < 0 ? -1 : rest.splice(at, 1)[0]!;
  };
  // The order within a step is not what differs; and an event about something else stands for one of its kind.
  for (const [i, item] of a.entries()) if (partner[i]! < 0) partner[i] = take(({ key }) => key === item.key);
  for (const [i, item] of a.entries())
    if (partner[i]! < 0 && STANDS_FOR.has(item.kind)) partner[i] = take(({ kind }) => kind === item.kind);
  const matched: Matched[] = [];
  let next = 0;
  const upTo = (end: number): void => {
    for (; next < end; next++) if (rest.includes(next)) matched.push([undefined, b[next]!]);
  };
  for (const [i, item] of a.entries()) {
    const j = partner[i]!;
    if (j >= 0) upTo(j);
    matched.push([item, j < 0 ? undefined : b[j]!]);
  }
  upTo(b.length);
  return matched;
}

/** Kinds of which one about another gfn is the same thing done differently. */
const STANDS_FOR: ReadonlySet<Kind> = new Set<Kind>([Kind.getPage, Kind.setSpte, Kind.spteRequested, Kind.cr]);

/** Differences of the same sort as one, at the place of the first. */
function grouped(found: readonly RunDifference[], { a, b }: Compared): RunDifference[] {
  const groups = new Map<string, RunDifference>();
  for (const difference of found) {
    const { kind, fields, features, state, follows, host } = difference;
    const name = difference.a !== null ? a.history.table.name(difference.a) : b.history.table.name(difference.b!);
    const values = kind === 'event' ? fields.map((field) => sortOf(field)) : [difference.a === null ? 'B' : 'A'];
    const states = kind === 'state' ? state.map((each) => `${stateSort(each.a)} ${stateSort(each.b)}`) : [];
    const cause = host ? ['host'] : follows ? ['follows', ...follows.features] : features;
    const sort = [kind, kind === 'state' ? '' : name, ...values, ...new Set(states), ...cause].join('|');
    const group = groups.get(sort);
    if (group) group.count++;
    else groups.set(sort, difference);
  }
  return [...groups.values()];
}

/** Flags by their values, places and numbers by their names alone. */
function sortOf({ name, a, b }: FieldDifference): string {
  return /^(role\.|spte\.|error\.|created|unsync|valid)/.test(name) ? `${name} ${a} ${b}` : name.replace(/[0-9a-f]+$/, '');
}

function stateSort(text: string | null): string {
  return text?.replace(/[0-9a-f]+ L\d q\d|gfn [0-9a-f]+/g, '') ?? '';
}
