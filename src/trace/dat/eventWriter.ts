import { KnownEvents } from './knownEvents.js';
import { RecordFields } from './render.js';
import { Symbols, parsePrintkFormats, printBinary } from './symbols.js';
import { counted, type NoteBook } from '../notes.js';
import { irqInfo } from './kernel.js';
import { Kind, kindOf } from '../vocabulary.js';
import { packBytes, unitsForBytes } from '../rawBytes.js';
import { planOf, usesSymbols, type Plan } from './plan.js';
import { printEvent } from './evaluate.js';
import { MOST_SHAPES, type BatchBuilder } from '../batch.js';
import type { CpuStream } from './ringBuffer.js';
import type { DatBuffer, DatFile } from './container.js';
import type { EventFormat } from './format.js';
import type { Formats } from './formats.js';
import type { LineStyle } from '../shape.js';
import type { RoleLayout } from '../../engine/roleLayout.js';

/** What becomes of the records of one event type. */
type Handler =
  | { readonly does: 'known'; readonly plan: Plan; readonly shape: number }
  /** kept as it is; the print fmt renders it when it is looked at */
  | { readonly does: 'record'; readonly shape: number }
  /** rendered at once, because its text needs tables of the file */
  | { readonly does: 'text'; readonly shape: number; readonly text: (record: Uint8Array) => string }
  /** a stack: part of the event before it */
  | { readonly does: 'stack'; readonly format: EventFormat };

const COMMON_PID_AT = 4;
const TICK_CLOCKS = new Set(['counter', 'x86-tsc', 'tsc', 'ppc-tb', 'uptime-ticks']);

/** Turns records into events of the table. */
export class EventWriter {
  readonly #builder: BatchBuilder;
  readonly #dat: DatFile;
  readonly #formats: Formats;
  readonly #layout: RoleLayout;
  readonly #longSize: number;
  readonly #notes: NoteBook;
  readonly #known: KnownEvents;
  readonly #symbols: Symbols;
  readonly #printk: Map<bigint, string>;
  readonly #comms = new Map<number, string>();
  readonly #handlers: (Handler | undefined)[] = [];
  /** by CPU: context numbers by pid, flags and preempt count */
  readonly #contexts = new Map<number, Map<number, number>>();
  /** by format: for records shorter than it */
  readonly #shortShapes = new Map<number, number>();
  #lastPid = Number.NaN;
  #lastState = 0;
  #lastCpu = 0;
  #lastContext = 0;
  #manyUnknown: number | undefined;
  readonly #style: LineStyle;
  readonly #pidWidth = 7;

  constructor(
    builder: BatchBuilder,
    dat: DatFile,
    buffer: DatBuffer | undefined,
    formats: Formats,
    layout: RoleLayout,
    longSize: number,
    notes: NoteBook,
  ) {
    this.#builder = builder;
    this.#dat = dat;
    this.#formats = formats;
    this.#layout = layout;
    this.#longSize = longSize;
    this.#notes = notes;
    this.#known = new KnownEvents(builder, layout, dat.little);
    this.#symbols = new Symbols(dat.kallsyms);
    this.#printk = parsePrintkFormats(dat.printk);
    for (const match of dat.cmdlines.matchAll(/^(\d+) (.*)$/gm)) this.#comms.set(Number(match[1]), match[2]!);
    const clock = buffer?.clock ?? dat.options.traceClock ?? '';
    this.#style = TICK_CLOCKS.has(clock) && !dat.options.tsc ? 'ticks' : 'seconds';
  }

  /** Writes the record the stream stands at. */
  event(stream: CpuStream): void {
    const { view, from } = stream;
    const { little } = this.#dat;
    const id = view.getUint16(from, little);
    const handler = (this.#handlers[id] ??= this.#handlerOf(id));
    switch (handler.does) {
      case 'known': {
        const units = this.#known.write(handler.plan, stream);
        if (units >= 0) this.#add(stream, handler.shape, units);
        else this.#short(stream, handler.plan.format);
        return;
      }
      case 'record':
        this.#bytes(stream, handler.shape, stream.bytes, from, stream.to);
        return;
      case 'text': {
        const text = new TextEncoder().encode(handler.text(stream.bytes.subarray(from, stream.to)));
        this.#bytes(stream, handler.shape, text, 0, text.length);
        return;
      }
      case 'stack':
        this.#builder.stackOf(stream.cpu, this.#stack(handler.format, stream));
    }
  }

  #bytes(stream: CpuStream, shape: number, bytes: Uint8Array, from: number, to: number): void {
    const units = unitsForBytes(to - from);
    const base = this.#builder.reserve(units);
    packBytes(bytes, from, to, this.#builder.units, base);
    this.#add(stream, shape, units);
  }

  #add(stream: CpuStream, shape: number, units: number): void {
    let { timeLow, timeHigh } = stream;
    const { tsc } = this.#dat.options;
    if (tsc) {
      const ticks = (BigInt(timeHigh) << 32n) | BigInt(timeLow);
      const nanos = BigInt.asUintN(64, (ticks * tsc.multiplier) >> tsc.shift);
      timeLow = Number(nanos & 0xffff_ffffn);
      timeHigh = Number(nanos >> 32n);
    }
    this.#builder.add(shape, this.#context(stream), timeLow, timeHigh, units);
  }

  #context(stream: CpuStream): number {
    const { view, from, cpu } = stream;
    const pid = view.getInt32(from + COMMON_PID_AT, this.#dat.little);
    // Most events follow one of the same task in the same state.
    const state = view.getUint16(from + 2);
    if (pid === this.#lastPid && state === this.#lastState && cpu === this.#lastCpu) return this.#lastContext;
    this.#lastPid = pid;
    this.#lastState = state;
    this.#lastCpu = cpu;
    const key = pid * 0x1_0000 + state;
    let ofCpu = this.#contexts.get(cpu);
    if (!ofCpu) {
      ofCpu = new Map<number, number>();
      this.#contexts.set(cpu, ofCpu);
    }
    let id = ofCpu.get(key);
    if (id === undefined) {
      id = this.#builder.context({
        pid,
        comm: pid === 0 ? '<idle>' : (this.#comms.get(pid) ?? '<...>'),
        tgid: undefined,
        cpu,
        flags: irqInfo(this.#formats.kernel, view.getUint8(from + 2), view.getUint8(from + 3)),
        style: this.#style,
        pidWidth: this.#pidWidth,
      });
      ofCpu.set(key, id);
    }
    this.#lastContext = id;
    return id;
  }

  #handlerOf(id: number): Handler {
    const format = this.#formats.byId(id);
    if (!format) {
      this.#notes.remark(`type ${id}`, { event: this.#builder.events }, (n) => {
        return `${counted(n, 'type')} of events of which the file has no format (type ${id}): shown without their content`;
      });
      return { does: 'text', shape: this.#unknownShape(id), text: () => '' };
    }
    if (format.system === 'ftrace') return this.#ftraceHandler(format);
    const kind = format.system === 'kvm' || format.system === 'kvmmmu' ? kindOf(format.name) : Kind.other;
    if (kind !== Kind.other) {
      const plan = planOf(format, kind);
      return { does: 'known', plan, shape: this.#builder.shape(plan.shape) };
    }
    if (usesSymbols(format.print)) return this.#textHandler(format, true, (record) => this.#rendered(format, record));
    const shape = this.#builder.shape({
      kind: Kind.other,
      name: format.name,
      slots: [],
      extras: {},
      units: 0,
      text: { from: 'record', format },
    });
    return { does: 'record', shape };
  }

  /** The tracer's own events: the kernel prints them by hand, mostly without their name. */
  #ftraceHandler(format: EventFormat): Handler {
    const symbol = (fields: RecordFields, name: string): string => this.#symbols.name(fields.value(name));
    switch (format.name) {
      case 'kernel_stack':
      case 'user_stack':
        return { does: 'stack', format };
      case 'bprint':
        return this.#textHandler(format, false, (record) => {
          const fields = new RecordFields(format, record, this.#layout);
          const text = this.#printk.get(fields.value('fmt'));
          const name = (address: bigint): string => this.#symbols.name(address);
          const message =
            text === undefined ? '(its format string is not in the file)' : printBinary(text, fields.bytes('buf'), this.#dat.little, name);
          return `${symbol(fields, 'ip')}: ${message.replace(/\n$/, '')}`;
        });
      case 'bputs':
        return this.#textHandler(format, false, (record) => {
          const fields = new RecordFields(format, record, this.#layout);
          return `${symbol(fields, 'ip')}: ${(this.#printk.get(fields.value('str')) ?? '').replace(/\n$/, '')}`;
        });
      case 'print':
        return this.#textHandler(format, false, (record) => {
          const fields = new RecordFields(format, record, this.#layout);
          const text = new TextDecoder().decode(fields.bytes('buf')).replace(/\n?\0[^]*$/, '');
          return `${symbol(fields, 'ip')}: ${text}`;
        });
      case 'function':
        return this.#textHandler(format, false, (record) => {
          const fields = new RecordFields(format, record, this.#layout);
          return `${symbol(fields, 'ip')} <-${symbol(fields, 'parent_ip')}`;
        });
      default:
        return this.#textHandler(format, true, (record) => this.#rendered(format, record).replace(/\n$/, ''));
    }
  }

  #textHandler(format: EventFormat, named: boolean, text: (record: Uint8Array) => string): Handler {
    return { does: 'text', shape: this.#textShape(format.name, named), text };
  }

  #textShape(name: string, named: boolean): number {
    return this.#builder.shape({ kind: Kind.other, name, slots: [], extras: {}, units: 0, text: { from: 'bytes', named } });
  }

  /** Damaged data has as many types as 16 bits can say: the last of them share a name. */
  #unknownShape(id: number): number {
    if (this.#builder.shapeCount < MOST_SHAPES) return this.#textShape(`unknown_${id}`, true);
    return (this.#manyUnknown ??= this.#textShape('unknown', true));
  }

  #rendered(format: EventFormat, record: Uint8Array): string {
    const fields = new RecordFields(format, record, this.#layout, (address) => this.#symbols.name(address));
    return format.print ? printEvent(format.print, fields) : '';
  }

  /** Innermost function first; the list ends with its count, an all-ones address or the record. */
  #stack(format: EventFormat, stream: CpuStream): string[] {
    const callers = format.fields.find((field) => field.name === 'caller');
    if (!callers || format.name === 'user_stack') return [];
    const { little } = this.#dat;
    const functions: string[] = [];
    for (let at = stream.from + callers.offset; at + this.#longSize <= stream.to; at += this.#longSize) {
      const address = this.#longSize === 8 ? stream.view.getBigUint64(at, little) : BigInt(stream.view.getUint32(at, little));
      if (address === 0n || address === BigInt.asUintN(this.#longSize * 8, -1n)) break;
      functions.push(this.#symbols.name(address));
    }
    return functions;
  }

  #short(stream: CpuStream, format: EventFormat): void {
    this.#notes.damage(`short ${format.name}`, { event: this.#builder.events }, (n) => {
      return `${counted(n, `${format.name} record`)} shorter than the format says: shown without arguments`;
    });
    let shape = this.#shortShapes.get(format.id);
    if (shape === undefined) {
      shape = this.#textShape(format.name, true);
      this.#shortShapes.set(format.id, shape);
    }
    this.#bytes(stream, shape, new Uint8Array(0), 0, 0);
  }
}
