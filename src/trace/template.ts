import { kernelExitName, pluginExitName } from './report/exitNames.js';
import { kindOf, specOf, type Kind } from './vocabulary.js';
import type { Place, Shape } from './shape.js';

/**
 * Text templates: one line of text per event and era that serves to read the kernel's message and to write it again, so the two cannot
 * drift apart. A hole is `{name:type}`, the name that of an argument or, with a `*` before it, of a value that only the text needs.
 *
 * | type | reads and writes |
 * |---|---|
 * | x, x8, x14, x16 | 64-bit hexadecimal, zero-padded to that many digits |
 * | w, w8 | the same, 32 bits |
 * | d, i | decimal, unsigned and signed, 32 bits |
 * | D | decimal, 64 bits |
 * | yes\|no | a flag printed as one of two texts (either may be empty) |
 * | str | text up to the next literal, or to the end |
 * | tail | text to the end, empty or not beginning with a letter or digit |
 * | role3, role4 | level to A/D of a role, with 3 or 4 access letters |
 * | u | `u` 1, `-` 0, nothing −1 (kvm_mmu_set_spte) |
 * | wbit | `w` or `-`, bit 1 of the SPTE read before it |
 * | insn | instruction bytes, with their number in `len` |
 * | exc | exception name or number |
 * | exit | reason of an exit as trace-cmd's plugin names it, kept under the kernel's name |
 * | plugin | a role word as that plugin prints it |
 *
 * A number is read only as the kernel would write it: what was read and written again is the same text, byte for byte.
 */
export type HoleType =
  | { readonly type: 'hex'; readonly wide: boolean; readonly width: number }
  | { readonly type: 'dec'; readonly signed: boolean }
  | { readonly type: 'flag'; readonly yes: Uint8Array; readonly no: Uint8Array; readonly yesText: string; readonly noText: string }
  | { readonly type: 'wideDec' }
  /** `spelling`: the name that the argument has, where the text has another */
  | { readonly type: 'str'; readonly until: Uint8Array; readonly spelling?: Spelling }
  | { readonly type: 'plugin'; readonly until: Uint8Array }
  | { readonly type: 'tail' }
  | { readonly type: 'role'; readonly letters: 3 | 4; readonly until: Uint8Array }
  | { readonly type: 'u' }
  | { readonly type: 'wbit'; readonly spte: number }
  | { readonly type: 'insn'; readonly len: number }
  | { readonly type: 'exc' };

/** Two names for one thing; each leads to the other. */
export interface Spelling {
  readonly read: (text: string) => string;
  readonly write: (name: string) => string;
}

/** A hole, and the unit its value lies in. */
export interface HoleStep {
  readonly hole: HoleType;
  readonly at: number;
}
export type Step = { readonly literal: Uint8Array; readonly text: string } | HoleStep;

export interface Template {
  readonly number: number;
  readonly kind: Kind;
  readonly steps: readonly Step[];
  readonly shape: Shape;
  /** ends with a fixed text, so that a message that was cut off cannot be taken for a whole one */
  readonly closed: boolean;
  /** access letters of the role it reads, if it reads one */
  readonly letters: 3 | 4 | undefined;
  /** fills arguments that follow from what was read */
  readonly finish: ((units: Uint32Array, base: number, strings: (id: number) => string) => boolean) | undefined;
}

/** Works on an event that was just read; `at` finds the unit of an argument or extra by name. False: it is not of this form after all. */
export type Finish = (units: Uint32Array, base: number, at: (name: string) => number, strings: (id: number) => string) => boolean;

/** The message of an event as a template's source, with what {@link compile} needs besides. */
export type Text = readonly [event: string, source: string, derived?: readonly string[], finish?: Finish];

const encoder = new TextEncoder();
const EXIT_NAMES: Spelling = { read: kernelExitName, write: pluginExitName };
const HOLE = /\{(\*?)(\w+):([^}]*)\}/g;

/** Compiles a template. `derived` names arguments that have room in the event but no place in the text; {@link Finish} fills them. */
export function compile(number: number, event: string, source: string, derived: readonly string[] = [], finish?: Finish): Template {
  const kind = kindOf(event);
  const spec = specOf(kind);
  if (!spec) throw new Error(`no such event: ${event}`);
  const slots: (Place | null)[] = spec.args.map(() => null);
  const extras: Record<string, Place> = {};
  const steps: Step[] = [];
  let units = 0;

  const place = (name: string, extra: boolean, wide: boolean, signed: boolean): number => {
    const at = units;
    units += wide ? 2 : 1;
    const slot = spec.args.findIndex((arg) => arg.name === name);
    if (extra) extras[name] = { at, wide, signed };
    else if (slot < 0) throw new Error(`${event} has no argument ${name}`);
    else slots[slot] = { at, wide, signed };
    return at;
  };
  const placeOf = (name: string): number => {
    const slot = spec.args.findIndex((arg) => arg.name === name);
    const found = extras[name] ?? slots[slot];
    if (!found) throw new Error(`${event}: ${name} is not placed`);
    return found.at;
  };

  let from = 0;
  for (const match of source.matchAll(HOLE)) {
    if (match.index > from) steps.push(literal(source.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, star, name, type] = match as unknown as [string, string, string, string];
    const until = encoder.encode(source.slice(from).split('{')[0]);
    const extra = star === '*';
    const simple = /^([xw])(\d*)$/.exec(type);
    if (simple) {
      const wide = simple[1] === 'x';
      steps.push({ hole: { type: 'hex', wide, width: Number(simple[2] || 1) }, at: place(name, extra, wide, false) });
    } else if (type === 'd' || type === 'i') {
      steps.push({ hole: { type: 'dec', signed: type === 'i' }, at: place(name, extra, false, type === 'i') });
    } else if (type === 'D') steps.push({ hole: { type: 'wideDec' }, at: place(name, extra, true, false) });
    else if (type === 'exit') {
      steps.push({ hole: { type: 'str', until, spelling: EXIT_NAMES }, at: place(name, extra, false, false) });
    } else if (type === 'plugin') steps.push({ hole: { type: 'plugin', until }, at: place(name, extra, false, false) });
    else if (type === 'str') steps.push({ hole: { type: 'str', until }, at: place(name, extra, false, false) });
    else if (type === 'tail') steps.push({ hole: { type: 'tail' }, at: place(name, true, false, false) });
    else if (type === 'role3' || type === 'role4') {
      steps.push({ hole: { type: 'role', letters: type === 'role3' ? 3 : 4, until }, at: place(name, extra, false, false) });
    } else if (type === 'u') steps.push({ hole: { type: 'u' }, at: place(name, extra, false, true) });
    else if (type === 'wbit') steps.push({ hole: { type: 'wbit', spte: placeOf('spte') }, at: 0 });
    else if (type === 'insn') {
      const len = place('len', false, false, false);
      const at = place(name, extra, true, false);
      place('insn_hi', false, true, false);
      steps.push({ hole: { type: 'insn', len }, at });
    } else if (type === 'exc') steps.push({ hole: { type: 'exc' }, at: place(name, extra, false, false) });
    else if (type.includes('|')) {
      const [yes, no] = type.split('|') as [string, string];
      const hole: HoleType = { type: 'flag', yes: encoder.encode(yes), no: encoder.encode(no), yesText: yes, noText: no };
      steps.push({ hole, at: place(name, extra, false, false) });
    } else throw new Error(`${event}: hole type ${type}`);
  }
  if (from < source.length) steps.push(literal(source.slice(from)));
  for (const name of derived) place(name, false, false, true);

  const last = steps.at(-1);
  // A flag whose other text is empty may have been cut off.
  const closed = last !== undefined && ('literal' in last || (last.hole.type === 'flag' && last.hole.no.length > 0));
  return {
    number,
    kind,
    steps,
    shape: { kind, name: event, slots, extras, units, text: { from: 'template', template: number } },
    closed,
    letters: steps
      .map((step) => ('hole' in step && step.hole.type === 'role' ? step.hole.letters : undefined))
      .find((n) => n !== undefined),
    finish: finish && ((unit, base, strings) => finish(unit, base, placeOf, strings)),
  };
}

function literal(text: string): Step {
  return { literal: encoder.encode(text), text };
}
