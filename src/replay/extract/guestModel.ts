import type { Store } from './doings.js';

/** 32 bits of guest memory, as the scenario will have them at this point. */
interface Word {
  value: number;
  /** the group of doings in which the value was last certain */
  seen: number;
  /** a store whose value is not known yet: the next look at the word tells it */
  store?: Untold;
}

/** A store, and where it went. */
interface Untold {
  readonly store: Store;
  readonly gpa: number;
}

/** An entry that the recording shows to differ from what the scenario's memory would hold. */
export interface Difference {
  readonly gpa: number;
  readonly bytes: 4 | 8;
  readonly value: bigint;
  /** what the scenario has there; undefined where nothing was known so far */
  readonly before: bigint | undefined;
  /** the last group in which that was certain */
  readonly seen: number;
}

const WORD = 4;

/** The guest's page tables in the memory of the scenario that is being made: what its statements, and KVM by itself, have put there. */
export class GuestModel {
  private readonly words = new Map<number, Word>();

  /** The entries of guest tables that are known, by address; what was stored and not seen since counts as unknown from here on. */
  *entries(tables: ReadonlyMap<number, 4 | 8>): Generator<{ gpa: number; bytes: 4 | 8; value: bigint }> {
    for (const [gpa, { store }] of this.words) if (store) this.words.delete(gpa);
    for (const gpa of [...this.words.keys()].sort((a, b) => a - b)) {
      const bytes = tables.get(Math.floor(gpa / 4096));
      if (bytes === undefined || gpa % bytes !== 0) continue;
      const value = this.at(gpa, bytes);
      if (value !== undefined) yield { gpa, bytes, value };
    }
  }

  /** Something was seen there, or stored. */
  has(gpa: number): boolean {
    return this.words.has(gpa);
  }

  at(gpa: number, bytes: 4 | 8): bigint | undefined {
    const low = this.words.get(gpa);
    if (!low || low.store) return undefined;
    if (bytes === 4) return BigInt(low.value);
    const high = this.words.get(gpa + WORD);
    return high && !high.store ? BigInt(low.value) | (BigInt(high.value) << 32n) : undefined;
  }

  /** An entry was read: what a store put there is told by it. Answers what the scenario must change for the same to be read. */
  read(gpa: number, bytes: 4 | 8, value: bigint, group: number, tolerated: bigint): Difference[] {
    const differing: Difference[] = [];
    const halves = bytes / WORD;
    let unknown = false;
    let changed = false;
    let seen = group;
    for (let half = 0; half < halves; half++) {
      const at = gpa + half * WORD;
      const part = Number((value >> BigInt(32 * half)) & 0xffffffffn);
      const word = this.words.get(at);
      if (word?.store) tell(word.store, at, part);
      else if (!word) unknown = true;
      else if ((word.value ^ part) & ~Number(tolerated >> BigInt(32 * half))) {
        changed = true;
        seen = Math.min(seen, word.seen);
      } else {
        word.seen = group;
        continue;
      }
      if (word?.store) this.words.set(at, { value: part, seen: group });
    }
    if (!unknown && !changed) return differing;
    const before = unknown ? undefined : this.at(gpa, bytes);
    differing.push({ gpa, bytes, value, before, seen });
    this.put(gpa, bytes, value, group);
    return differing;
  }

  /** A statement, or KVM, puts something there. */
  put(gpa: number, bytes: 4 | 8, value: bigint, group: number): void {
    for (let half = 0; half < bytes / WORD; half++) {
      this.words.set(gpa + half * WORD, { value: Number((value >> BigInt(32 * half)) & 0xffffffffn), seen: group });
    }
  }

  /** KVM sets accessed and dirty bits. */
  set(gpa: number, bits: bigint): void {
    const word = this.words.get(gpa);
    if (word && !word.store) word.value = (word.value | Number(bits)) >>> 0;
  }

  /** A store: of a value, or of one that the next look at the place will tell. */
  store(gpa: number, store: Store, group: number): void {
    const first = gpa - (gpa % WORD);
    const untold = store.value === undefined;
    for (let at = first; at < gpa + store.bytes; at += WORD) {
      const old = this.words.get(at);
      if (untold) this.words.set(at, { value: old?.value ?? 0, seen: group, store: { store, gpa } });
      else if (old && !old.store) this.words.set(at, { value: merged(old.value, at, gpa, store.bytes, store.value!), seen: group });
      else if (gpa <= at && gpa + store.bytes >= at + WORD) {
        this.words.set(at, { value: Number((store.value! >> BigInt(8 * (at - gpa))) & 0xffffffffn), seen: group });
      } else this.words.delete(at);
    }
  }
}

/** A part of what was stored shows. */
function tell({ store, gpa }: Untold, at: number, part: number): void {
  const shift = 8 * (at - gpa);
  const shown = shift >= 0 ? BigInt(part) << BigInt(shift) : BigInt(part) >> BigInt(-shift);
  const mask = shift >= 0 ? 0xffffffffn << BigInt(shift) : 0xffffffffn >> BigInt(-shift);
  const whole = (1n << BigInt(8 * store.bytes)) - 1n;
  store.value = ((store.value ?? 0n) & ~mask) | (shown & mask & whole);
}

function merged(old: number, at: number, gpa: number, bytes: number, value: bigint): number {
  let word = old;
  for (let i = 0; i < bytes; i++) {
    const shift = 8 * (gpa + i - at);
    if (shift < 0 || shift >= 32) continue;
    word = (word & ~(0xff << shift)) | (Number((value >> BigInt(8 * i)) & 0xffn) << shift);
  }
  return word >>> 0;
}
