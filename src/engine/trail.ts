import { KERNEL_FUNCTIONS, kernelName, type KernelFunction } from './kernelFunctions.js';
import type { EventIndex } from './ids.js';
import type { RecordIndex } from './journal.js';
import type { Mmu } from './mmu.js';
import { argumentText, resultText } from './trailText.js';

/** An argument or a result: a page, an index, a gfn, an address; `trailText.ts` knows which is which. */
export type Argument = number | bigint;
/** What a call is ended with: the same number that its begin gave. */
export type Call = number;

/**
 * Told of the kernel's functions as the engine goes through them. The engine asks nothing of it and does nothing else where there is
 * none.
 */
export interface Calls {
  enter(fn: KernelFunction, a?: Argument, b?: Argument, c?: Argument, d?: Argument): Call;
  /** Ends a call, and those within it that were not ended. */
  leave(call: Call, result?: Argument): void;
  /** A place to go back to by {@link undo}. */
  mark(): Call;
  /** What was entered since a mark, or since a call began, did not take place after all. */
  undo(call: Call): void;
}

/** One call of a function of the kernel. */
export interface TrailEntry {
  readonly fn: KernelFunction;
  /** the kernel's name for it */
  readonly name: string;
  /** `kvm_mmu_child_role(2c00 L2 q0 [0ed], wux) = L1 q1 4-byte wux`; the result once it has returned */
  readonly text: string;
  /** calls around it */
  readonly depth: number;
  /** the last event before the call */
  readonly event: EventIndex;
  /** records below this one were written before the call */
  readonly record: RecordIndex;
  /** entries from its own to this one, which is not its any more, are the call's and what it called */
  readonly end: number;
  /** the last event when it returned; later than {@link event} where it led to events */
  readonly last: EventIndex;
}

type Open = { -readonly [Key in keyof TrailEntry]: TrailEntry[Key] };

/** A call without a name in this era: a part of its caller. */
const NAMELESS = -1;

/** Everything that the engine went through, in order: what a scenario is debugged with. */
export class Trail implements Calls {
  private readonly all: Open[] = [];
  /** by number: calls that have not returned, the outermost first */
  private readonly open: number[] = [];
  private readonly names: ReadonlyMap<KernelFunction, string>;

  constructor(private readonly mmu: Mmu) {
    this.names = new Map(KERNEL_FUNCTIONS.map((fn) => [fn, kernelName(fn, mmu.era)]));
  }

  /** In order of their begin; an entry's callers come before it. */
  get entries(): readonly TrailEntry[] {
    return this.all;
  }

  enter(fn: KernelFunction, a?: Argument, b?: Argument, c?: Argument, d?: Argument): Call {
    const name = this.names.get(fn)!;
    if (name === '') return NAMELESS;
    const { now, journal } = this.mmu.state;
    const text = `${name}(${argumentText(fn, this.mmu, [a, b, c, d])})`;
    const depth = this.open.length;
    const entry = { fn, name, text, depth, event: now, record: journal.length, end: Infinity, last: now };
    const call = this.all.push(entry) - 1;
    this.open.push(call);
    return call;
  }

  leave(call: Call, result?: Argument): void {
    if (call === NAMELESS) return;
    const told = result === undefined ? '' : resultText(this.all[call]!.fn, this.mmu, result);
    if (told) this.all[call]!.text += ` = ${told}`;
    this.close(call);
  }

  mark(): Call {
    return this.all.length;
  }

  undo(call: Call): void {
    if (call === NAMELESS) return;
    this.close(call);
    this.all.length = call;
  }

  private close(call: Call): void {
    while (this.open.length > 0 && this.open.at(-1)! >= call) {
      const entry = this.all[this.open.pop()!]!;
      entry.end = this.all.length;
      entry.last = this.mmu.state.now;
    }
  }

  /** The call that an event came about in; -1 for none. */
  callAt(event: EventIndex): Call {
    return this.all.findLastIndex((entry) => entry.event < event && entry.last >= event);
  }

  /** A call and those around it, the innermost first, by number. */
  callsAround(call: Call): Call[] {
    const stack: Call[] = [];
    let depth = Infinity;
    for (let at = call; at >= 0 && depth > 0; at--) {
      if (this.all[at]!.depth >= depth) continue;
      depth = this.all[at]!.depth;
      stack.push(at);
    }
    return stack;
  }
}
