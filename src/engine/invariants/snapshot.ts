import type { Feature } from '../features.js';
import type { Gfn, PageId, Pfn, Role, SpteIndex } from '../ids.js';
import type { SpteFormat } from '../spte.js';

/**
 * The shadow MMU of one VM at rest (mmu_lock free), as plain data: what the invariants are about. A snapshot can be made of the
 * engine's state, of a memory dump of a kernel, or by hand. Whatever is optional may be absent: "not known". Then an invariant that
 * needs it answers that it cannot be checked; it never guesses.
 */
export interface Snapshot {
  readonly format: SpteFormat;
  readonly features: Features;
  /** bits of the engine's role word that are known; absent: all. Text traces do not print every bit */
  readonly roleMask?: number;
  /** `mmu_valid_gen` */
  readonly generation?: number;
  /** pages that exist, and freed ones that something may still refer to */
  readonly pages: readonly PageSnapshot[];
  /** no page exists besides `pages`; false where the trace began in the VM's mid-life, or lost events */
  readonly complete: boolean;
  /** `active_mmu_pages` from its head: the newest page first */
  readonly activeList?: readonly PageId[];
  /** the gfn rmaps of all memslots, those that are empty left out */
  readonly rmaps?: readonly RmapSnapshot[];
  readonly vcpus: readonly VcpuSnapshot[];
  readonly counters?: Counters;
  /** page tracking and large page counters of the memslots */
  readonly tracking?: Tracking;
  readonly guest?: GuestMemory;
  readonly host?: HostMemory;
  readonly slots?: Slots;
  readonly recent?: Recent;
}

/** What the kernel's era has (`spec/eras.md`): some invariants have exceptions. A set of names; the engine's Mmu is one too. */
export interface Features {
  has(feature: Feature): boolean;
}

/** One SPTE's place. */
export interface Place {
  readonly page: PageId;
  readonly index: SpteIndex;
}

/** `struct kvm_mmu_page`. */
export interface PageSnapshot {
  readonly id: PageId;
  readonly gfn: Gfn;
  /** in the engine's layout, `invalid` included */
  readonly role: Role;
  /** gfn and role are those of this very page; false while record and engine differ, or where events may be about another page */
  readonly certain: boolean;
  /** gfn and role as they were at its creation, where they were kept */
  readonly birth?: { readonly gfn: Gfn; readonly role: Role };
  readonly generation: number;
  /** its memory was given back */
  readonly freed: boolean;
  /** a page of one vCPU that neither the hash nor a list has (E5) */
  readonly local: boolean;
  /** belongs to the TDP MMU, whose pages are not counted here */
  readonly tdpMmu?: boolean;
  /** hash bucket that it is in; null: in none */
  readonly bucket?: number | null;
  /** `active_mmu_pages`, the list of zapped pages that wait to be freed, or none */
  readonly list?: 'active' | 'zapped' | 'none';
  readonly rootCount?: number;
  readonly unsync?: boolean;
  readonly unsyncChildren?: number;
  /** `unsync_child_bitmap`: the bits that are set */
  readonly unsyncBitmap?: ReadonlySet<SpteIndex>;
  readonly writeFloodingCount?: number;
  /** `account_shadowed` was called for it and `unaccount_shadowed` was not */
  readonly accounted?: boolean;
  /** it has an array of guest frames by entry (`shadowed_translation`, `gfns`) */
  readonly hasTranslation?: boolean;
  /** what it was made for; only where an MMIO fault may make a page */
  readonly madeFor?: 'access' | 'mmio';
  /** `parent_ptes` */
  readonly parents?: readonly Place[];
  readonly parentsShape?: ListShape;
  /** entries that are not empty, by index */
  readonly entries: readonly EntrySnapshot[];
}

/** One SPTE that is not empty. */
export interface EntrySnapshot {
  readonly index: SpteIndex;
  /** `unknown`: it may hold anything, or nothing */
  readonly kind: 'leaf' | 'link' | 'mmio' | 'unknown';
  /** an event or the algorithm says so, and nothing can have changed it since */
  readonly certain: boolean;
  /** its 64 bits; links often have none, since no event shows them */
  readonly spte?: bigint;
  /** the page that a link leads to */
  readonly child?: PageId;
  /** leaf and MMIO: the first guest frame that it maps, by `shadowed_translation` for an indirect page */
  readonly gfn?: Gfn;
  /** rights of the guest's own entry as KVM stored them beside the gfn (ACC_*) */
  readonly access?: number;
  /** the gfn under which a leaf was added to the rmap */
  readonly rmapKey?: Gfn;
  /** memslot generation of an MMIO SPTE */
  readonly mmioGeneration?: number;
  /** it was made after the last change of `disallow_lpage` for what it maps */
  readonly fresh?: boolean;
}

/** The SPTEs that map a guest frame at one level, `struct kvm_rmap_head` of a memslot. */
export interface RmapSnapshot {
  /** address space of the memslot: `role.smm` of the pages in it */
  readonly smm: number;
  readonly level: number;
  /** first gfn */
  readonly gfn: Gfn;
  readonly places: readonly Place[];
  readonly shape?: ListShape;
}

/** How a list of SPTE pointers is stored: in the head itself, or in a chain of descriptors with their slots (null: empty). */
export type ListShape = 'single' | readonly (readonly (Place | null)[])[];

export interface VcpuSnapshot {
  readonly id: number;
  /** `pae`: a PDPT of four slots without a page header; `single`: one page of level 3 to 5 */
  readonly shape?: 'pae' | 'single';
  /** pages of the current root by slot, 0 for an empty one */
  readonly roots: readonly PageId[];
  /** which of the slots certainly have the page named */
  readonly certain: readonly boolean[];
  /** `prev_roots` that are valid; `null`: a root without a page header */
  readonly previous: readonly (PageId | null)[];
  /** all of `roots` and `previous` is as the kernel has it */
  readonly allCertain: boolean;
  readonly inGuest?: boolean;
  /** KVM_REQ_MMU_FREE_OBSOLETE_ROOTS, KVM_REQ_MMU_RELOAD or their like is pending */
  readonly reloadPending?: boolean;
  /** before floods were counted per page (E12): the gfn written last and how often in a row */
  readonly lastWrite?: { readonly gfn: Gfn | undefined; readonly count: number };
}

export interface Counters {
  /** `n_used_mmu_pages`, `n_max_mmu_pages` */
  readonly used?: number;
  readonly max?: number;
  readonly indirectShadowPages?: number;
  /** the statistic `mmu_unsync` */
  readonly unsync?: number;
}

export interface Tracking {
  /** `gfn_track` of a gfn in an address space; undefined: not known */
  track(smm: number, gfn: Gfn): number | undefined;
  /** page-track users besides the shadow MMU, for a gfn */
  external(smm: number, gfn: Gfn): number | undefined;
  /** `disallow_lpage` of the region of a level that begins at `gfn` */
  disallowLpage(smm: number, level: number, gfn: Gfn): number | undefined;
}

/** The guest's page tables as they are in memory now. */
export interface GuestMemory {
  /**
   * A guest page table entry; undefined where it is not known, or where a write may not have come to KVM's notice yet.
   * @param offset of the entry in its table, bytes
   */
  gpte(table: Gfn, offset: number, bytes: 4 | 8): bigint | undefined;
  /** CR4.PSE: 4-byte tables may have large pages. 8-byte tables always may */
  readonly pse?: boolean;
}

export interface HostMemory {
  /** the page frame that backs a guest frame; undefined when not known */
  frameOf(gfn: Gfn): Pfn | undefined;
  /** MAXPHYADDR of the host */
  readonly physicalBits?: number;
}

export interface Slots {
  /** memslot generation without the update-in-progress bit */
  readonly generation?: number;
  /** whether a gfn lies in a slot that the guest sees */
  isVisible(gfn: Gfn): boolean | undefined;
}

/** What has just happened, for the invariants that speak of the moment after it. */
export interface Recent {
  /** kvm_mmu_zap_all_fast toggled the generation and has not zapped all obsolete pages yet */
  readonly zapAllFastUnfinished?: boolean;
  /** pages on the zapped list wait for a zap that has let go of mmu_lock */
  readonly zapYielded?: boolean;
  /** roots whose children were synced to the end, with nobody writing since */
  readonly synced?: readonly PageId[];
  /** the guest flushed addresses of a vCPU: CR3 load, INVLPG. Page numbers (address >> 12), both ends included */
  readonly flushed?: readonly { readonly vcpu: number; readonly first: number; readonly last: number }[];
  /** pages that recycling has zapped, with their root_count as the zap began */
  readonly recycled?: readonly { readonly page: PageId; readonly rootCount: number }[];
  /** faults in order; `world` changes with every change of guest tables, guest memory, memslots or host mappings */
  readonly faults?: readonly {
    readonly vcpu: number;
    readonly address: bigint;
    readonly error: number;
    readonly result: 'fixed' | 'spurious' | 'retry' | 'emulate' | 'injected';
    readonly world: number;
  }[];
}
