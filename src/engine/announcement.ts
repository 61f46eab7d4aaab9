import type { Gfn, PageId, Pfn, Role, SpteIndex } from './ids.js';
import type { Reason } from './reasons.js';

/** The events that the MMU decides, numbered as in the trace vocabulary. */
export const Output = {
  getPage: 0,
  syncPage: 1,
  unsyncPage: 2,
  prepareZap: 3,
  setSpte: 4,
  spteRequested: 5,
  markMmio: 6,
  checkMmio: 7,
  handleMmio: 8,
  fastPageFault: 9,
  zapAllFast: 10,
  /** no event: what comes until the fault or exit ends cannot be announced */
  anything: -1,
} as const;
export type Output = (typeof Output)[keyof typeof Output];

/** A value that is known in part: the bits of `mask`. */
export interface Bits {
  readonly value: bigint;
  readonly mask: bigint;
}

/** What the events about a shadow page say of it (`KVM_MMU_PAGE_FIELDS`). */
export interface PageFields {
  readonly gfn: Gfn | undefined;
  readonly role: Role | undefined;
  readonly generation: number;
  readonly rootCount: number | undefined;
  readonly unsync: boolean | undefined;
  /** kvm_mmu_get_page only */
  readonly created?: boolean;
}

/** What identifies a shadow page. */
export interface Identity {
  readonly gfn: Gfn;
  readonly role: Role;
}

interface Common {
  /** the event comes only if something holds that the trace does not show; absent: it must come. A caller may put it under one, too. */
  maybe?: Reason;
  /** why fields are left open */
  readonly open?: readonly Reason[];
}

export interface PageAnnouncement extends Common {
  readonly output: typeof Output.getPage | typeof Output.syncPage | typeof Output.unsyncPage | typeof Output.prepareZap;
  /** the page it is about; {@link NO_PAGE} for one that is not born yet, or not known */
  readonly page: PageId;
  readonly fields: PageFields;
  /** fields that follow once the open ones are learned */
  readonly settle?: (gfn: Gfn, role: Role) => Omit<PageFields, 'gfn' | 'role'>;
  /** what the next event of the same name must be about, where that is known */
  readonly next?: (Identity & { readonly created?: boolean }) | undefined;
  /** the other reading of a page in dispute: a record may confirm either */
  readonly other?: Identity | undefined;
  /** the quadrant that a page with 4-byte gPTEs must have, where the rest of its role is open */
  readonly quadrant?: number;
  /** below which SPTE a page that is taken will hang, or in which slot of the PDPT: where its quadrant comes from */
  readonly parent?: PageId;
  readonly index?: SpteIndex;
  readonly slot?: number;
}

export interface SetSpteAnnouncement extends Common {
  readonly output: typeof Output.setSpte;
  readonly page: PageId;
  readonly index: SpteIndex | undefined;
  readonly level: number;
  readonly gfn: Gfn | undefined;
  readonly spte: Bits;
  /** what KVM notes as the rights of the leaf; they have W even where the SPTE must not */
  readonly rights?: number | undefined;
  /** frame of the shadow page, `at` >> 12 */
  readonly frame: Pfn | undefined;
  /** what follows once an open index is learned */
  readonly settle?: (index: SpteIndex) => { readonly gfn?: Gfn; readonly spte?: Bits };
  /** what the event may be instead, in order; asked for only when there is one, for nearly always none comes */
  readonly others?: (() => Iterable<SetSpteAnnouncement>) | undefined;
}

export interface SpteRequestedAnnouncement extends Common {
  readonly output: typeof Output.spteRequested;
  readonly gfn: Gfn | undefined;
  /** as the kernel prints it; KVM_PFN_NOSLOT is 1 << 63 */
  readonly pfn: bigint | undefined;
  readonly level: number | undefined;
  /** 7.x prints it */
  readonly access: number | undefined;
  /** what follows once an open gfn is learned */
  readonly settle?: (gfn: Gfn) => { readonly pfn: bigint | undefined; readonly level: number | undefined };
}

export interface MarkMmioAnnouncement extends Common {
  readonly output: typeof Output.markMmio;
  readonly page: PageId;
  readonly index: SpteIndex;
  readonly gfn: Gfn | undefined;
  readonly access: number | undefined;
  readonly generation: number | undefined;
}

export interface CheckMmioAnnouncement extends Common {
  readonly output: typeof Output.checkMmio;
  readonly generation: number | undefined;
  /** undefined for an SPTE whose making no event showed */
  readonly spteGeneration: number | undefined;
  readonly spte: bigint | undefined;
}

export interface HandleMmioAnnouncement extends Common {
  readonly output: typeof Output.handleMmio;
  readonly address: bigint;
  readonly gfn: Gfn;
  readonly access: number;
}

export interface FastPageFaultAnnouncement extends Common {
  readonly output: typeof Output.fastPageFault;
  /** the SPTE that is fixed, or not; absent while the address is open */
  readonly leaf?: { readonly page: PageId; readonly index: SpteIndex };
  readonly vcpu: number;
  readonly address: bigint | undefined;
  readonly error: number | undefined;
  readonly before: Bits;
  readonly after: Bits;
  readonly spurious: boolean | undefined;
  readonly fixed: boolean | undefined;
  /** what follows once an open address is learned */
  readonly settle?: (address: bigint, error: number) => Partial<FastFix>;
}

/** What fast_page_fault did. */
export interface FastFix {
  readonly before: Bits;
  readonly after: Bits;
  readonly fixed: boolean;
}

export interface ZapAllFastAnnouncement extends Common {
  readonly output: typeof Output.zapAllFast;
  readonly generation: number;
  readonly usedPages: number | undefined;
}

/** An input is missing: anything may come. */
export interface AnythingAnnouncement extends Common {
  readonly output: typeof Output.anything;
  readonly maybe: Reason;
}

/** An event that the kernel must emit next, made before the record is read. */
export type Announcement =
  | PageAnnouncement
  | SetSpteAnnouncement
  | SpteRequestedAnnouncement
  | MarkMmioAnnouncement
  | CheckMmioAnnouncement
  | HandleMmioAnnouncement
  | FastPageFaultAnnouncement
  | ZapAllFastAnnouncement
  | AnythingAnnouncement;

/** How an announced event came: the page and SPTE that the record turned out to be about. */
export interface Came {
  readonly page: PageId;
  readonly index: number;
  /** kvm_mmu_spte_requested: the level to map at, and the frame as it is printed */
  readonly level?: number | undefined;
  readonly gfn?: Gfn | undefined;
}

/**
 * A function of the kernel as the events it emits. It is resumed with what came, or with undefined when an announcement with a
 * reservation ("maybe") did not.
 */
export type Steps<T = void> = Generator<Announcement, T, Came | undefined>;

/** An input is missing that everything after depends on. */
export function* anything(why: Reason): Steps {
  yield { output: Output.anything, maybe: why };
}
