import type { HostPage } from '../engine/hostPages.js';
import type { Gfn, Pfn } from '../engine/ids.js';
import type { GuestTables, HostBacking } from '../engine/kvm.js';
import { pagesPerEntry } from '../engine/spte.js';

/** Guest memory as far as page tables are concerned: zero where nothing was written. */
export class GuestMemory implements GuestTables {
  /** 32-bit words by guest physical address, bytes */
  private readonly words = new Map<number, number>();
  /** grows with every write */
  version = 0;

  /** @param gpa bytes, aligned to `bytes` */
  at(gpa: number, bytes: 4 | 8): bigint {
    const low = BigInt(this.words.get(gpa) ?? 0);
    return bytes === 4 ? low : low | (BigInt(this.words.get(gpa + 4) ?? 0) << 32n);
  }

  /** @param gpa bytes; nothing need be aligned */
  read(gpa: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.byte(gpa + i));
    return value;
  }

  /** @param gpa bytes; nothing need be aligned */
  write(gpa: number, bytes: number, value: bigint): void {
    for (let i = 0; i < bytes; i++) this.writeByte(gpa + i, Number((value >> BigInt(8 * i)) & 0xffn));
    this.version++;
  }

  set(gpa: number, bits: bigint): void {
    this.words.set(gpa, ((this.words.get(gpa) ?? 0) | Number(bits)) >>> 0);
    this.version++;
  }

  /** Nothing is forgotten here: the write itself is {@link write}. */
  forget(): void {
    return;
  }
  wrote(): void {
    return;
  }

  private byte(gpa: number): number {
    return ((this.words.get(gpa - (gpa % 4)) ?? 0) >>> (8 * (gpa % 4))) & 0xff;
  }

  private writeByte(gpa: number, byte: number): void {
    const word = gpa - (gpa % 4);
    const shift = 8 * (gpa % 4);
    this.words.set(word, (((this.words.get(word) ?? 0) & ~(0xff << shift)) | (byte << shift)) >>> 0);
  }
}

interface Slot {
  readonly first: Gfn;
  /** guest pages of 4 KiB */
  readonly pages: number;
  /** the host backs it with 2 MiB pages as long as nothing splits them */
  readonly large: boolean;
  readonly frame: Pfn | undefined;
}

/** Memory slots, and the page frame that the host gave each guest frame. */
export class HostMemory implements HostBacking {
  private readonly slots: Slot[] = [];
  private readonly frames = new Map<Gfn, Pfn>();
  /** frames that the host shares with somebody else: a write gets a copy */
  private readonly shared = new Set<Gfn>();
  /** 2 MiB regions that the host has split, by number */
  private readonly split = new Set<number>();
  /** frames that the host took back: they come again from elsewhere */
  private readonly taken = new Set<Gfn>();
  /** grows with every change */
  version = 0;

  /** @param nextFrame the first page frame that the host hands out */
  constructor(private nextFrame: number) {}

  /** @param frame the page frame behind the first page, with the others behind it; absent: frames are found on demand */
  addSlot(first: Gfn, pages: number, large = false, frame?: Pfn): void {
    this.slots.push({ first, pages, large, frame });
    this.version++;
  }

  /** Answers how many pages it had. */
  removeSlot(first: Gfn): number {
    const at = this.slots.findIndex((slot) => slot.first === first);
    if (at < 0) throw new RangeError(`no memory slot begins at ${first.toString(16)}`);
    const [slot] = this.slots.splice(at, 1);
    for (let gfn = first as number; gfn < first + slot!.pages; gfn++) {
      this.frames.delete(gfn as Gfn);
      this.shared.delete(gfn as Gfn);
      this.taken.delete(gfn as Gfn);
      this.split.delete(region(gfn));
    }
    this.version++;
    return slot!.pages;
  }

  hasSlot(first: Gfn): boolean {
    return this.slots.some((slot) => slot.first === first);
  }

  /** A page frame for KVM's own use, or for a guest page. */
  allocate(): Pfn {
    return this.nextFrame++ as Pfn;
  }

  /** The host takes a page away: the next access gets another frame. A large page is split by it. */
  take(gfn: Gfn): void {
    this.frames.delete(gfn);
    this.taken.add(gfn);
    this.shared.delete(gfn);
    this.split.add(region(gfn));
    this.version++;
  }

  /** The host maps frames of its choice: whole large pages where slot, range and frames allow it. */
  map(gfn: Gfn, pages: number, frame: Pfn): void {
    const huge = pagesPerEntry(2);
    for (let i = 0; i < pages; i++) {
      this.frames.set((gfn + i) as Gfn, (frame + i) as Pfn);
      const first = i - ((gfn + i) % huge);
      if (first < 0 || first + huge > pages || (frame + first) % huge !== 0) this.split.add(region(gfn + i));
      else this.split.delete(region(gfn + i));
    }
    this.version++;
  }

  /** The host maps pages for reading only, since another process has them too; large pages where all of one is meant. */
  share(gfn: Gfn, pages: number): void {
    const huge = pagesPerEntry(2);
    for (let i = 0; i < pages; i++) {
      const its = (gfn + i) as Gfn;
      if (this.isAbsent(its)) continue;
      this.shared.add(its);
      const first = i - (its % huge);
      if (first < 0 || first + huge > pages) this.split.add(region(its));
    }
    this.version++;
  }

  isShared(gfn: Gfn): boolean {
    return this.shared.has(gfn);
  }

  at(gfn: Gfn): HostPage | undefined {
    const slot = this.slotOf(gfn);
    if (!slot) return undefined;
    return { pfn: this.frames.get(gfn) ?? this.fill(gfn, slot), writable: !this.shared.has(gfn) };
  }

  /** User space has a page there. */
  touch(gfn: Gfn): void {
    this.at(gfn);
  }

  /** The page frame behind a guest frame that was touched already. */
  frameOf(gfn: Gfn): Pfn | undefined {
    return this.frames.get(gfn);
  }

  /** Where frames are found on demand, nothing is there before the first access. */
  isAtHand(gfn: Gfn): boolean {
    return this.frames.has(gfn) || (this.slotOf(gfn)?.frame !== undefined && !this.taken.has(gfn));
  }

  /** The guest frame that has a page frame behind it. */
  gfnOf(frame: Pfn): Gfn | undefined {
    for (const [gfn, its] of this.frames) if (its === frame) return gfn;
    return undefined;
  }

  isAbsent(gfn: Gfn): boolean {
    return this.slotOf(gfn) === undefined;
  }

  /** 2 MiB where slot and host page hold the whole aligned region. */
  levelAt(gfn: Gfn): number {
    return this.isLarge(gfn, this.slotOf(gfn)) ? 2 : 1;
  }

  private isLarge(gfn: Gfn, slot: Slot | undefined): boolean {
    if (!slot?.large || this.split.has(region(gfn))) return false;
    const first = gfn - (gfn % pagesPerEntry(2));
    return first >= slot.first && first + pagesPerEntry(2) <= slot.first + slot.pages;
  }

  /** The guest touches a page for the first time: the host finds memory for it, or for the whole large page. */
  private fill(gfn: Gfn, slot: Slot): Pfn {
    if (slot.frame !== undefined && !this.taken.has(gfn)) {
      const pfn = (slot.frame + (gfn - slot.first)) as Pfn;
      this.frames.set(gfn, pfn);
      return pfn;
    }
    if (!this.isLarge(gfn, slot)) {
      const pfn = this.allocate();
      this.frames.set(gfn, pfn);
      return pfn;
    }
    const pages = pagesPerEntry(2);
    const first = gfn - (gfn % pages);
    this.nextFrame += (pages - (this.nextFrame % pages)) % pages;
    for (let i = 0; i < pages; i++) this.frames.set((first + i) as Gfn, this.allocate());
    return this.frames.get(gfn)!;
  }

  private slotOf(gfn: Gfn): Slot | undefined {
    return this.slots.find(({ first, pages }) => gfn >= first && gfn < first + pages);
  }
}

function region(gfn: number): number {
  return Math.floor(gfn / pagesPerEntry(2));
}
