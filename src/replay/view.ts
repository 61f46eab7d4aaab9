export type { Trail, TrailEntry } from '../engine/trail.js';
export type { Notice, NoticeList, Notices } from '../engine/notices.js';
import type { HeadlessTable } from '../engine/headlessTables.js';
import type { EventIndex, Gfn, PageId, Pfn, Role, SpteIndex } from '../engine/ids.js';

/** How a value is known (ui.md §3). */
export type Grade = 'recorded' | 'derived' | 'assumed' | 'unknown' | 'contradicted';

/** Letter of an SPTE (ui.md §2). */
export type SpteKind = 'T' | 'W' | 'w' | 'P' | 'p' | 'R' | 'H' | 'M' | 'F' | '!' | '·' | '?';

/** What may have happened to a value unseen since an event. */
export interface Doubt {
  /** `gone`: the entry may have been cleared; `w`: W (and MMU-writable) may have changed; `value`: any of its bits; `link`: a link that was inferred */
  readonly what: 'gone' | 'w' | 'value' | 'link';
  readonly since: EventIndex;
  /** one sentence a KVM developer understands */
  readonly why: string;
}

/** The state of one SPTE after the event at which a view was taken. */
export interface EntryView {
  readonly index: SpteIndex;
  /** empty entries are only made on request */
  readonly state: 'empty' | 'leaf' | 'link' | 'mmio' | 'unknown';
  /** the whole 64-bit SPTE; null when the trace does not give it (then `flags` may) */
  readonly value: bigint | null;
  /** link with unknown frame: the bits that are known, frame 0 */
  readonly flags?: bigint;
  /** the SPTE that had to come, where another was recorded and no later event has decided */
  readonly derived?: bigint;
  readonly child?: PageId;
  /** leaf and MMIO: the guest frame it maps */
  readonly gfn?: Gfn;
  readonly grade: Grade;
  readonly doubt?: Doubt;
  /** the event that gave the present value; -1 when before the trace */
  readonly setBy: EventIndex;
}

/** One shadow page after the event at which a view was taken. */
export interface PageView {
  readonly id: PageId;
  readonly gfn: Gfn;
  readonly role: Role;
  /** the kernel's word; null where the trace does not give all of it */
  readonly word: number | null;
  readonly level: number;
  readonly quadrant: number;
  readonly gpteBytes: 4 | 8;
  readonly direct: boolean;
  /** a page of one vCPU above the page directories of a 32-bit guest: in no hash, on no list, not counted, with gfn 0 */
  readonly local: boolean;
  /** as the kernel prints it: `wux`, `w-x`, on 7.x `rwux` */
  readonly access: string;
  /** live: on the active list or pinned as a zapped root */
  readonly live: boolean;
  readonly invalid: boolean;
  readonly obsolete: boolean;
  readonly rootCount: number;
  readonly unsync: boolean;
  readonly unsyncSince?: EventIndex;
  readonly gen: number;
  /** first event about it; `existing` when the trace begins later than the page */
  readonly born: EventIndex;
  readonly bornBefore: boolean;
  /** `gone`: it may be; else it may have entries that are not known */
  readonly doubt?: Doubt;
  readonly zappedAt?: EventIndex;
  /** frame of the 512 SPTEs */
  readonly frame: Pfn | null;
  readonly frameGrade: Grade;
  readonly parents: readonly { readonly page: PageId; readonly index: SpteIndex }[];
  readonly roots: readonly { readonly vcpu: number; readonly slot: number }[];
  /** the engine derived another quadrant than was recorded */
  readonly derivedQuadrant?: number;
}

/** A page without what leads to it. */
export type PageHeader = Omit<PageView, 'parents' | 'roots'>;

/** What of a page is the same at all times, unless events contradict each other about it. */
export type PageIdentity = Pick<PageView, 'gfn' | 'role' | 'level' | 'quadrant' | 'gpteBytes' | 'direct' | 'access' | 'gen' | 'born'>;

/** A place where record and engine disagree, or where the trace is damaged. */
export interface Finding {
  readonly event: EventIndex;
  readonly kind: string;
  /** event name */
  readonly name: string;
  readonly vm: number;
  /** one sentence */
  readonly message: string;
  readonly expected: Readonly<Record<string, string | number>>;
  readonly recorded: Readonly<Record<string, string | number>>;
  /** the card (ui.md §12): label and text in order; first the headline */
  readonly card: readonly (readonly [string, string])[];
  readonly page?: PageId;
}

/** What one vCPU walks from. */
export interface VcpuRoots {
  readonly vcpu: number;
  /** pages of the root in slot order, 0 where a slot is empty; one page for a root of level 4 or 5, and for a local one */
  readonly pages: readonly PageId[];
  /** tables without a page header above these pages, the highest first */
  readonly tables: readonly HeadlessTable[];
  /** `prev_roots`: roots that a CR3 write can bring back without an event, the latest first */
  readonly cached: readonly PageId[];
  /** why another root may be in use; absent while none can */
  readonly doubt?: string;
}

/** One of KVM's counters. */
export interface StatisticView {
  readonly name: string;
  readonly value: number;
  /** the trace does not show all that it counts */
  readonly partial: boolean;
}

export interface VcpuInfo {
  readonly vm: number;
  readonly vcpu: number;
  readonly pid: number;
}

export interface VmInfo {
  readonly vm: number;
  readonly vcpus: readonly VcpuInfo[];
  /** all tasks with events of this VM */
  readonly pids: readonly number[];
}
