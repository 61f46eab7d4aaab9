import { FIELDS, type Field } from './fields.js';
import { COMPARISONS } from './lexer.js';

export interface Completion {
  readonly label: string;
  readonly detail: string;
  readonly kind: 'field' | 'value' | 'operator';
  /** the part of the text that it replaces: 0-based column and length */
  readonly start: number;
  readonly length: number;
}

const LETTERS = ['---', '--x', 'w--', 'w-x', '-u-', '-ux', 'wu-', 'wux'];
const AFTER_WHOLE = ['&&', '||'];
/** The word under the caret, and what stands before it. */
const WORD_BEFORE = /[^\s"'()<>=!&|~{]*$/u;
const COMPARED = /([^\s"'()<>=!&|~]+)\s*(==|!=|<=|>=|<|>|&(?!&)|~)\s*$/u;

/** What can be typed at a column (0-based) of a condition or an expression. */
export function completions(text: string, column: number): Completion[] {
  const before = text.slice(0, Math.max(0, Math.min(column, text.length)));
  const typed = WORD_BEFORE.exec(before)![0];
  const start = before.length - typed.length;
  const head = before.slice(0, start);
  const place = { start, length: typed.length };
  const compared = COMPARED.exec(head);
  if (compared) return valuesOf(FIELDS.get(compared[1]!), typed, place);
  if (endsWhole(head)) return typed === '' ? operators(head, place) : [];
  return fields(typed, place);
}

type Place = Pick<Completion, 'start' | 'length'>;

/** Names that begin with what was typed, then names whose last part does. */
function fields(typed: string, place: Place): Completion[] {
  const wanted = typed.toLowerCase();
  const all = [...FIELDS.values()];
  const starting = all.filter((f) => f.name.toLowerCase().startsWith(wanted));
  const inner = all.filter((f) => !starting.includes(f) && wanted && f.name.slice(f.name.indexOf('.') + 1).startsWith(wanted));
  return [...starting, ...inner].map((f) => ({ label: f.name, detail: f.help, kind: 'field' as const, ...place }));
}

function valuesOf(field: Field | undefined, typed: string, place: Place): Completion[] {
  const values = !field ? [] : field.type === 'text' ? (field.values ?? []) : field.type === 'number' && field.letters ? LETTERS : [];
  return values.filter((v) => v.startsWith(typed)).map((label) => ({ label, detail: field!.name, kind: 'value' as const, ...place }));
}

/** A field alone may be compared; behind a comparison only && and || go on. */
function operators(head: string, place: Place): Completion[] {
  const word = /([^\s"'()<>=!&|~]+)\s+$/u.exec(head);
  const field = word && !COMPARED.test(head.slice(0, word.index)) ? FIELDS.get(word[1]!) : undefined;
  const comparisons = COMPARISONS.filter((op) => field && allowed(field, op));
  return [...comparisons, ...AFTER_WHOLE].map((label) => ({ label, detail: 'operator', kind: 'operator' as const, ...place }));
}

function allowed(field: Field, op: string): boolean {
  switch (field.type) {
    case 'text':
      return ['==', '!=', '~'].includes(op);
    case 'number':
      return op !== '~' || field.letters !== undefined;
    case 'time':
      return op !== '~' && op !== '&';
    default:
      return field.number !== undefined && op !== '~';
  }
}

/** True when the text so far ends with a whole field, value or group, after which an operator is due. */
function endsWhole(head: string): boolean {
  return /[^\s(!&|<>=~{]\s+$|\)\s*$|["']\s*$/u.test(head) && !/(&&|\|\|)\s*$/u.test(head);
}
