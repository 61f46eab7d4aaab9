import type { Node } from './ast.js';
import { columnOf, type Columns } from './columns.js';
import { compileTo, predicate, type Target } from './compile.js';
import type { Predicate } from './readers.js';

/** What a condition says of the events of one form: the same of all, or of each by its number. */
export type Verdict = boolean | Predicate<number>;

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
      const test = predicate(field, column, leaf);
      return { test: column.constant ? test(sample) : column.ofContext ? perContext(columns, test) : test, exact: true };
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

/** What holds of events by what ran them where is found once for each context. */
function perContext({ table }: Columns, test: Predicate<number>): Predicate<number> {
  const known: (boolean | undefined)[] = [];
  return (e) => {
    const context = table.contextOf(e);
    return (known[context] ??= test(e));
  };
}

function isCertain({ test, exact }: Scan): boolean {
  return exact && test === true;
}

/** What holds where both do. */
export function bothHold(a: Verdict, b: Verdict): Verdict {
  if (typeof a === 'boolean') return a && b;
  if (typeof b === 'boolean') return b && a;
  return (e) => a(e) && b(e);
}

/** What holds where one does. */
export function eitherHolds(a: Verdict, b: Verdict): Verdict {
  if (typeof a === 'boolean') return a || b;
  if (typeof b === 'boolean') return b || a;
  return (e) => a(e) || b(e);
}
