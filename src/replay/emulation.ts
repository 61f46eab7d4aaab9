import { decodeStore, type Store } from '../engine/instruction.js';
import type { EventTable } from '../trace/table.js';

/** An instruction that KVM emulates, by its event. */
export interface Emulated {
  readonly bytes: Uint8Array;
  readonly store: Store | undefined;
}

/** The same with what it is looked up by: the halves of its bytes, and how the code runs. */
interface Known extends Emulated {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly mode: string;
}

/** Slots of kvm_emulate_insn. */
const LEN = 2;
const BYTES = [3, 4] as const;
const MODE = 5;
const LONGEST = 15;
/** A guest's loop has a handful; a trace of whatever a fuzzer made must not fill the memory. */
const MOST_KNOWN = 1 << 14;

/** Decodes the instructions of kvm_emulate_insn: a guest has few of them, and runs each over and over. */
export class Emulations {
  /** by a hash of their bytes: all that have it */
  private readonly known = new Map<number, Known[]>();
  private count = 0;

  constructor(private readonly table: EventTable) {}

  /** @param modeOf how the code runs, where the trace does not say so */
  at(event: number, modeOf: () => string): Emulated {
    const { table } = this;
    const [first, second] = BYTES;
    const mode = table.has(event, MODE) ? table.string(event, MODE) : modeOf();
    const a = table.low(event, first);
    const b = table.high(event, first);
    const c = table.low(event, second);
    const d = table.high(event, second);
    const length = Math.min(table.num(event, LEN), LONGEST);
    const hash = (a ^ Math.imul(b, 3) ^ Math.imul(c, 5) ^ Math.imul(d, 7) ^ length) | 0;
    const alike = this.known.get(hash);
    for (const one of alike ?? []) {
      if (one.a === a && one.b === b && one.c === c && one.d === d && one.bytes.length === length && one.mode === mode) return one;
    }
    const bytes = new Uint8Array(Uint32Array.of(a, b, c, d).buffer).subarray(0, length);
    return this.add(hash, alike, { a, b, c, d, mode, bytes, store: decodeStore(bytes, mode) });
  }

  private add(hash: number, alike: Known[] | undefined, emulated: Known): Known {
    if (this.count === MOST_KNOWN) {
      this.known.clear();
      this.count = 0;
    }
    this.count++;
    if (alike && this.count > 1) alike.push(emulated);
    else this.known.set(hash, [emulated]);
    return emulated;
  }
}
