import { Output, type Announcement } from '../../src/engine/announcement.js';
import { eraFor, withoutFeatures } from '../../src/engine/eras.js';
import type { Feature } from '../../src/engine/features.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../../src/engine/ids.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import { encodeRole, LAYOUT_5_17 } from '../../src/engine/roleLayout.js';
import type { Cpu, Paging } from '../../src/scenario/cpu.js';
import { Machine } from '../../src/scenario/machine.js';
import { Observer } from '../../src/scenario/observer.js';

/** present, writable, for the user, accessed, dirty */
export const USED = 0x67n;
export const GIB = 1n << 30n;
export const DIRECTORIES = [0x1, 0x2] as const;
export const TABLE = 0x5;
export const DATA = 0x10;
export const MAX_PAGES = 64;
export const PAGING: Paging = { mode: '32', cr3: DIRECTORIES[0] as Gfn, wp: true };

/** A guest with 4-byte entries: the first page of each GiB is frame 10, 11, 12, 13, by a page table for each. */
export class Guest {
  readonly machine: Machine;
  readonly observer: Observer;
  readonly events: Announcement[] = [];
  readonly cpu: Cpu;

  constructor(kernel: string, { without = [], paging = {} }: { without?: readonly Feature[]; paging?: Partial<Paging> } = {}) {
    this.machine = new Machine({ era: withoutFeatures(eraFor(kernel), without), maxPages: MAX_PAGES });
    this.observer = new Observer(this.machine, MAX_PAGES);
    this.machine.addSlot(0 as Gfn, 0x1000);
    for (const directory of DIRECTORIES) {
      for (let gib = 0; gib < 4; gib++) this.put(directory, gib * 256, TABLE + gib);
    }
    for (let gib = 0; gib < 4; gib++) this.put(TABLE + gib, 0, DATA + gib);
    this.machine.onEvent = (announced) => this.events.push(announced);
    this.cpu = this.machine.addCpu({ ...PAGING, ...paging });
  }

  put(table: number, index: number, frame: number): void {
    this.machine.writeUnseen(table * 4096 + index * 4, 4, (BigInt(frame) << 12n) | USED);
  }

  get mmu() {
    return this.machine.mmu;
  }
  get pages() {
    return this.machine.pages;
  }
  get state() {
    return this.machine.state;
  }
  get root(): PageId {
    return this.cpu.vcpu.roots()[0] ?? NO_PAGE;
  }

  read(address: bigint): this {
    this.observer.begin();
    this.machine.access(this.cpu, address, {});
    return this;
  }

  /** Frame that an address leads to now. */
  frameAt(address: bigint): number | undefined {
    const gpa = this.cpu.reaches(address);
    return gpa === undefined ? undefined : Math.floor(gpa / 4096);
  }

  /** Roles of the pages asked for since the last look, `+` for new ones. */
  asked(): string[] {
    return this.events.splice(0).flatMap((event) => {
      if (event.output !== Output.getPage) return [];
      return [`0x${encodeRole(LAYOUT_5_17, event.fields.role!).toString(16)}${event.fields.created ? '+' : ''}`];
    });
  }

  /** Page directories by the PDPTE that leads to them; `undefined` for one that is not present. */
  directories(): (PageId | undefined)[] {
    return [0, 1, 2, 3].map((slot) => {
      const cell = this.pages.entryCell(this.root, slot as SpteIndex);
      return this.state.tag(cell) === 0 ? undefined : (this.state.number(cell) as PageId);
    });
  }

  violations(): number[] {
    return [...new Set(checkAll(this.observer.snapshot()).violations.map(({ number }) => number))];
  }
}
