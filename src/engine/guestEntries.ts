import type { EventIndex, Gfn } from './ids.js';
import type { Change } from './kvm.js';
import type { Mmu } from './mmu.js';

interface Entry {
  readonly value: bigint;
  readonly seen: EventIndex;
}

/**
 * Every guest entry that the trace showed: read by a walk, accessed or dirty bits set, written by the emulator. A guest table that no
 * writable SPTE maps cannot change without KVM; while one does, an entry is as it was seen only until the guest runs again.
 */
export class GuestEntries {
  private readonly entries = new Map<number, Entry>();

  constructor(private readonly mmu: Mmu) {}

  /** @param gpa of the entry, bytes */
  saw(gpa: number, value: bigint): void {
    this.entries.set(gpa, { value, seen: this.mmu.state.now });
  }

  /** Bits were set by KVM itself. */
  set(gpa: number, bits: bigint): void {
    const known = this.at(gpa);
    if (known !== undefined) this.saw(gpa, known | bits);
    else this.entries.delete(gpa);
  }

  /** Something was written there that the trace does not show. */
  forget(gpa: number, bytes: number): void {
    for (let at = gpa - (gpa % 4); at < gpa + bytes; at += 4) this.entries.delete(at);
    if (gpa % 8 >= 4) this.entries.delete(gpa - (gpa % 8));
  }

  /** The emulator changed an entry, or a half of one with 8 bytes. */
  wrote(gpa: number, bytes: number, entryBytes: 4 | 8, change: Change): void {
    const entry = gpa - (gpa % entryBytes);
    const old = this.at(entry);
    const shift = BigInt(8 * (gpa - entry));
    const mask = (1n << BigInt(8 * bytes)) - 1n;
    const whole = bytes === entryBytes && gpa === entry;
    const part = bytes === 4 && gpa % 4 === 0;
    const value = whole || part ? change(old === undefined ? undefined : (old >> shift) & mask) : undefined;
    this.forget(gpa, bytes);
    if (value === undefined) return;
    if (whole) this.saw(gpa, value & mask);
    else if (old !== undefined) this.saw(entry, (old & ~(mask << shift)) | ((value & mask) << shift));
  }

  /** The entry at an address, undefined when none was seen or it may have changed since. */
  at(gpa: number): bigint | undefined {
    const entry = this.entries.get(gpa);
    if (!entry) return undefined;
    return entry.seen >= this.mmu.heldSince(Math.floor(gpa / 4096) as Gfn) ? entry.value : undefined;
  }
}
