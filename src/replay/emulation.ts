import { decodeStore, type Store } from '../engine/instruction.js';
import type { EventTable } from '../trace/table.js';

/** An instruction that KVM emulates, by its event. */
export interface Emulated {
  readonly bytes: Uint8Array;
  readonly store: Store | undefined;
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
  /** by the bytes' halves, length and mode */
  private readonly known = new Map<string, Emulated>();

  constructor(private readonly table: EventTable) {}

  /** @param modeOf how the code runs, where the trace does not say so */
  at(event: number, modeOf: () => string): Emulated {
    const { table, known } = this;
    const [first, second] = BYTES;
    const mode = table.has(event, MODE) ? table.string(event, MODE) : modeOf();
    const words = [table.low(event, first), table.high(event, first), table.low(event, second), table.high(event, second)];
    const length = Math.min(table.num(event, LEN), LONGEST);
    const key = `${words[0]},${words[1]},${words[2]},${words[3]},${length},${mode}`;
    let emulated = known.get(key);
    if (emulated) return emulated;
    const bytes = new Uint8Array(Uint32Array.from(words).buffer).subarray(0, length);
    emulated = { bytes, store: decodeStore(bytes, mode) };
    if (known.size === MOST_KNOWN) known.clear();
    known.set(key, emulated);
    return emulated;
  }
}
