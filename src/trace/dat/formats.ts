import { enumsOf } from './kernel.js';
import { formatHead, parseFormat, type EventFormat } from './format.js';
import { layoutOf } from './roleMembers.js';
import type { DatFile } from './container.js';
import type { RoleLayout } from '../../engine/roleLayout.js';
import type { TraceInfo } from '../info.js';

interface Source {
  readonly system: string;
  readonly text: string;
  format?: EventFormat;
}

/** The event formats of a file: found by their number, and parsed when an event of theirs turns up. */
export class Formats {
  readonly kernel: TraceInfo['kernel'];
  readonly #little: boolean;
  readonly #byId = new Map<number, Source>();
  readonly #byName = new Map<string, Source>();

  constructor(dat: DatFile, kernel: (layout: RoleLayout | undefined) => TraceInfo['kernel']) {
    this.#little = dat.little;
    const ftrace = dat.ftraceFormats.map((text) => ({ system: 'ftrace', text }));
    for (const source of [...ftrace, ...dat.eventFormats]) {
      const head = formatHead(source.text);
      if (!head) continue;
      this.#byId.set(head.id, source);
      this.#byName.set(`${source.system}/${head.name}`, source);
    }
    const roles = this.#byName.get('kvmmmu/kvm_mmu_get_page');
    const print = roles && parseFormat(roles.text, roles.system, this.#little, {})?.print;
    this.kernel = kernel(print ? layoutOf(print) : undefined);
  }

  byId(id: number): EventFormat | undefined {
    return this.#parsed(this.#byId.get(id));
  }

  byName(system: string, name: string): EventFormat | undefined {
    return this.#parsed(this.#byName.get(`${system}/${name}`));
  }

  #parsed(source: Source | undefined): EventFormat | undefined {
    if (!source) return undefined;
    source.format ??= parseFormat(source.text, source.system, this.#little, enumsOf(this.kernel));
    return source.format;
  }
}
