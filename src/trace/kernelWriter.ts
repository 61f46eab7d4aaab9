import type { Era } from '../engine/eras.js';
import { TEMPLATES_OF } from './kernelText.js';
import { prefixText } from './lineText.js';
import type { Context, Place } from './shape.js';
import type { Template } from './template.js';
import { writeMessage } from './templateWriter.js';
import { Kind, kindOf, specOf } from './vocabulary.js';

/** The kernels whose text is known from recordings; others print as the nearest older one. */
export type TextKernel = '5.10' | '6.1' | '6.12' | '7.2';

/** Arguments of an event by their names in the vocabulary, and what only the text has. */
export type EventFields = Readonly<Record<string, bigint | number | boolean | string | undefined>>;

/** The kernel whose text an era's events have. Kernels without these events print as the oldest. */
export function textKernelOf({ name }: Era): TextKernel {
  if (name.startsWith('7.')) return '7.2';
  if (name.startsWith('6.12') || name.startsWith('6.18')) return '6.12';
  return name.startsWith('6.') || name === 'rfc-local' ? '6.1' : '5.10';
}

/** Error codes with names, in the order in which `kvm_mmu_trace_pferr_flags` has them. */
const ERROR_NAMES: readonly (readonly [bit: number, name: string])[] = [
  [1, 'P'],
  [2, 'W'],
  [4, 'U'],
  [8, 'RSVD'],
  [16, 'F'],
];
/** `KVM_EXIT_*` [uapi/linux/kvm.h] */
const USERSPACE_EXITS: Readonly<Record<string, number>> = {
  KVM_EXIT_IO: 2,
  KVM_EXIT_DEBUG: 4,
  KVM_EXIT_HLT: 5,
  KVM_EXIT_MMIO: 6,
  KVM_EXIT_SHUTDOWN: 8,
  KVM_EXIT_INTR: 10,
  KVM_EXIT_INTERNAL_ERROR: 17,
};

/** length of the function that the kprobe is in */
const FUNCTION_BYTES = 0x80;

/** Writes events as a kernel's `trace` file prints them. */
export class KernelWriter {
  private readonly letters: 3 | 4;

  constructor(readonly kernel: TextKernel) {
    this.letters = kernel === '7.2' ? 4 : 3;
  }

  /** Characters of the irq-info column, for a task that may be interrupted. */
  get flags(): string {
    return this.kernel === '5.10' ? '....' : '.....';
  }

  /** @param time nanoseconds */
  line(context: Context, time: bigint, name: string, fields: EventFields): string {
    return `${prefixText(context, time)}${name}: ${this.message(name, fields)}`;
  }

  /** What stands behind the event's name. One that is not in the vocabulary gives its text as `message`. */
  message(name: string, fields: EventFields): string {
    const kind = kindOf(name);
    if (kind === Kind.other) return String(fields['message']);
    const template = this.template(kind, fields);
    if (!template) throw new RangeError(`${name} has no text with these arguments`);
    return write(template, { ...this.onlyText(kind, fields), ...fields });
  }

  private template(kind: Kind, fields: EventFields): Template | undefined {
    return TEMPLATES_OF.get(kind)?.find((template) => this.fits(template, fields));
  }

  private fits({ kind, shape, letters }: Template, fields: EventFields): boolean {
    if (letters !== undefined && letters !== this.letters) return false;
    const spec = specOf(kind)!;
    // Each form gives other arguments: it is the one that gives just these.
    return spec.args.every(({ name }, slot) => (shape.slots[slot] !== null) === (fields[name] !== undefined));
  }

  /** Values that the text has besides the arguments. */
  private onlyText(kind: Kind, fields: EventFields): EventFields {
    const { kernel } = this;
    switch (kind) {
      case Kind.walk:
      case Kind.walkerError:
        return { names: errorNames(Number(fields['pferr'])) };
      case Kind.fastPageFault:
        return { names: errorNames(Number(fields['error_code'])) };
      case Kind.checkMmio:
        return { valid: fields['kvm_gen'] === fields['spte_gen'] };
      case Kind.entry:
        return { rest: kernel === '7.2' ? injectionText(fields) : '' };
      case Kind.exit:
        return { rest: kernel === '7.2' ? ' requests 0x0000000000000000' : '' };
      case Kind.trackWrite:
        return { size: FUNCTION_BYTES };
      case Kind.pio:
        return { more: Number(fields['count']) > 1 ? '(...)' : '' };
      case Kind.userspaceExit:
        return { number: USERSPACE_EXITS[String(fields['reason'])] };
      default:
        return {};
    }
  }
}

/** 7.x: what is injected at an entry, `intr_info` and `error_code`. */
function injectionText({ intr_info: event = 0, error_code: error = 0 }: EventFields): string {
  const word = (value: EventFields[string]): string => `0x${BigInt(value!).toString(16).padStart(8, '0')}`;
  return ` intr_info ${word(event)} error_code ${word(error)}`;
}

/** `P|W`; bits without a name come last, in hexadecimal. */
export function errorNames(error: number): string {
  const names = ERROR_NAMES.filter(([bit]) => error & bit).map(([, name]) => name);
  const rest = ERROR_NAMES.reduce((code, [bit]) => code & ~bit, error) >>> 0;
  return [...names, ...(rest ? [`0x${rest.toString(16)}`] : [])].join('|');
}

/** The message of a template from values by name. */
function write(template: Template, fields: EventFields): string {
  const units = new Uint32Array(template.shape.units);
  const strings: string[] = [];
  const put = (name: string, { at, wide }: Place): void => {
    const value = fields[name];
    if (value === undefined) return;
    if (typeof value === 'string') {
      units[at] = strings.push(value) - 1;
      return;
    }
    const word = BigInt.asUintN(64, BigInt(value));
    units[at] = Number(word & 0xffff_ffffn);
    if (wide) units[at + 1] = Number(word >> 32n);
  };
  for (const [slot, { name }] of specOf(template.kind)!.args.entries()) {
    const place = template.shape.slots[slot];
    if (place) put(name, place);
  }
  for (const [name, place] of Object.entries(template.shape.extras)) put(name, place);
  return writeMessage(template, (i) => units[i]!, 0, strings);
}
