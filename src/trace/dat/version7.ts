import { Cursor, DatEnd } from './cursor.js';
import { emptyOptions, type CpuData, type DatBuffer, type DatFile, type DatInput } from './container.js';
import { readCmdlines, readEventFormats, readFtraceFormats, readHeaders, readOption, readPrintk } from './pieces.js';
import { traceErrors } from '../errors.js';
import { unpackerOf, type Unpack } from './compression.js';

/** Version 7: a file of sections, found through chained options sections. */

const enum Section {
  options = 0,
  buffer = 3,
  headers = 16,
  ftraceFormats = 17,
  eventFormats = 18,
  kallsyms = 19,
  printk = 20,
  cmdlines = 21,
  latency = 22,
}
const SECTION_HEADER = 16;
/** Ids go up to 25 by now; anything much higher is no section. */
const HIGHEST_SECTION = 64;
const COMPRESSED = 1;

interface SectionHeader {
  readonly id: Section;
  readonly compressed: boolean;
  /** where the header ends */
  readonly at: number;
  readonly size: number;
}

/** What an option says of a ring buffer section. */
interface BufferOption extends Omit<DatBuffer, 'compressed'> {
  readonly sectionAt: number;
}

export async function readVersion7(input: DatInput, c: Cursor, little: boolean, pageSize: number): Promise<DatFile> {
  const compression = c.cstring();
  c.cstring(); // version of the compressor
  const firstOptions = c.size64('the place of the options');
  const unpack = await unpackerOf(compression);
  if (!unpack) {
    throw traceErrors.datDamaged(input.file, `the data is compressed with "${compression.slice(0, 20)}", which is not known`, c.offset);
  }
  const dat: DatFile = {
    version: 7,
    little,
    pageSize,
    compression,
    headerPage: '',
    ftraceFormats: [],
    eventFormats: [],
    printk: '',
    cmdlines: '',
    kallsyms: () => '',
    options: emptyOptions(),
    buffers: [],
    latencyAt: undefined,
  };
  new Version7(input, dat, unpack).read(firstOptions, c.at);
  return dat;
}

class Version7 {
  readonly #input: DatInput;
  readonly #dat: DatFile;
  readonly #unpack: Unpack;
  readonly #seen = new Set<number>();
  readonly #bufferOptions: BufferOption[] = [];

  constructor(input: DatInput, dat: DatFile, unpack: Unpack) {
    this.#input = input;
    this.#dat = dat;
    this.#unpack = unpack;
  }

  read(firstOptions: number, firstSection: number): void {
    const chainEnd = this.#optionsChain(firstOptions);
    if (chainEnd !== undefined || this.#dat.eventFormats.length === 0) this.#salvage(firstSection, chainEnd ?? firstOptions);
    for (const { sectionAt, ...buffer } of this.#bufferOptions) {
      const header = this.#header(sectionAt);
      this.#dat.buffers.push({ ...buffer, compressed: header?.compressed ?? this.#dat.compression !== 'none' });
    }
  }

  /** Follows the options sections; where the chain leads to something that is not there, or undefined when it was whole. */
  #optionsChain(first: number): number | undefined {
    for (let at = first; at !== 0;) {
      const header = this.#header(at);
      if (header?.id !== Section.options || this.#seen.has(at)) return at;
      this.#seen.add(at);
      const next = this.#attempt('an options section', at, () => this.#options(header));
      if (next === undefined) return at;
      at = next;
    }
    return undefined;
  }

  /** Reads the options of a section; the place of the next one, 0 at the end. */
  #options(header: SectionHeader): number {
    const c = this.#content(header);
    while (c.left >= 6) {
      const id: Section = c.u16();
      const size = c.u32();
      const data = new Cursor(c.bytes(size), this.#dat.little, c.offset - size);
      if (id === Section.options) return data.size64('the place of the next options');
      if (id === Section.buffer) this.#bufferOption(data);
      else if (id === Section.latency) this.#latencyOption(data);
      else if (id >= Section.headers && id <= Section.cmdlines) {
        const at = data.size64('the place of a section');
        this.#attempt('a section', at, () => this.#section(at));
      } else this.#attempt('an option', header.at, () => readOption(id, data, this.#dat));
    }
    return 0;
  }

  #bufferOption(c: Cursor): void {
    const sectionAt = c.size64('the place of a buffer');
    const name = c.cstring();
    const clock = c.cstring();
    const pageSize = c.u32();
    const cpus: CpuData[] = [];
    for (let n = c.u32(); n > 0; n--) {
      cpus.push({ cpu: c.u32(), offset: c.size64('the place of trace data'), size: c.size64('the size of trace data') });
    }
    this.#bufferOptions.push({ sectionAt, name, clock, pageSize, cpus });
  }

  #latencyOption(c: Cursor): void {
    const header = this.#header(c.size64('the place of a latency trace'));
    if (header) this.#dat.latencyAt ??= header.at;
  }

  #section(at: number): void {
    if (this.#seen.has(at)) return;
    this.#seen.add(at);
    const header = this.#header(at);
    if (!header) throw new DatEnd('a section lies behind the end of the file', at);
    const content = (): Cursor => this.#content(header);
    switch (header.id) {
      case Section.headers:
        return readHeaders(content(), this.#dat);
      case Section.ftraceFormats:
        return readFtraceFormats(content(), this.#dat);
      case Section.eventFormats:
        return readEventFormats(content(), this.#dat);
      case Section.printk:
        return readPrintk(content(), this.#dat);
      case Section.cmdlines:
        return readCmdlines(content(), this.#dat);
      case Section.kallsyms:
        // Megabytes that most traces need nothing of: unpacked when the first symbol is asked for.
        this.#dat.kallsyms = () => this.#attempt('the kernel symbols', at, () => symbolText(content())) ?? '';
        return;
      default:
      // Options and buffers are found elsewhere; modules, BTF and whatever newer files hold are not needed.
    }
  }

  /**
   * What can be had of a file whose end is missing: sections stand one behind the other, so they are found without the options that
   * would name them, the trace data too.
   */
  #salvage(firstSection: number, missing: number): void {
    const { notes, source } = this.#input;
    notes.damage('cut', { offset: Math.min(missing, source.size) }, () => {
      return `the file ends at byte ${source.size}, before its table of contents, so it was cut off while it was written or copied`;
    });
    for (let at = firstSection; at + SECTION_HEADER <= source.size;) {
      const header = this.#header(at);
      if (!header || (header.id as number) > HIGHEST_SECTION) return;
      if (header.id === Section.buffer && this.#bufferOptions.length === 0) {
        this.#salvageBuffer(header, at);
        return;
      }
      if (!this.#seen.has(at)) {
        if (header.id === Section.options) this.#attempt('an options section', at, () => this.#options(header));
        else this.#attempt('a section', at, () => this.#section(at));
        this.#seen.add(at);
      }
      at = header.at + header.size;
    }
  }

  #salvageBuffer(header: SectionHeader, sectionAt: number): void {
    const { pageSize } = this.#dat;
    const { source } = this.#input;
    const aligned = (at: number): number => Math.ceil(at / pageSize) * pageSize;
    const cpus: CpuData[] = [];
    let at = aligned(header.at);
    if (!header.compressed) cpus.push(...this.#pagesOfCpus(at));
    while (header.compressed && at + 4 <= source.size) {
      const end = this.#chunksEnd(at);
      cpus.push({ cpu: cpus.length, offset: at, size: Math.min(end, source.size) - at - 4 });
      at = aligned(end);
    }
    this.#bufferOptions.push({ sectionAt, name: '', clock: this.#dat.options.traceClock, pageSize, cpus });
  }

  /** Uncompressed pages of one CPU after the other: where the time falls, the next CPU begins. */
  #pagesOfCpus(start: number): CpuData[] {
    const { pageSize, little } = this.#dat;
    const { source } = this.#input;
    const cpus: CpuData[] = [];
    let from = start;
    let time = 0n;
    for (let at = start; at + 8 <= source.size; at += pageSize) {
      const next = new Cursor(source.read(at, 8), little, at).u64();
      if (next < time) {
        cpus.push({ cpu: cpus.length, offset: from, size: at - from });
        from = at;
      }
      time = next;
    }
    if (from < source.size) cpus.push({ cpu: cpus.length, offset: from, size: source.size - from });
    return cpus;
  }

  /** Where a CPU's chunks end. */
  #chunksEnd(start: number): number {
    const { source } = this.#input;
    const u32 = (at: number): number => new Cursor(source.read(at, 4), this.#dat.little, at).u32();
    let at = start + 4;
    for (let chunks = u32(start); chunks > 0 && at + 8 <= source.size; chunks--) {
      const packed = u32(at);
      // Zeros behind the end of what was written: no chunk is empty.
      if (packed === 0) return at;
      at += 8 + packed;
    }
    return at;
  }

  #header(at: number): SectionHeader | undefined {
    const bytes = this.#input.source.read(at, SECTION_HEADER);
    if (bytes.length < SECTION_HEADER) return undefined;
    const c = new Cursor(bytes, this.#dat.little, at);
    const id: Section = c.u16();
    const compressed = (c.u16() & COMPRESSED) !== 0;
    c.u32(); // description
    return { id, compressed, at: at + SECTION_HEADER, size: Number(c.u64()) };
  }

  #content(header: SectionHeader): Cursor {
    const { little } = this.#dat;
    const bytes = this.#input.source.read(header.at, header.size);
    if (bytes.length < header.size)
      throw new DatEnd(`the section has ${header.size} bytes and the file ends after ${bytes.length}`, header.at);
    if (!header.compressed) return new Cursor(bytes, little, header.at);
    const c = new Cursor(bytes, little, header.at);
    const packed = c.u32();
    const size = c.u32();
    return new Cursor(this.#unpack(c.bytes(packed), size), little, header.at);
  }

  /** Reads a part; when it cannot be read that is noted, and the others may still be good. */
  #attempt<T>(what: string, at: number, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#input.notes.damage(`part ${at}`, { offset: at }, () => `${what} cannot be read (${why}): it is left out`);
      return undefined;
    }
  }
}

function symbolText(c: Cursor): string {
  return c.text(c.u32());
}
