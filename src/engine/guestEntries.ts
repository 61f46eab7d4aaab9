import { highHalf, lowHalf } from './gpte.js';
import type { Gfn } from './ids.js';
import type { Change } from './kvm.js';
import type { Mmu } from './mmu.js';

/** Entries begin at multiples of this, bytes. */
const UNIT = 4;
const FIRST_CAPACITY = 256;

/**
 * Every guest entry that the trace showed: read by a walk, accessed or dirty bits set, written by the emulator. A guest table that no
 * writable SPTE maps cannot change without KVM; while one does, an entry is as it was seen only until the guest runs again.
 */
export class GuestEntries {
  /** where an entry's columns are, by its gpa in units of four bytes */
  private readonly slots = new Map<number, number>();
  private readonly free: number[] = [];
  private lows = new Uint32Array(FIRST_CAPACITY);
  private highs = new Uint32Array(FIRST_CAPACITY);
  private seen = new Int32Array(FIRST_CAPACITY);
  private used = 0;

  constructor(private readonly mmu: Mmu) {}

  /** @param gpa of the entry, bytes */
  saw(gpa: number, value: bigint): void {
    this.sawHalves(gpa, lowHalf(value), highHalf(value));
  }

  sawHalves(gpa: number, low: number, high: number): void {
    const slot = this.slots.get(gpa / UNIT) ?? this.newSlot(gpa / UNIT);
    this.lows[slot] = low;
    this.highs[slot] = high;
    this.seen[slot] = this.mmu.state.now;
  }

  /** Bits were set by KVM itself. */
  set(gpa: number, bits: bigint): void {
    const known = this.at(gpa);
    if (known !== undefined) this.saw(gpa, known | bits);
    else this.drop(gpa);
  }

  /** Something was written there that the trace does not show. */
  forget(gpa: number, bytes: number): void {
    for (let at = gpa - (gpa % UNIT); at < gpa + bytes; at += UNIT) this.drop(at);
    if (gpa % 8 >= 4) this.drop(gpa - (gpa % 8));
  }

  /** The emulator changed an entry, or a half of one with 8 bytes. */
  wrote(gpa: number, bytes: number, entryBytes: 4 | 8, change: Change): void {
    const entry = gpa - (gpa % entryBytes);
    const old = this.at(entry);
    const shift = BigInt(8 * (gpa - entry));
    const mask = (1n << BigInt(8 * bytes)) - 1n;
    const whole = bytes === entryBytes && gpa === entry;
    const part = bytes === 4 && gpa % UNIT === 0;
    const value = whole || part ? change(old === undefined ? undefined : (old >> shift) & mask) : undefined;
    this.forget(gpa, bytes);
    if (value === undefined) return;
    if (whole) this.saw(gpa, value & mask);
    else if (old !== undefined) this.saw(entry, (old & ~(mask << shift)) | ((value & mask) << shift));
  }

  /** The entry at an address, undefined when none was seen or it may have changed since. */
  at(gpa: number): bigint | undefined {
    const slot = this.slots.get(gpa / UNIT);
    if (slot === undefined || this.seen[slot]! < this.mmu.heldSince(Math.floor(gpa / 4096) as Gfn)) return undefined;
    return (BigInt(this.highs[slot]!) << 32n) | BigInt(this.lows[slot]!);
  }

  private drop(gpa: number): void {
    const slot = this.slots.get(gpa / UNIT);
    if (slot === undefined) return;
    this.slots.delete(gpa / UNIT);
    this.free.push(slot);
  }

  private newSlot(place: number): number {
    const slot = this.free.pop() ?? this.used++;
    this.slots.set(place, slot);
    if (slot === this.lows.length) {
      this.lows = grown(this.lows, new Uint32Array(slot * 2));
      this.highs = grown(this.highs, new Uint32Array(slot * 2));
      this.seen = grown(this.seen, new Int32Array(slot * 2));
    }
    return slot;
  }
}

function grown<T extends Uint32Array | Int32Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
