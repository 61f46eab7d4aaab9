import type { Gfn, Pfn } from '../engine/ids.js';
import type { GuestTables, HostBacking } from '../engine/kvm.js';
import type { HostPage } from '../engine/hostPages.js';

/** Guest memory as far as page tables are concerned: 4-byte words, zero where nothing was written. */
export class GuestMemory implements GuestTables {
  private readonly words = new Map<number, number>();

  /** @param gpa bytes, aligned to `bytes` */
  at(gpa: number, bytes: 4 | 8): bigint {
    const low = BigInt(this.words.get(gpa) ?? 0);
    return bytes === 4 ? low : low | (BigInt(this.words.get(gpa + 4) ?? 0) << 32n);
  }

  write(gpa: number, bytes: 4 | 8, value: bigint): void {
    this.words.set(gpa, Number(value & 0xffff_ffffn));
    if (bytes === 8) this.words.set(gpa + 4, Number(value >> 32n));
  }

  set(gpa: number, bits: bigint): void {
    this.words.set(gpa, ((this.words.get(gpa) ?? 0) | Number(bits)) >>> 0);
  }

  /** Nothing is forgotten here: the write itself is {@link write}. */
  forget(): void {
    return;
  }
}

interface Slot {
  readonly first: Gfn;
  /** guest pages of 4 KiB */
  readonly pages: number;
}

/** Memory slots, and the page frame that the host gave each guest frame. */
export class HostMemory implements HostBacking {
  private readonly slots: Slot[] = [];
  private readonly frames = new Map<Gfn, Pfn>();

  /** @param nextFrame the first page frame that the host hands out */
  constructor(private nextFrame: number) {}

  addSlot(first: Gfn, pages: number): void {
    this.slots.push({ first, pages });
  }

  removeSlot(first: Gfn): void {
    const at = this.slots.findIndex((slot) => slot.first === first);
    if (at >= 0) this.slots.splice(at, 1);
  }

  hasSlot(first: Gfn): boolean {
    return this.slots.some((slot) => slot.first === first);
  }

  /** A page frame for KVM's own use, or for a guest page. */
  allocate(): Pfn {
    return this.nextFrame++ as Pfn;
  }

  /** The host takes a page away: the next access gets another frame. */
  take(gfn: Gfn): void {
    this.frames.delete(gfn);
  }

  at(gfn: Gfn): HostPage | undefined {
    if (this.isAbsent(gfn)) return undefined;
    let pfn = this.frames.get(gfn);
    if (pfn === undefined) this.frames.set(gfn, (pfn = this.allocate()));
    return { pfn, writable: true };
  }

  isAbsent(gfn: Gfn): boolean {
    return !this.slots.some(({ first, pages }) => gfn >= first && gfn < first + pages);
  }

  /** The host maps 4 KiB pages. */
  levelAt(): number {
    return 1;
  }
}
