import { specOf, type Kind } from '../vocabulary.js';
import { visitAll, type PrintFmt } from './expr.js';
import type { EventFormat, Field } from './format.js';
import type { Place, Shape } from '../shape.js';

/**
 * How the record of an event in the vocabulary becomes arguments. Everything comes from the format description: the arguments have the
 * names of its fields.
 */
export interface Plan {
  readonly format: EventFormat;
  readonly shape: Shape;
  /** bytes of a record that has all of the fields */
  readonly length: number;
  /** {@link Step} codes, source offset, unit: three numbers each */
  readonly steps: Int32Array;
  /** units of the instruction bytes and of their number, if the event has some */
  readonly insn: { readonly at: number; readonly length: number } | undefined;
  /** arguments that only the rendered text gives */
  readonly derived: Derived | undefined;
}

export const enum Step {
  u8 = 0,
  u16 = 1,
  u32 = 2,
  u64 = 3,
  s8 = 4,
  s16 = 5,
  role = 6,
  /** up to 16 bytes in a row, first byte lowest */
  bytes = 7,
}

/** Arguments that are texts, or depend on numbers that differ from kernel to kernel: taken from the message, once for each value of the fields it depends on. */
export interface Derived {
  readonly arguments: readonly { readonly slot: number; readonly unit: number }[];
  /** places of the fields that the arguments depend on, in units */
  readonly keys: readonly number[];
}

/** Fields that derived arguments depend on. */
const DEPENDS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  kvm_exit: { exit_reason: ['exit_reason', 'isa'] },
  kvm_mmio: { type: ['type'] },
  kvm_userspace_exit: { reason: ['reason', 'errno'] },
  kvm_emulate_insn: { mode: ['flags'] },
  fast_page_fault: { spurious: ['ret'], fixed: ['ret'] },
};

/** Names that fields had in other kernels. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  vcpu_id: ['vcpu'],
  guest_rip: ['rip'],
  rip: ['guest_rip'],
  cr2_or_gpa: ['gva'],
  failed: ['fail'],
};

const INSN_BYTES = 16;

export function planOf(format: EventFormat, kind: Kind): Plan {
  return new Planner(format, kind).plan();
}

class Planner {
  readonly #format: EventFormat;
  readonly #kind: Kind;
  readonly #slots: (Place | null)[];
  readonly #extras: Record<string, Place> = {};
  readonly #steps: number[] = [];
  #units = 0;
  #length = 0;

  constructor(format: EventFormat, kind: Kind) {
    this.#format = format;
    this.#kind = kind;
    this.#slots = specOf(kind)!.args.map(() => null);
  }

  plan(): Plan {
    const { args } = specOf(this.#kind)!;
    const depends = DEPENDS[this.#format.name] ?? {};
    const stored = new Set<string>();
    for (const [slot, arg] of args.entries()) {
      const field = this.#field(arg.name);
      if (depends[arg.name] || !field) continue;
      if (arg.type === 'bytes') this.#bytes(slot, field);
      else if (field.storage !== 'number') continue;
      else this.#slots[slot] = this.#number(field, arg.type === 'role');
      stored.add(field.name);
    }
    const printed = this.#format.print ? fieldsIn(this.#format.print) : new Set(this.#format.fields.map((field) => field.name));
    const needed = new Set([...printed, ...Object.values(depends).flat()]);
    let whole = true;
    for (const name of needed) {
      const field = this.#format.fields.find((f) => f.name === name);
      if (!field || name.startsWith('common_') || stored.has(name)) continue;
      if (field.storage === 'number') this.#extras[name] = this.#number(field, false);
      else whole = false;
    }
    const derived = this.#derived(depends);
    const text: Shape['text'] = { from: whole ? 'fields' : 'record', format: this.#format };
    const shape: Shape = { kind: this.#kind, name: this.#format.name, slots: this.#slots, extras: this.#extras, units: this.#units, text };
    return { format: this.#format, shape, length: this.#length, steps: Int32Array.from(this.#steps), insn: this.#insn(), derived };
  }

  #derived(depends: Readonly<Record<string, readonly string[]>>): Derived | undefined {
    const { args } = specOf(this.#kind)!;
    const places: { slot: number; unit: number }[] = [];
    const keys = new Set<number>();
    for (const [name, fields] of Object.entries(depends)) {
      const slot = args.findIndex((arg) => arg.name === name);
      const found = fields.map((field) => this.#extras[field] ?? this.#slots[args.findIndex((arg) => arg.name === field)]);
      if (!found[0]) continue;
      for (const place of found) if (place) keys.add(place.at);
      const at = this.#room(1);
      this.#slots[slot] = { at, wide: false, signed: false };
      places.push({ slot, unit: at });
    }
    return places.length > 0 ? { arguments: places, keys: [...keys] } : undefined;
  }

  #insn(): Plan['insn'] {
    const { args } = specOf(this.#kind)!;
    const bytes = this.#slots[args.findIndex((arg) => arg.type === 'bytes')];
    const length = this.#slots[args.findIndex((arg) => arg.name === 'len')];
    return bytes && length ? { at: bytes.at, length: length.at } : undefined;
  }

  #field(name: string): Field | undefined {
    const names = [name, ...(ALIASES[name] ?? [])];
    return names.map((n) => this.#format.fields.find((field) => field.name === n)).find((field) => field !== undefined);
  }

  #number({ offset, size, signed }: Field, role: boolean): Place {
    const wide = size === 8;
    const at = this.#room(wide ? 2 : 1);
    const step = role
      ? Step.role
      : size === 8
        ? Step.u64
        : size === 4
          ? Step.u32
          : size === 2
            ? signed
              ? Step.s16
              : Step.u16
            : signed
              ? Step.s8
              : Step.u8;
    this.#steps.push(step, offset, at);
    this.#length = Math.max(this.#length, offset + size);
    return { at, wide, signed: signed && !wide };
  }

  /** Instruction bytes: 16 bytes in two words, the slot and the one after it. */
  #bytes(slot: number, { offset, size }: Field): void {
    const at = this.#room(INSN_BYTES / 4);
    this.#slots[slot] = { at, wide: true, signed: false };
    this.#slots[slot + 1] = { at: at + 2, wide: true, signed: false };
    for (let i = 0; i < INSN_BYTES; i += 4)
      this.#steps.push(Step.bytes, offset + i, ((at + (i >>> 2)) << 3) | Math.max(0, Math.min(4, size - i)));
    this.#length = Math.max(this.#length, offset + size);
  }

  #room(units: number): number {
    const at = this.#units;
    this.#units += units;
    return at;
  }
}

/** Fields that a print fmt uses. */
function fieldsIn(print: PrintFmt): Set<string> {
  const names = new Set<string>();
  visitAll(print, (e) => {
    if (e.t === 'field') names.add(e.name);
    else if (e.t === 'element') names.add(e.field);
  });
  return names;
}

/** Whether a print fmt wants names of kernel addresses. */
export function usesSymbols(print: PrintFmt | null): boolean {
  if (!print) return false;
  const own = print.pieces.some((piece) => typeof piece !== 'string' && piece.type === 'p' && /^[sSfFB]/.test(piece.pointer));
  return own || print.args.some((e) => e.t === 'text' && usesSymbols(e.fmt));
}
