import { NO_PAGE, type EventIndex, type PageId } from '../../engine/ids.js';
import type { Node } from './ast.js';
import { columnOf, type Column, type Columns } from './columns.js';
import { compileTo, predicate, type Target } from './compile.js';
import type { Predicate } from './readers.js';

/** What a condition says of events that are like one: the same of all, or of each by its number. */
export type Verdict = boolean | Test;

/** `inForm`: what is left of it for the events of the form that one of them has. */
export interface Test {
  (event: number): boolean;
  inForm?(sample: number): Verdict;
}

/** `exact`: where it holds the condition does; else it may, and the state after the event decides. Where it does not, the condition does not. */
interface Scan {
  readonly test: Verdict;
  readonly exact: boolean;
}

const NEVER: Scan = { test: false, exact: true };

/**
 * A condition for the events that are like one of them: same kind, same name, same arguments given. What such events do not have is
 * decided here and not for each; what is left reads columns. A part that needs state is left open, which can only let too many events
 * pass: `!` never stands above a part.
 */
export function compileScan(text: string, node: Node, columns: Columns, sample: number): Scan {
  return compileTo(scansOf(columns, sample), text, node);
}

function scansOf(columns: Columns, sample: number): Target<Scan> {
  return {
    leaf(field, leaf) {
      const column = columnOf(field, columns, sample);
      if (!column) return { test: field.possible?.(columns) ?? true, exact: false };
      return { test: verdictOf(columns, column, predicate(field, column, leaf), sample), exact: true };
    },
    both(a, b) {
      if (a.test === false || b.test === false) return NEVER;
      return { test: bothHold(a.test, b.test), exact: a.exact && b.exact };
    },
    either(a, b) {
      if (a.test === false) return b;
      if (b.test === false) return a;
      if (isCertain(a) || isCertain(b)) return { test: true, exact: true };
      return { test: eitherHolds(a.test, b.test), exact: a.exact && b.exact };
    },
  };
}

function verdictOf(columns: Columns, column: Column, test: Predicate<number>, sample: number): Verdict {
  if (column.constant) return test(sample);
  if (column.ofContext) return perContext(columns, test);
  if (column.ofPage) return perPage(columns, test);
  const { isFixed } = column;
  return isFixed ? withForms(test, (like) => (isFixed(like) ? test(like) : test)) : test;
}

function withForms(test: Predicate<number>, inForm: (sample: number) => Verdict): Test {
  // a closure of its own: `test` may stand in other verdicts, too
  return Object.assign((e: number) => test(e), { inForm });
}

/** What a verdict on events like one says of those of the same form. */
export function ofForm(verdict: Verdict, sample: number): Verdict {
  return typeof verdict === 'boolean' ? verdict : (verdict.inForm?.(sample) ?? verdict);
}

/** What holds of events by what ran them where is found once for each context. */
function perContext({ table }: Columns, test: Predicate<number>): Predicate<number> {
  const known: (boolean | undefined)[] = [];
  return (e) => {
    const context = table.contextOf(e);
    return (known[context] ??= test(e));
  };
}

const HOLDS = 1;
const FAILS = 2;

/** What holds of events by the page that they are about is found once for each page that is the same at all times. */
function perPage({ replay }: Columns, test: Predicate<number>): Predicate<number> {
  let known = new Uint8Array(1 << 10);
  const learn = (e: number, page: PageId): boolean => {
    const holds = test(e);
    if (page !== NO_PAGE && !replay.identityOf(page)) return holds;
    if (page >= known.length) known = larger(known, page);
    known[page] = holds ? HOLDS : FAILS;
    return holds;
  };
  return (e) => {
    const page = replay.pageOf(e as EventIndex);
    const verdict = known[page];
    return verdict ? verdict === HOLDS : learn(e, page);
  };
}

function larger(old: Uint8Array, least: number): Uint8Array<ArrayBuffer> {
  const enlarged = new Uint8Array(Math.max(old.length * 2, least + 1));
  enlarged.set(old);
  return enlarged;
}

function isCertain({ test, exact }: Scan): boolean {
  return exact && test === true;
}

/** What holds where both do. */
export function bothHold(a: Verdict, b: Verdict): Verdict {
  if (typeof a === 'boolean') return a && b;
  if (typeof b === 'boolean') return b && a;
  return joined((e) => a(e) && b(e), a, b, bothHold);
}

/** What holds where one does. */
export function eitherHolds(a: Verdict, b: Verdict): Verdict {
  if (typeof a === 'boolean') return a || b;
  if (typeof b === 'boolean') return b || a;
  return joined((e) => a(e) || b(e), a, b, eitherHolds);
}

function joined(test: Test, a: Test, b: Test, join: (a: Verdict, b: Verdict) => Verdict): Test {
  if (a.inForm || b.inForm) test.inForm = (sample) => join(ofForm(a, sample), ofForm(b, sample));
  return test;
}
