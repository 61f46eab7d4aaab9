import { deflateSync } from 'node:zlib';

/** Writes trace.dat files for the tests: any version, byte order and compression that recordings at hand do not have. */
export interface DatOptions {
  readonly version: 6 | 7;
  readonly little: boolean;
  readonly compression?: 'none' | 'zlib';
  readonly pageSize?: number;
  readonly uname?: string;
  readonly clock?: string;
  /** format texts by system; those of `ftrace` are the tracer's own */
  readonly formats: readonly { readonly system: string; readonly text: string }[];
  readonly cpus: readonly (readonly Page[])[];
  readonly cmdlines?: string;
  readonly kallsyms?: string;
  readonly printk?: string;
  readonly cpuStats?: readonly string[];
  readonly tsc?: { readonly multiplier: number; readonly shift: number };
  /** further instances, empty */
  readonly instances?: readonly string[];
}

/** A page of the ring buffer. */
export interface Page {
  readonly time: bigint;
  readonly items: readonly Item[];
  /** events lost before it: a number, or -1 for some */
  readonly lost?: number;
}

export type Item =
  | { readonly record: Uint8Array; readonly delta: number; readonly long?: boolean }
  | { readonly extend: bigint }
  | { readonly stamp: bigint }
  | { readonly discarded: number; readonly delta: number };

/** Numbers and texts one after the other. */
export class Bytes {
  readonly #little: boolean;
  #bytes: number[] = [];

  constructor(little: boolean) {
    this.#little = little;
  }

  get length(): number {
    return this.#bytes.length;
  }

  int(value: bigint | number, size: number): this {
    const word = BigInt.asUintN(64, BigInt(value));
    const bytes = Array.from({ length: size }, (_, i) => Number((word >> BigInt(8 * i)) & 0xffn));
    this.#bytes.push(...(this.#little ? bytes : bytes.reverse()));
    return this;
  }

  raw(bytes: Uint8Array | readonly number[]): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  text(text: string): this {
    return this.raw(new TextEncoder().encode(text));
  }

  cstring(text: string): this {
    return this.text(text).int(0, 1);
  }

  align(size: number): this {
    while (this.#bytes.length % size) this.#bytes.push(0);
    return this;
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

const DATA_AT = 16;

export function page({ time, items, lost }: Page, little: boolean, pageSize: number): Uint8Array {
  const data = new Bytes(little);
  const header = (type: number, delta: number): Bytes => data.int(little ? (delta * 32 + type) % 2 ** 32 : type * 2 ** 27 + delta, 4);
  for (const item of items) {
    if ('extend' in item) header(30, Number(item.extend & 0x7ff_ffffn)).int(item.extend >> 27n, 4);
    else if ('stamp' in item) header(31, Number(item.stamp & 0x7ff_ffffn)).int((item.stamp >> 27n) & 0xffff_ffffn, 4);
    else if ('discarded' in item)
      header(29, item.delta)
        .int(item.discarded + 4, 4)
        .raw(new Uint8Array(item.discarded));
    else if (item.long || item.record.length > 112)
      header(0, item.delta)
        .int(item.record.length + 4, 4)
        .raw(item.record)
        .align(4);
    else
      header(Math.ceil(item.record.length / 4), item.delta)
        .raw(item.record)
        .align(4);
  }
  const bytes = new Bytes(little).int(time, 8);
  const flags = lost === undefined ? 0 : lost < 0 ? 0x8000_0000 : 0xc000_0000;
  bytes.int(data.length + flags, 8).raw(data.done());
  if (lost !== undefined && lost >= 0) bytes.int(lost, 8);
  return bytes.align(pageSize).done().slice(0, pageSize);
}

const HEADER_PAGE = `	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:${DATA_AT};	size:4080;	signed:1;
`;

export function datFile(options: DatOptions): Uint8Array {
  return options.version === 7 ? version7(options) : version6(options);
}

function prelude({ version, little, pageSize = 4096 }: DatOptions): Bytes {
  return new Bytes(little)
    .raw([0x17, 0x08, 0x44])
    .text('tracing')
    .cstring(String(version))
    .int(little ? 0 : 1, 1)
    .int(8, 1)
    .int(pageSize, 4);
}

/** The pieces that both versions have. */
function pieces({ little, formats, cmdlines = '', kallsyms = '', printk = '' }: DatOptions): Record<number, Uint8Array> {
  const b = (): Bytes => new Bytes(little);
  const own = formats.filter((format) => format.system === 'ftrace');
  const systems = [...new Set(formats.map((format) => format.system))].filter((system) => system !== 'ftrace');
  const ftrace = b().int(own.length, 4);
  for (const { text } of own) ftrace.int(text.length, 8).text(text);
  const events = b().int(systems.length, 4);
  for (const system of systems) {
    const texts = formats.filter((format) => format.system === system);
    events.cstring(system).int(texts.length, 4);
    for (const { text } of texts) events.int(text.length, 8).text(text);
  }
  return {
    16: b().cstring('header_page').int(HEADER_PAGE.length, 8).text(HEADER_PAGE).cstring('header_event').int(0, 8).done(),
    17: ftrace.done(),
    18: events.done(),
    19: b().int(kallsyms.length, 4).text(kallsyms).done(),
    20: b().int(printk.length, 4).text(printk).done(),
    21: b().int(cmdlines.length, 8).text(cmdlines).done(),
  };
}

function optionTexts({ uname, clock = 'local', cpuStats = [], tsc, little }: DatOptions): [number, Uint8Array][] {
  const text = (value: string): Uint8Array => new Bytes(little).cstring(value).done();
  const options: [number, Uint8Array][] = [[4, text(`[${clock}] counter`)]];
  if (uname !== undefined) options.push([5, text(uname)]);
  for (const stats of cpuStats) options.push([2, text(stats)]);
  if (tsc) options.push([14, new Bytes(little).int(tsc.multiplier, 4).int(tsc.shift, 4).int(0, 8).done()]);
  // One that no reader knows.
  options.push([99, new Bytes(little).int(1, 4).done()]);
  return options;
}

function version7(options: DatOptions): Uint8Array {
  const { little, compression = 'none', pageSize = 4096, cpus, clock = 'local', instances = [] } = options;
  const packed = compression === 'zlib';
  const file = prelude(options).cstring(compression).cstring('1');
  const pointer = file.length;
  const places: [number, number][] = [];
  const body = new Bytes(little);
  const start = pointer + 8;
  const here = (): number => start + body.length;
  const section = (id: number, content: Uint8Array, mayPack = true): number => {
    const at = here();
    const data = packed && mayPack ? deflateSync(content) : content;
    body
      .int(id, 2)
      .int(packed && mayPack ? 1 : 0, 2)
      .int(0, 4);
    if (packed && mayPack)
      body
        .int(data.length + 8, 8)
        .int(data.length, 4)
        .int(content.length, 4);
    else body.int(data.length, 8);
    body.raw(data);
    return at;
  };
  for (const [id, content] of Object.entries(pieces(options))) places.push([Number(id), section(Number(id), content)]);

  const bufferAt = here();
  body
    .int(3, 2)
    .int(packed ? 1 : 0, 2)
    .int(0, 4)
    .int(0, 8);
  const table = new Bytes(little);
  for (const [cpu, pages] of cpus.entries()) {
    while (here() % pageSize) body.int(0, 1);
    const from = here();
    const bytes = pages.map((p) => page(p, little, pageSize));
    if (packed) {
      body.int(bytes.length, 4);
      for (const content of bytes) {
        const data = deflateSync(content);
        body.int(data.length, 4).int(content.length, 4).raw(data);
      }
    } else for (const content of bytes) body.raw(content);
    table
      .int(cpu, 4)
      .int(from, 8)
      .int(here() - from - (packed ? 4 : 0), 8);
  }
  const list = new Bytes(little);
  const option = (id: number, data: Uint8Array): void => void list.int(id, 2).int(data.length, 4).raw(data);
  for (const [id, at] of places) option(id, new Bytes(little).int(at, 8).done());
  for (const [id, data] of optionTexts(options)) option(id, data);
  const buffer = (name: string, count: number, content: Uint8Array): Uint8Array =>
    new Bytes(little).int(bufferAt, 8).cstring(name).cstring(clock).int(pageSize, 4).int(count, 4).raw(content).done();
  option(3, buffer('', cpus.length, table.done()));
  for (const name of instances) option(3, buffer(name, 0, new Uint8Array(0)));
  option(0, new Bytes(little).int(0, 8).done());
  const optionsAt = section(0, list.done(), false);
  return file.int(optionsAt, 8).raw(body.done()).done();
}

function version6(options: DatOptions): Uint8Array {
  const { little, pageSize = 4096, cpus, instances = [] } = options;
  const file = prelude(options);
  for (const content of Object.values(pieces(options))) file.raw(content);
  file.int(cpus.length, 4).text('options  \0');
  for (const [id, data] of optionTexts(options)) file.int(id, 2).int(data.length, 4).raw(data);
  for (const name of instances) {
    const data = new Bytes(little).int(0, 8).cstring(name).done();
    file.int(3, 2).int(data.length, 4).raw(data);
  }
  file.int(0, 2).text('flyrecord\0');
  const first = Math.ceil((file.length + cpus.length * 16) / pageSize) * pageSize;
  let at = first;
  for (const pages of cpus) {
    file.int(at, 8).int(pages.length * pageSize, 8);
    at += pages.length * pageSize;
  }
  file.align(pageSize);
  for (const pages of cpus) for (const p of pages) file.raw(page(p, little, pageSize));
  return file.done();
}
