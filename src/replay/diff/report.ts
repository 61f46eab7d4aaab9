import type { EventIndex } from '../../engine/ids.js';
import { FEATURES, type Feature } from '../../engine/features.js';
import { Kind } from '../../trace/vocabulary.js';
import { EXPECT_HOLDS, type DiffResult, type RunDifference } from './diff.js';
import type { FieldDifference } from './fields.js';
import { pageName } from './pages.js';
import { hadFeature, type DiffRun } from './run.js';
import type { StateDifference } from './stateDiff.js';
import { statementText, type Step } from './steps.js';

/** The JSON form of the command line (interfaces.md); other programs rely on it. */
export interface DiffReport {
  a: RunReport;
  b: RunReport;
  aligned: number;
  onlyA: number;
  onlyB: number;
  differences: DifferenceReport[];
  differencesTotal: number;
}

export interface RunReport {
  file: string;
  kernel: string;
  without: readonly string[];
}

export interface PlaceReport {
  event: number;
  line?: number;
  time: string;
  text: string;
  /** the statement of a scenario that it belongs to */
  statement?: { line: number; text: string };
}

export interface DifferenceReport {
  kind: RunDifference['kind'];
  a: PlaceReport | null;
  b: PlaceReport | null;
  fields: Record<string, [string | null, string | null]>;
  /** places of the state after the step that differ: `104 L1 q0 [001]` */
  state: { place: string; a: string | null; b: string | null }[];
  message: string;
  /** features in which the runs differ and that can make it */
  features: string[];
  /** the difference that it comes of, by the events that differ there */
  follows: { a: number | null; b: number | null } | null;
  /** so many differences are of this sort; this is the first */
  count: number;
}

export function diffReport(result: DiffResult, a: RunReport, b: RunReport, max = Infinity): DiffReport {
  const { aligned, onlyA, onlyB, differences, total } = result;
  const side = ({ file, kernel, without }: RunReport): RunReport => ({ file, kernel, without });
  return {
    a: side(a),
    b: side(b),
    aligned,
    onlyA,
    onlyB,
    differences: differences.slice(0, max).map((difference) => differenceReport(result, difference)),
    differencesTotal: total,
  };
}

export function differenceReport(result: DiffResult, difference: RunDifference): DifferenceReport {
  const { a, b } = result;
  const { kind, fields, state, features, count, stepA, stepB } = difference;
  return {
    kind,
    a: difference.a === null ? null : place(a, difference.a, stepA),
    b: difference.b === null ? null : place(b, difference.b, stepB),
    fields: Object.fromEntries(fields.map((field) => [field.name, [field.a, field.b]])),
    state: state.map((each) => ({ place: each.name, a: each.a, b: each.b })),
    message: message(result, difference),
    features: [...features],
    follows: difference.follows ? { a: difference.follows.a, b: difference.follows.b } : null,
    count,
  };
}

function place(run: DiffRun, event: EventIndex, step: Step | undefined): PlaceReport {
  const { table } = run.history;
  const line = table.line(event);
  const statement = step && statementOf(run, step);
  return {
    event,
    ...(line !== undefined && { line }),
    time: table.timeText(event),
    text: eventText(run, event),
    ...(statement && { statement }),
  };
}

/** The statement of a scenario that a step belongs to. */
export function statementOf(run: DiffRun, step: Step): { line: number; text: string } | undefined {
  return run.isScenario ? statementText(run.history.table, step.first) : undefined;
}

/** The event as the kernel prints it, without task and time. */
export function eventText(run: DiffRun, event: EventIndex): string {
  const { table } = run.history;
  return `${table.name(event)}: ${table.message(event)}`;
}

/** One sentence: what differs, and what of the kernels makes it. */
export function message(result: DiffResult, difference: RunDifference): string {
  return [what(result, difference), ...because(result, difference)].join('; ');
}

/** The feature that makes it, the host, or the earlier difference that it comes of; nothing where none is known. */
function because(result: DiffResult, { features, follows, host }: RunDifference): string[] {
  if (host) return ['the memory behind it is no large page in one of the hosts'];
  if (features.length) return [features.map((feature) => featureWords(result, feature)).join('; or ')];
  if (!follows) return result.apart.length ? ['no feature in which these kernels are known to differ makes it'] : [];
  const [at, side] = follows.a === null ? [follows.b!, 'B'] : [follows.a, 'A'];
  return [`it follows from what differs at event ${at} of ${side}`];
}

function featureWords({ a, b }: DiffResult, feature: Feature): string {
  const [inA, inB] = [hadFeature(a, feature), hadFeature(b, feature)];
  // A text trace may not tell the kernel well enough.
  const [who, other, certain] =
    inA === true || inB === false ? ['A', 'B', inA === true && inB === false] : ['B', 'A', inA === false && inB === true];
  return `${who} has${certain ? '' : `, and ${other} may not have,`} ${feature}: ${FEATURES[feature].on}`;
}

function what(result: DiffResult, difference: RunDifference): string {
  const { kind, state, fields } = difference;
  if (kind === 'state') return `the same events leave another state: ${stateWords(state[0]!)}${more(state.length - 1)}`;
  if (kind === 'missing') return only(result, difference);
  const expect = fields.find(({ name }) => name === 'expect');
  if (expect) return expect.a === EXPECT_HOLDS ? `only in B an expect fails: ${expect.b}` : `only in A an expect fails: ${expect.a}`;
  const subject = subjectOf(result, difference);
  return `${subject}: ${fields.slice(0, FIELDS_SHOWN).map(fieldWords).join(', ')}${more(fields.length - FIELDS_SHOWN)}`;
}

const FIELDS_SHOWN = 3;

function more(count: number): string {
  return count > 0 ? `, and ${count} more` : '';
}

function stateWords({ name, a, b }: StateDifference): string {
  return `${name} is ${a} in A, ${b} in B`;
}

function fieldWords({ name, a, b }: FieldDifference): string {
  return `${name} is ${a ?? 'not there'} in A, ${b ?? 'not there'} in B`;
}

/** `the shadow page of gfn 104 at level 1`, `the guest's fault at 2070` */
function subjectOf({ a, b }: DiffResult, { a: inA, b: inB, fields }: RunDifference): string {
  const run = inA !== null ? a : b;
  const event = (inA ?? inB)!;
  const { table, notes } = run.history;
  const hex = (slot: number): string => table.word(event, slot).toString(16);
  const page = notes.pageOf(event);
  const name = page ? pageName(run, page) : undefined;
  if (fields.every(({ name: field }) => / of [0-9a-f]+$/.test(field))) return "KVM's accessed and dirty bits in guest entries";
  switch (table.kind(event)) {
    case Kind.getPage:
      return `the shadow page ${name ?? `of gfn ${hex(1)}`} that is looked for`;
    case Kind.syncPage:
      return `the sync of ${name ?? `gfn ${hex(1)}`}`;
    case Kind.unsyncPage:
      return `${name ?? `gfn ${hex(1)}`}, which goes out of sync`;
    case Kind.prepareZap:
      return `the zapped page ${name ?? `of gfn ${hex(1)}`}`;
    case Kind.setSpte: {
      const at = notes.spteOf(event);
      return `the SPTE of gfn ${hex(0)}${at ? ` in ${pageName(run, at.page)} [${at.index.toString(16).padStart(3, '0')}]` : ''}`;
    }
    case Kind.pageFault:
      return `the fault at ${hex(2)}`;
    case Kind.walk:
      return `the walk of the guest's tables for ${hex(0)}`;
    default:
      return table.name(event);
  }
}

/** What only one run does. */
function only(result: DiffResult, difference: RunDifference): string {
  const [side, other] = difference.a !== null ? (['A', 'B'] as const) : (['B', 'A'] as const);
  const run = difference.a !== null ? result.a : result.b;
  const event = (difference.a ?? difference.b)!;
  const { table } = run.history;
  const hex = (slot: number): string => table.word(event, slot).toString(16);
  const subject = subjectOf(result, difference);
  switch (table.kind(event)) {
    case Kind.getPage:
      return `only ${side} takes ${subject.replace(' that is looked for', '')} (${table.num(event, 5) ? 'new' : 'existing'})`;
    case Kind.syncPage:
      return `only ${side} syncs ${subject.replace('the sync of ', '')}`;
    case Kind.unsyncPage:
      return `only in ${side} ${subject.replace(', which goes', ' goes')}`;
    case Kind.prepareZap:
      return `only ${side} zaps ${subject.replace('the zapped page ', 'page ')}`;
    case Kind.setSpte:
      return `only ${side} sets ${subject}`;
    case Kind.pageFault:
      return `only in ${side} the guest faults at ${hex(2)}: the SPTE that ${other} has was not there, or forbade it`;
    case Kind.walk:
      return `only ${side} makes ${subject}`;
    case Kind.emulateInsn:
      return `only ${side} emulates the instruction at ${hex(0)}`;
    case Kind.injException:
      return `only ${side} injects an exception`;
    default:
      return `only ${side} has ${table.name(event)}`;
  }
}
