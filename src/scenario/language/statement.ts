import type { Feature } from '../../engine/features.js';
import type { EventName } from './events.js';

/**
 * Statements of a scenario. Addresses (gpa, va, cr3) are bytes; gfn and pfn are page numbers; levels are KVM's, 1 for the page tables.
 */

/** Columns of a line, from 1; `end` is the one after the last. */
export interface Span {
  readonly column: number;
  readonly end: number;
}

/** A word or number of a statement, and where it stands. */
export interface Located<T> extends Span {
  readonly value: T;
}

export const MODES = ['off', '32', 'pae', '4-level', '5-level', 'npt-32'] as const;
/** How a vCPU pages. `npt-32`: what KVM shadows are the nested page tables that a 32-bit L1 made. */
export type Mode = (typeof MODES)[number];

export const CONTROLS = ['wp', 'nx', 'pse', 'smep', 'smap'] as const;
/** Bits of the control registers: CR0.WP, EFER.NX, CR4.PSE, CR4.SMEP, CR4.SMAP. */
export type Control = (typeof CONTROLS)[number];

export type Bytes = 1 | 2 | 4 | 8;

/** A place in guest memory. */
export interface Location extends Span {
  /** guest physical address, bytes */
  readonly base: Located<number>;
  /** entries from it; the first and the last, which are the same for one entry. Absent: the address itself */
  readonly index?: { readonly first: Located<number>; readonly last: Located<number> };
}

/** A word of guest memory, from numbers and flags of guest entries. */
export interface Value extends Located<bigint> {
  /** NX is bit 63: such a word needs 8 bytes */
  readonly nx?: Span;
}

/** What is stored, and in how many bytes; by default an entry of the current vCPU's tables. */
interface Stored {
  readonly bytes?: Located<Bytes>;
}

/** What identifies shadow pages in an `expect`; all that is given must be so. */
export interface PageFilter {
  readonly gfn?: Located<number>;
  readonly level?: Located<number>;
  readonly quadrant?: Located<number>;
  /** the role word of the era */
  readonly role?: Located<number>;
  /** rights as KVM's trace prints them, such as `wux` or `-ux` */
  readonly access?: Located<string>;
  readonly direct?: boolean;
  readonly gpteBytes?: 4 | 8;
  readonly unsync?: boolean;
  readonly invalid?: boolean;
  /** of an old generation */
  readonly obsolete?: boolean;
  /** in use as a root; with a number: its root_count */
  readonly root?: true | Located<number>;
  /** a page of one vCPU (RFC of 2022) */
  readonly local?: boolean;
  /** SPTEs that lead to it */
  readonly parents?: Located<number>;
  /** SPTEs of it that are not empty */
  readonly entries?: Located<number>;
  /** `write_flooding_count` */
  readonly flood?: Located<number>;
  /** `mmu_valid_gen` */
  readonly generation?: Located<number>;
}

/** What an SPTE is to be. */
export type SpteIs =
  | { readonly kind: 'empty' | 'marked' }
  | {
      readonly kind: 'leaf';
      readonly gfn?: Located<number>;
      readonly pfn?: Located<number>;
      readonly writable?: boolean;
      readonly user?: boolean;
      readonly executable?: boolean;
      readonly accessed?: boolean;
      readonly dirty?: boolean;
    }
  | { readonly kind: 'link'; readonly to: PageFilter }
  | { readonly kind: 'mmio'; readonly gfn?: Located<number>; readonly generation?: Located<number> }
  | { readonly kind: 'word'; readonly word: Located<bigint> };

/** Where an SPTE is. */
export type SptePlace =
  | { readonly kind: 'page'; readonly page: PageFilter; readonly index: Located<number> }
  /** the one that the hardware's walk of an address ends with, or the one of a level on that way */
  | { readonly kind: 'va'; readonly address: Located<bigint>; readonly level?: Located<number> };

export const RESULTS = ['done', 'emulated', 'mmio', 'injected'] as const;
/** How an access ended. */
export type Result = (typeof RESULTS)[number];

/** How many there must be; absent in a `pages` without a number: exactly one. */
export type Count = number;

export type Expectation =
  | { readonly kind: 'pages'; readonly count: Count; readonly filter: PageFilter }
  | { readonly kind: 'spte'; readonly place: SptePlace; readonly is: SpteIs }
  | { readonly kind: 'va'; readonly address: Located<bigint>; readonly reaches: Located<number> | 'mmio' | 'nothing' }
  | {
      readonly kind: 'events';
      readonly count: Count;
      /** absent: any */
      readonly name?: Located<EventName>;
      readonly fields: readonly { readonly key: Located<string>; readonly value: Located<string> }[];
    }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'used' | 'generation'; readonly number: Located<number> }
  | {
      readonly kind: 'memory';
      readonly location: Location;
      readonly bytes?: Located<Bytes>;
      readonly is: 'is' | 'has' | 'lacks';
      readonly value: Value;
    }
  | { readonly kind: 'protected'; readonly gfn: Located<number>; readonly protected: boolean }
  /** the numbers of the invariants that must be broken; none: all hold */
  | { readonly kind: 'invariants'; readonly broken: readonly Located<number>[] };

/** What a statement does. */
export type Action =
  | { readonly kind: 'kernel'; readonly kernel: Located<string> }
  | { readonly kind: 'without' | 'with'; readonly features: readonly Located<Feature>[] }
  | { readonly kind: 'limit'; readonly pages: Located<number> }
  | {
      readonly kind: 'slot';
      readonly name: Located<string>;
      readonly first: Located<number>;
      readonly last: Located<number>;
      readonly pfn?: Located<number>;
      readonly large: boolean;
    }
  | { readonly kind: 'delete-slot'; readonly name: Located<string> }
  | {
      readonly kind: 'vcpu';
      readonly id: Located<number>;
      readonly mode?: Located<Mode>;
      /** levels of the root that shadows nested page tables */
      readonly rootLevels?: 4 | 5;
      readonly cr3?: Located<number>;
      readonly controls: Readonly<Partial<Record<Control, boolean>>>;
    }
  | ({
      readonly kind: 'set';
      readonly location: Location;
      readonly value: Value;
      /** from entry to entry of a range */ readonly step?: Located<bigint>;
    } & Stored)
  | ({ readonly kind: 'emulate'; readonly location: Location; readonly value: Value } & Stored)
  | ({
      readonly kind: 'write';
      readonly address: Located<bigint>;
      /** absent: memory keeps what it holds */
      readonly value?: Value;
      readonly user: boolean;
      /** by an instruction that nobody writes page tables with */
      readonly unusual: boolean;
    } & Stored)
  | { readonly kind: 'read' | 'fetch'; readonly address: Located<bigint>; readonly user: boolean }
  | { readonly kind: 'cr3'; readonly address: Located<number> }
  | { readonly kind: 'invlpg'; readonly address: Located<bigint> }
  | { readonly kind: 'host-map'; readonly first: Located<number>; readonly last: Located<number>; readonly pfn: Located<number> }
  | { readonly kind: 'host-take'; readonly first: Located<number>; readonly last: Located<number> }
  | { readonly kind: 'host-share'; readonly first: Located<number>; readonly last: Located<number> }
  /** dirty logging of these frames is on from here on, and its log was read: they must fault to be written */
  | { readonly kind: 'host-log'; readonly first: Located<number>; readonly last: Located<number> }
  | { readonly kind: 'host-unlog'; readonly first: Located<number>; readonly last: Located<number> }
  | { readonly kind: 'unprotect'; readonly gfn: Located<number> }
  | { readonly kind: 'zap-all' | 'teardown' }
  | { readonly kind: 'reclaim'; readonly pages: Located<number> }
  | { readonly kind: 'expect'; readonly expectation: Expectation };

/** The columns are those of what it does, after a condition. */
export interface Statement extends Span {
  /** from 1 */
  readonly line: number;
  /** as it is written, without a comment */
  readonly text: string;
  /** it is run only by a kernel with, or without, these features */
  readonly condition?: readonly { readonly feature: Feature; readonly wanted: boolean }[];
  readonly action: Action;
}

/** A scenario that was read. */
export interface Program {
  readonly statements: readonly Statement[];
}

/** Something in a scenario is wrong. */
export interface Diagnostic extends Span {
  readonly line: number;
  /** what was expected there, what is there, and what may have been meant */
  readonly message: string;
}
