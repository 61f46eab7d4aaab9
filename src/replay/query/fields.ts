import { EVENTS } from '../../trace/vocabulary.js';
import { eventFields } from './eventFields.js';
import { pageFields } from './pageFields.js';
import { roleFields } from './roleFields.js';
import { spteFields } from './spteFields.js';
import type { PageHeader } from '../view.js';
import type { Column, Columns } from './columns.js';
import type { NumberReader, Predicate, TextReader, ThingReader, TimeReader } from './readers.js';
import type { EventScope } from './scope.js';

/** The fields of the condition language. A field reads columns; no object is made per event, except by fields that look at state. */
interface FieldBase {
  readonly name: string;
  /** for completion */
  readonly help: string;
  /** looks at state and moves the scope's cursor */
  readonly state?: true;
  /** how a scan reads it of events like `sample`; without one, or where this has none, it reads what an event's scope gives */
  column?(columns: Columns, sample: number): Column | undefined;
  /** of one that looks at state: the events that can have it at all */
  possible?(columns: Columns): Predicate<number>;
}

export interface NumberField extends FieldBase, NumberReader<EventScope> {
  /** how `evaluate` shows it */
  readonly base: 10 | 16;
  /** for `evaluate` at an event that is about a page and does not print this: the page's own */
  ofPage?(page: PageHeader, scope: EventScope): number | undefined;
}
export interface TextField extends FieldBase, TextReader<EventScope> {
  /** what it can be, where that is a closed set */
  readonly values?: readonly string[];
}
export interface TimeField extends FieldBase, TimeReader<EventScope> {}
/** A page, an SPTE, a whole role: to look at, and true when the event has one. */
export interface ThingField extends FieldBase, ThingReader<EventScope> {
  readonly number?: NumberField;
}
export type Field = NumberField | TextField | TimeField | ThingField;

/** Every field by name. */
export const FIELDS: ReadonlyMap<string, Field> = new Map(
  [...eventFields(EVENTS), ...roleFields(), ...pageFields(), ...spteFields()].map((f) => [f.name, f]),
);

/** The field nearest to a name nobody knows, when one is near enough to be meant. */
export function suggestion(unknown: string): string | undefined {
  const wanted = unknown.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const name of FIELDS.keys()) {
    const distance = Math.min(editDistance(wanted, name), lastPart(name, wanted));
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** `quadrent` is near `role.quadrant`, and a little less near than a name without a dot would be. */
function lastPart(name: string, wanted: string): number {
  const dot = name.indexOf('.');
  return dot < 0 || wanted.includes('.') ? Infinity : editDistance(wanted, name.slice(dot + 1)) + 0.5;
}

/** Levenshtein's distance with neighbours swapped counted once. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 3) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
