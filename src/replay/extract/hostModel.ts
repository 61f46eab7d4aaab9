import { HUGE } from './memorySlots.js';

/** The frame behind a gfn since a group. */
interface Past {
  readonly group: number;
  readonly pfn: number | undefined;
  /** mapped read-only */
  readonly shared: boolean;
}

/** Page frames that the host gave guest frames, as the recording names them; and where no memory is. */
export class HostModel {
  private readonly frames = new Map<number, number>();
  /** what became of each frame, by group */
  private readonly past = new Map<number, Past[]>();
  /** large regions that are mapped by small pages now, though nothing of KVM asks for it */
  private readonly split = new Set<number>();
  /** frames at the beginning: nothing else was seen behind the gfn before */
  readonly first = new Map<number, number>();
  private readonly shown = new Set<number>();
  /** every gfn that memory was seen behind */
  readonly memory = new Set<number>();
  /** guest tables by gfn, with the size of their entries */
  readonly tables = new Map<number, 4 | 8>();
  /** 2 MiB regions that the host backed with one page, by number */
  readonly large = new Set<number>();
  /** gfns without memory, each with the groups in which that was seen */
  readonly absent = new Map<number, number[]>();
  /** groups in which memory was seen behind a gfn */
  readonly present = new Map<number, number[]>();
  private readonly shared = new Set<number>();

  /** frames that were written since the log of their 2 MiB region was read last, by region */
  private readonly logs = new Map<number, Set<number>>();

  /** Dirty logging is on, and the frame has not been written since the log was read last. */
  isLogged(gfn: number): boolean {
    const written = this.logs.get(Math.floor(gfn / HUGE));
    return written !== undefined && !written.has(gfn);
  }

  isLogging(gfn: number): boolean {
    return this.logs.has(Math.floor(gfn / HUGE));
  }

  log(gfn: number): void {
    this.logs.set(Math.floor(gfn / HUGE), new Set());
  }

  wroteLogged(gfn: number): void {
    this.logs.get(Math.floor(gfn / HUGE))?.add(gfn);
  }

  /** While dirty logging is on, KVM maps by small pages and looks at no neighbours. Answers whether it was on until now. */
  endsLog(gfn: number, level: number, prefetched: boolean): boolean {
    return (level > 1 || prefetched) && this.logs.delete(Math.floor(gfn / HUGE));
  }

  /** No memory slot holds the gfn. */
  sawNone(gfn: number, group: number): void {
    push(this.absent, gfn, group);
    this.frames.delete(gfn);
  }

  /** A guest table lies there. */
  sawTable(gfn: number, bytes: 4 | 8): void {
    this.memory.add(gfn);
    this.tables.set(gfn, bytes);
  }

  /** The scenario begins here: what the host has now is what it begins with. */
  begin(): void {
    this.first.clear();
    for (const [gfn, pfn] of this.frames) this.first.set(gfn, pfn);
  }

  /** Frames that are mapped read-only. */
  get sharedNow(): { readonly gfn: number; readonly last: number }[] {
    return [...this.shared].filter((gfn) => this.frames.has(gfn)).map((gfn) => this.sharedRange(gfn));
  }

  private sharedRange(gfn: number): { readonly gfn: number; readonly last: number } {
    const region = Math.floor(gfn / HUGE);
    return this.large.has(region) && this.isWhole(region) ? { gfn: region * HUGE, last: region * HUGE + HUGE - 1 } : { gfn, last: gfn };
  }

  private isWhole(region: number): boolean {
    const pfn = this.frames.get(region * HUGE);
    return pfn !== undefined && this.frames.get(region * HUGE + HUGE - 1) === pfn + HUGE - 1;
  }

  /**
   * A request names the frame of a gfn, mapped at a level that guest and host allow. Answers whether the scenario's host must map it
   * now: another frame was there before, or it may not have been there at all.
   *
   * @param whole the level tells what the host has, and not what the guest's own entry allows; and KVM looks at the neighbours as well
   * @param small something of KVM asks for small pages
   */
  sawFrame(gfn: number, pfn: number, level: number, whole: boolean, small: boolean, group: number): boolean {
    push(this.present, gfn, group);
    this.memory.add(gfn);
    const region = Math.floor(gfn / HUGE);
    if (level > 1) return this.sawRegion(region, pfn - (pfn % HUGE), group);
    const known = this.frames.get(gfn);
    this.frames.set(gfn, pfn);
    if (known !== pfn) this.note(gfn, group);
    const splits = whole && !small && this.large.has(region) && !this.split.has(region);
    if (splits) this.split.add(region);
    if (known === pfn) return splits;
    if (known !== undefined || this.shown.has(gfn) || whole) {
      this.shown.add(gfn);
      return true;
    }
    this.shown.add(gfn);
    this.first.set(gfn, pfn);
    return false;
  }

  /** The host took the page away: its frame is another from now on, or the same again. */
  took(gfn: number, group: number): void {
    this.frames.delete(gfn);
    this.shared.delete(gfn);
    this.split.add(Math.floor(gfn / HUGE));
    this.note(gfn, group);
  }

  /** What was behind a gfn before a group. */
  before(gfn: number, group: number): Past | undefined {
    return this.past.get(gfn)?.findLast((each) => each.group < group);
  }

  private note(gfn: number, group: number): void {
    const now = { group, pfn: this.frames.get(gfn), shared: this.shared.has(gfn) };
    const list = this.past.get(gfn);
    if (list) list.push(now);
    else this.past.set(gfn, [now]);
  }

  /** The part of a range that memory was seen in; undefined: none of it. */
  memoryWithin(first: number, last: number): { readonly first: number; readonly last: number } | undefined {
    let low: number | undefined;
    let high = first;
    for (let gfn = first; gfn <= Math.min(last, first + LONGEST); gfn++) {
      if (!this.frames.has(gfn)) continue;
      low ??= gfn;
      high = gfn;
    }
    return low === undefined ? undefined : { first: low, last: high };
  }

  /** The host maps the frame read-only. Answers whether that is news. */
  isShared(gfn: number, pages: number, group: number): boolean {
    const first = gfn - (gfn % pages);
    if (this.shared.has(gfn)) return true;
    for (let i = 0; i < pages; i++) {
      this.shared.add(first + i);
      this.note(first + i, group);
    }
    return false;
  }

  private sawRegion(region: number, pfn: number, group: number): boolean {
    const gfn = region * HUGE;
    this.large.add(region);
    const wasSplit = this.split.delete(region);
    if (this.frames.get(gfn) === pfn && this.frames.get(gfn + HUGE - 1) === pfn + HUGE - 1) return wasSplit;
    let isNew = true;
    for (let i = 0; i < HUGE; i++) {
      isNew &&= !this.shown.has(gfn + i);
      this.shown.add(gfn + i);
      this.frames.set(gfn + i, pfn + i);
      this.memory.add(gfn + i);
      this.note(gfn + i, group);
    }
    if (isNew) for (let i = 0; i < HUGE; i++) this.first.set(gfn + i, pfn + i);
    return !isNew;
  }
}

/** A range of so many frames is looked at: 4 GiB. */
const LONGEST = 2 ** 20;

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
