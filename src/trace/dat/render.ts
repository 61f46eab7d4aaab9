import { LAYOUT_5_17, encodeRole, type RoleLayout } from '../../engine/roleLayout.js';
import { elementsOf, printEvent, type Fields } from './evaluate.js';
import { specOf } from '../vocabulary.js';
import type { Role } from '../../engine/ids.js';
import type { EventFormat, Field } from './format.js';
import type { Place, Shape } from '../shape.js';

/** Renders events of a trace.dat by the kernel's own print fmt: from a stored record, or from the arguments of a known event. */

export function renderRecord(format: EventFormat, record: Uint8Array, layout: RoleLayout): string {
  return text(format, new RecordFields(format, record, layout));
}

export function renderFields(shape: Shape, format: EventFormat, unit: (i: number) => number, base: number, layout: RoleLayout): string {
  return text(format, new StoredFields(shape, format, unit, base, layout));
}

function text(format: EventFormat, fields: Fields): string {
  return format.print ? printEvent(format.print, fields) : listed(format, fields);
}

/** The fallback for a print fmt that is not understood: every field by name, numbers in decimal, like `trace-cmd report -R`. */
function listed(format: EventFormat, fields: Fields): string {
  return format.fields
    .filter((field) => !field.name.startsWith('common_'))
    .map((field) => `${field.name}=${fieldText(field, fields)}`)
    .join(' ');
}

function fieldText(field: Field, fields: Fields): string {
  if (field.storage === 'number') return String(fields.value(field.name));
  const bytes = fields.bytes(field.name);
  if (/\bchar\b/.test(field.type)) return JSON.stringify(new TextDecoder().decode(bytes).replace(/\0[^]*$/, ''));
  return `{${elementsOf(bytes, field.element, field.signed, fields.format.little).join(',')}}`;
}

/** Symbols are put into the text by the reader, which has the kernel's table; here only an address is left. */
function address(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

export class RecordFields implements Fields {
  readonly layout: RoleLayout;
  readonly format: EventFormat;
  readonly #record: Uint8Array;
  readonly #symbol: (address: bigint) => string;

  constructor(format: EventFormat, record: Uint8Array, layout: RoleLayout | undefined, symbol: (address: bigint) => string = address) {
    this.format = format;
    this.layout = layout ?? LAYOUT_5_17;
    this.#record = record;
    this.#symbol = symbol;
  }

  value(name: string): bigint {
    const field = this.#field(name);
    if (!field) return 0n;
    return this.#numbers(this.#record.subarray(field.offset, field.offset + field.size), field.size, field.signed)[0] ?? 0n;
  }

  bytes(name: string): Uint8Array {
    const field = this.#field(name);
    if (!field) return new Uint8Array(0);
    if (field.storage === 'dynamic' || field.storage === 'relative') {
      const place = Number(this.#numbers(this.#record.subarray(field.offset, field.offset + 4), 4, false)[0] ?? 0n);
      const at = (place & 0xffff) + (field.storage === 'relative' ? field.offset + field.size : 0);
      return this.#record.subarray(at, at + (place >>> 16));
    }
    // An array of size 0 goes to the end of the record.
    return this.#record.subarray(field.offset, field.size === 0 ? undefined : field.offset + field.size);
  }

  elements(name: string): { size: number; signed: boolean } {
    const field = this.#field(name);
    return { size: field?.element ?? 1, signed: field?.signed ?? false };
  }

  symbol(value: bigint): string {
    return this.#symbol(value);
  }

  #field(name: string): Field | undefined {
    return this.format.fields.find((field) => field.name === name);
  }

  #numbers(bytes: Uint8Array, size: number, signed: boolean): bigint[] {
    return elementsOf(bytes, size, signed, this.format.little);
  }
}

/** The fields of a known event, from its units in the table. */
class StoredFields implements Fields {
  readonly layout: RoleLayout;
  readonly format: EventFormat;
  readonly #shape: Shape;
  readonly #unit: (i: number) => number;
  readonly #base: number;

  constructor(shape: Shape, format: EventFormat, unit: (i: number) => number, base: number, layout: RoleLayout) {
    this.#shape = shape;
    this.format = format;
    this.#unit = unit;
    this.#base = base;
    this.layout = layout;
  }

  value(name: string): bigint {
    const extra = this.#shape.extras[name];
    if (extra) return this.#number(extra);
    const args = specOf(this.#shape.kind)!.args;
    const slot = args.findIndex((arg) => arg.name === name);
    const place = this.#shape.slots[slot];
    if (!place) return 0n;
    const value = this.#number(place);
    return args[slot]!.type === 'role' ? BigInt(encodeRole(this.layout, Number(value) as Role)) : value;
  }

  /** The only array of a known event is `insn`, of kvm_emulate_insn: 16 bytes in two words. */
  bytes(name: string): Uint8Array {
    const place = this.#shape.slots[specOf(this.#shape.kind)!.args.findIndex((arg) => arg.name === name)];
    const bytes = new Uint8Array(16);
    if (place) for (let i = 0; i < 16; i++) bytes[i] = (this.#unit(this.#base + place.at + (i >>> 2)) >>> ((i & 3) * 8)) & 0xff;
    return bytes;
  }

  elements(): { size: number; signed: boolean } {
    return { size: 1, signed: false };
  }

  symbol(value: bigint): string {
    return address(value);
  }

  #number(place: Place): bigint {
    const low = this.#unit(this.#base + place.at);
    if (place.wide) return (BigInt(this.#unit(this.#base + place.at + 1)) << 32n) | BigInt(low);
    return BigInt(place.signed ? low | 0 : low);
  }
}
