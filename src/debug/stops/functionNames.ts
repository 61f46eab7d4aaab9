import { EVENTS, kindOf, Kind } from '../../trace/vocabulary.js';
import { KERNEL_FUNCTIONS, namesOf } from '../../replay/functions.js';
import type { Recording } from '../load/recording.js';
import type { EventSet } from './eventSet.js';

/** What the name of a function breakpoint stands for. */
export type FunctionName =
  | { readonly kind: 'event'; readonly name: string }
  /** `gfn:102`, `page:2c00 L1 q0`, `spte:#12[0ed]`, `root:0`: changes of a place, as an expression */
  | { readonly kind: 'place'; readonly expression: string }
  /** `role:l1 q1 direct`: pages that are made with such a role, as a condition on kvm_mmu_get_page */
  | { readonly kind: 'role'; readonly condition: string }
  | { readonly kind: 'wrong'; readonly message: string };

const PREFIXED = /^(gfn|page|spte|sp|root|role):\s*(.+)$/i;

export function parseFunctionName(text: string): FunctionName {
  const match = PREFIXED.exec(text.trim());
  if (!match) return { kind: 'event', name: text.trim() };
  const [, prefix, rest] = match;
  switch (prefix!.toLowerCase()) {
    case 'gfn':
      return { kind: 'place', expression: `gfn ${rest}` };
    case 'root':
      return { kind: 'place', expression: `root of vCPU ${rest}` };
    case 'role':
      return roleName(rest!);
    default:
      return { kind: 'place', expression: rest! };
  }
}

/** From the words in which the kernel prints a role to a condition. */
function roleName(words: string): FunctionName {
  const terms = ['created == 1'];
  for (const word of words.toLowerCase().split(/[\s,]+/)) {
    const term = roleTerm(word);
    if (!term)
      return { kind: 'wrong', message: `'${word}' is no part of a role: write it as the trace does, for example role:l1 q1 4-byte.` };
    terms.push(term);
  }
  return { kind: 'role', condition: terms.join(' && ') };
}

function roleTerm(word: string): string | undefined {
  const [, letter, digit] = /^([lq])(\d)$/.exec(word) ?? [];
  if (letter === 'l') return `role.level == ${digit}`;
  if (letter === 'q') return `role.quadrant == ${digit}`;
  if (word === 'direct') return 'role.direct == 1';
  if (word === '4-byte') return 'role.gpte_bytes == 4';
  if (word === '8-byte') return 'role.gpte_bytes == 8';
  return undefined;
}

/** The events of a name; a name that has not occurred may still come while the trace is loading. */
export function eventsNamed(name: string, { lists }: Recording): EventSet & { readonly length: number } {
  const kind = kindOf(name);
  return kind === Kind.other ? lists.named(name) : lists.ofKind(kind);
}

export function isKnownEvent(name: string): boolean {
  return kindOf(name) !== Kind.other;
}

/** The event name that was probably meant. */
export function suggestion(name: string, others: readonly string[]): string | undefined {
  const events = [...EVENTS.map((e) => e.name), ...others];
  return nearest(name, events) ?? nearest(name, KERNEL_FUNCTIONS.flatMap(namesOf));
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const inside = names.filter((n) => wanted.length > 2 && n.includes(wanted));
  if (inside.length > 0) return inside.sort((a, b) => a.length - b.length)[0];
  const near = names.map((n) => ({ n, d: distance(wanted, n) })).sort((a, b) => a.d - b.d)[0];
  return near && near.d <= Math.max(2, wanted.length / 4) ? near.n : undefined;
}

/** Edits between two words: one letter put in, taken out or changed counts one. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
