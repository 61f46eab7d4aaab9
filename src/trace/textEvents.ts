import { TEMPLATES_OF } from './kernelText.js';
import { TemplateReader } from './templateReader.js';
import { counted, type NoteBook } from './notes.js';
import { packBytes, unitsForBytes } from './rawBytes.js';
import { ByteInterner } from './byteInterner.js';
import { Kind, kindOf } from './vocabulary.js';
import { MOST_SHAPES, type BatchBuilder } from './batch.js';
import type { Halves } from './clock.js';
import type { KernelEvidence } from './evidence.js';
import type { Shape } from './shape.js';
import type { Template } from './template.js';

/** What is known of an event name. */
interface Named {
  readonly name: string;
  readonly system: string | undefined;
  readonly kind: Kind;
  /** tried in this order; the one that fitted last comes first */
  readonly templates: Template[];
  /** number of the shape for events kept as text; -1 before the first */
  rawShape: number;
}

/** Where the parts of an event's line lie, and what stands before them. */
export interface EventLine {
  readonly bytes: Uint8Array;
  /** the event's name, with its system where the text gives that */
  nameFrom: number;
  nameTo: number;
  message: number;
  to: number;
  context: number;
  /** the line has an end: it was not cut off */
  ended: boolean;
}

/** How a program writes the events of the vocabulary. */
export interface Dialect {
  readonly builder: BatchBuilder;
  readonly emit: () => void;
  readonly notes: NoteBook;
  readonly evidence: KernelEvidence;
  /** time of the event being read */
  readonly clock: Halves;
  /** forms besides the kernel's own, tried first */
  readonly templatesOf?: (kind: Kind) => readonly Template[];
  /** fills what the template could not: arguments that hang on more than the message; false when it is not of that form after all */
  readonly finish?: (template: Template, units: Uint32Array, base: number) => boolean;
  /** where in a message the next line begins that has run into it, or -1; and why that may be */
  readonly embedded?: { readonly find: (bytes: Uint8Array, from: number, to: number) => number; readonly why: string };
}

/** Writes the events of a text into batches: arguments of messages that a template knows, the text of all others. */
export class TextEvents {
  readonly #dialect: Dialect;
  readonly #messages: TemplateReader;
  readonly #names = new ByteInterner();
  readonly #named: Named[] = [];
  readonly #templateShape: number[] = [];
  #namelessShape = -1;
  /** number of the line being read, from 1 */
  line = 0;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    this.#messages = new TemplateReader(dialect.builder);
  }

  /** Takes an event; where in its line another one begins that ran into it, or -1. */
  take(event: EventLine): number {
    const named = this.#nameOf(event.bytes, event.nameFrom, event.nameTo);
    if (named.kind !== Kind.other && this.#known(named, event)) return -1;
    if (named.rawShape < 0 && this.#dialect.builder.shapeCount >= MOST_SHAPES) {
      this.nameless(event.bytes, event.nameFrom, event.to, event.context);
      return -1;
    }
    return this.#raw(named, event);
  }

  /** An event whose line has no name that one could tell. */
  nameless(bytes: Uint8Array, from: number, to: number, context: number): void {
    if (this.#namelessShape < 0) this.#namelessShape = this.#dialect.builder.shape(rawShape('function', undefined, false));
    this.#keepText(this.#namelessShape, bytes, from, to, context);
  }

  half(what: string): void {
    this.#dialect.notes.damage('half', { line: this.line }, () => `the text ends in the middle of a ${what}`);
  }

  #known(named: Named, { bytes, message, to, context, ended }: EventLine): boolean {
    const { builder, evidence, finish } = this.#dialect;
    const { templates } = named;
    for (let i = 0; i < templates.length; i++) {
      const template = templates[i]!;
      const { shape } = template;
      const base = builder.reserve(shape.units);
      builder.units.fill(0, base, base + shape.units);
      if (!this.#messages.read(template, bytes, message, to, builder.units, base)) continue;
      if (!ended && !template.closed) return false;
      if (finish && !finish(template, builder.units, base)) continue;
      if (i > 0) templates.unshift(...templates.splice(i, 1));
      let id = this.#templateShape[template.number];
      if (id === undefined) {
        id = builder.shape(shape);
        this.#templateShape[template.number] = id;
      }
      evidence.message(template, builder.units, base);
      this.#add(id, context, shape.units);
      return true;
    }
    return false;
  }

  /** Keeps an event as its text: it is not in the vocabulary, or its message is not as any known kernel writes it. */
  #raw(named: Named, { bytes, message, to, context, ended }: EventLine): number {
    const { notes, builder, evidence, embedded } = this.#dialect;
    const inner = embedded ? embedded.find(bytes, message, to) : -1;
    const end = inner < 0 ? to : inner;
    if (named.kind !== Kind.other || inner >= 0) {
      if (!ended && inner < 0) {
        this.half(`${named.name} line, or without a line end: the event is kept, its arguments are not used`);
      } else {
        notes.damage(`unread ${named.name}`, { line: this.line }, (n) => {
          return `${counted(n, `${named.name} event`)} with a message that no known kernel writes: kept as text, not used for the state${inner >= 0 ? `; ${embedded!.why}` : ''}`;
        });
      }
    }
    if (ended && inner < 0 && named.name === 'kvm_apicv_inhibit_changed') evidence.inhibits(bytes[end - 1]!);
    if (named.rawShape < 0) named.rawShape = builder.shape(rawShape(named.name, named.system, true));
    this.#keepText(named.rawShape, bytes, message, end, context);
    return inner;
  }

  #keepText(shape: number, bytes: Uint8Array, from: number, to: number, context: number): void {
    const { builder } = this.#dialect;
    const units = unitsForBytes(to - from);
    const base = builder.reserve(units);
    packBytes(bytes, from, to, builder.units, base);
    this.#add(shape, context, units);
  }

  #add(shape: number, context: number, units: number): void {
    const { builder, clock, emit, evidence } = this.#dialect;
    builder.add(shape, context, clock.low, clock.high, units);
    builder.line(this.line);
    if (builder.isFull && evidence.settles(builder.pending)) emit();
  }

  #nameOf(bytes: Uint8Array, from: number, to: number): Named {
    const id = this.#names.id(bytes, from, to);
    let named = this.#named[id];
    if (!named) {
      const [, system, name] = /^(?:(.*):)?([^:]*)$/s.exec(this.#names.text(id)) as unknown as [string, string | undefined, string];
      // Other systems may have events of the same name.
      const kind = system === undefined || system === 'kvm' || system === 'kvmmmu' ? kindOf(name) : Kind.other;
      const { templatesOf } = this.#dialect;
      const templates = [...(templatesOf?.(kind) ?? []), ...(TEMPLATES_OF.get(kind) ?? [])];
      named = { name, system, kind, templates, rawShape: -1 };
      this.#named[id] = named;
    }
    return named;
  }
}

function rawShape(name: string, system: string | undefined, named: boolean): Shape {
  return {
    kind: Kind.other,
    name,
    ...(system === undefined ? {} : { system }),
    slots: [],
    extras: {},
    units: 0,
    text: { from: 'bytes', named },
  };
}
