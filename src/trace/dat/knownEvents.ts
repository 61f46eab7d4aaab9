import { decodeRole, type RoleLayout } from '../../engine/roleLayout.js';
import { TEMPLATES_OF } from '../kernelText.js';
import { TemplateReader } from '../templateReader.js';
import { packBytes, unitsForBytes } from '../rawBytes.js';
import { renderRecord } from './render.js';
import { specOf } from '../vocabulary.js';
import { Step, type Plan } from './plan.js';
import type { BatchBuilder } from '../batch.js';
import type { CpuStream } from './ringBuffer.js';

const UNREADABLE = -1;

/** Writes the arguments of known events into batches. */
export class KnownEvents {
  readonly #builder: BatchBuilder;
  readonly #layout: RoleLayout;
  readonly #little: boolean;
  readonly #messages: TemplateReader;
  readonly #roles = new Map<number, number>();
  /** by plan: derived arguments by the fields they depend on */
  readonly #derived = new Map<Plan, Map<number | string, readonly number[]>>();
  readonly #scratch = new Uint32Array(64);

  constructor(builder: BatchBuilder, layout: RoleLayout, little: boolean) {
    this.#builder = builder;
    this.#layout = layout;
    this.#little = little;
    this.#messages = new TemplateReader(builder);
  }

  /** Writes the event the stream stands at; how many units it took, or -1 when the record is shorter than its format. */
  write(plan: Plan, stream: CpuStream): number {
    const { steps, shape } = plan;
    const { view, from, to } = stream;
    if (to - from < plan.length) return UNREADABLE;
    const little = this.#little;
    const raw = shape.text.from === 'record';
    const count = shape.units + (raw ? unitsForBytes(to - from) : 0);
    const base = this.#builder.reserve(count);
    const { units } = this.#builder;
    for (let i = 0; i < steps.length; i += 3) {
      const at = from + steps[i + 1]!;
      const step: Step = steps[i]!;
      const unit = base + steps[i + 2]!;
      switch (step) {
        case Step.u8:
          units[unit] = view.getUint8(at);
          break;
        case Step.u16:
          units[unit] = view.getUint16(at, little);
          break;
        case Step.u32:
          units[unit] = view.getUint32(at, little);
          break;
        case Step.u64:
          units[unit] = view.getUint32(little ? at : at + 4, little);
          units[unit + 1] = view.getUint32(little ? at + 4 : at, little);
          break;
        case Step.s8:
          units[unit] = view.getInt8(at);
          break;
        case Step.s16:
          units[unit] = view.getInt16(at, little);
          break;
        case Step.role:
          units[unit] = this.#role(view.getUint32(at, little));
          break;
        case Step.bytes: {
          // Unit and number of bytes share a number here.
          const packed = steps[i + 2]!;
          let word = 0;
          for (let b = 0; b < (packed & 7); b++) word |= view.getUint8(at + b) << (b * 8);
          units[base + (packed >>> 3)] = word;
        }
      }
    }
    if (plan.insn) clearBeyond(units, base + plan.insn.at, units[base + plan.insn.length]!);
    if (plan.derived) this.#derive(plan, stream, units, base);
    if (raw) packBytes(stream.bytes, from, to, units, base + shape.units);
    return count;
  }

  #role(word: number): number {
    let role = this.#roles.get(word);
    if (role === undefined) {
      role = decodeRole(this.#layout, word);
      this.#roles.set(word, role);
    }
    return role;
  }

  #derive(plan: Plan, stream: CpuStream, units: Uint32Array, base: number): void {
    const { keys, arguments: args } = plan.derived!;
    let cache = this.#derived.get(plan);
    if (!cache) {
      cache = new Map<number | string, readonly number[]>();
      this.#derived.set(plan, cache);
    }
    const first = units[base + keys[0]!]!;
    const second = keys.length > 1 ? units[base + keys[1]!]! : 0;
    // Two 32-bit numbers in one, as long as that is exact.
    const key = second < 0x10_0000 ? second * 0x1_0000_0000 + first : `${first}:${second}`;
    let values = cache.get(key);
    if (!values) {
      values = this.#fromText(plan, stream.bytes.subarray(stream.from, stream.to));
      cache.set(key, values);
    }
    for (let i = 0; i < args.length; i++) units[base + args[i]!.unit] = values[i]!;
  }

  /** Renders the record and reads the arguments from the text. */
  #fromText(plan: Plan, record: Uint8Array): number[] {
    const message = renderRecord(plan.format, record, this.#layout);
    const bytes = new TextEncoder().encode(message);
    for (const template of TEMPLATES_OF.get(plan.shape.kind) ?? []) {
      this.#scratch.fill(0);
      if (!this.#messages.read(template, bytes, 0, bytes.length, this.#scratch, 0)) continue;
      const places = plan.derived!.arguments.map(({ slot }) => template.shape.slots[slot]);
      if (places.every((place) => place)) return places.map((place) => this.#scratch[place!.at]!);
    }
    // No known text: a string argument shows the whole message, which is the truth at least.
    const { args } = specOf(plan.shape.kind)!;
    return plan.derived!.arguments.map(({ slot }) => (args[slot]!.type === 'string' ? this.#builder.string(message) : 0));
  }
}

/** Behind an instruction's bytes the record holds whatever was fetched with it or lay there before. */
function clearBeyond(units: Uint32Array, at: number, length: number): void {
  for (let i = length; i < 16; i++) units[at + (i >>> 2)]! &= ~(0xff << ((i & 3) * 8));
}
