import { gpteBytes, gpteGpa, isPdpte } from '../../engine/gpte.js';
import { NO_PAGE, type Gfn, type PageId } from '../../engine/ids.js';
import type { Store as Instruction } from '../../engine/instruction.js';
import type { Vcpu } from '../../engine/vcpu.js';
import type { GuestWalk } from '../../engine/walk.js';

/** An entry that KVM read in a walk. */
export interface Element {
  readonly level: number;
  readonly value: bigint;
  /** undefined where the table's place is not known, and for PDPTEs, which come from registers */
  readonly gpa: number | undefined;
  readonly bytes: 4 | 8;
}

/** One of KVM's walks of the guest's tables. */
export interface Walk {
  readonly event: number;
  readonly walk: GuestWalk;
  readonly elements: Element[];
  failed: boolean;
}

/** A leaf that was set: by the fault, by prefetching around it, or by an invalidation. */
export interface Leaf {
  readonly gfn: number;
  readonly spte: bigint;
  readonly level: number;
  readonly page: PageId;
  readonly index: number;
}

export interface Fault {
  readonly event: number;
  readonly address: bigint;
  readonly error: number;
  walk?: Walk;
  /** kvm_mmu_spte_requested: what the host gave; undefined pfn: nothing */
  requested?: { readonly pfn: number | undefined; readonly level: number };
  readonly leaves: Leaf[];
  /** it made, or hit, an MMIO SPTE */
  mmio: boolean;
  /** what the host took in the middle of it: ranges of its own addresses */
  readonly taken: { readonly start: bigint; readonly end: bigint }[];
  injected: boolean;
  /** the leaf had W until something took it away without an event */
  lostWrite: boolean;
  fast: boolean;
}

/** A store that the emulator made: its walk, and how much of what the instruction holds is known. */
export interface Stored {
  readonly event: number;
  readonly gpa: number;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly value: bigint | undefined;
}

/** All that one vCPU did between two entries into the guest. */
export class Exit {
  readonly faults: Fault[] = [];
  /** the emulator's walks: for the instruction's bytes and for what it reads and writes */
  readonly others: Walk[] = [];
  readonly stores: Stored[] = [];
  emulating = false;
  instruction: Instruction | undefined;
  /** leaves that were set outside of faults */
  readonly leaves: Leaf[] = [];
  /** pages of a root load, in order */
  readonly roots: PageId[] = [];
  mmio = false;
  /** pages that were synced: they hang below the root in use */
  readonly synced: PageId[] = [];
  /** gfns of pages that were zapped, in order */
  readonly zapped: number[] = [];

  constructor(
    readonly event: number,
    readonly reason: string,
    /** address of an INVLPG, where the exit tells it */
    readonly info: bigint,
  ) {}

  get fault(): Fault | undefined {
    return this.faults.at(-1);
  }
}

/** The place of an entry: below the table above it, or in the root's table. */
export function elementOf(walk: GuestWalk, level: number, value: bigint, vcpu: Vcpu | undefined, pages: Pages): Element {
  const bytes = gpteBytes(walk.mode);
  if (isPdpte(walk.mode, level)) return { level, value, gpa: undefined, bytes };
  const root = vcpu?.rootFor(walk.page) ?? NO_PAGE;
  const table = walk.tableGfn(level) ?? walk.topGfn ?? (root === NO_PAGE || !pages.hasGptes(root) ? undefined : pages.birth(root).gfn);
  const gpa = table === undefined ? undefined : Number(gpteGpa(walk.mode, table, walk.address, level));
  return { level, value, gpa, bytes };
}

interface Pages {
  hasGptes(page: PageId): boolean;
  birth(page: PageId): { readonly gfn: Gfn };
}
