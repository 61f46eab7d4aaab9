/**
 * Nominal number types. They cost nothing at run time and stop a page number from being taken for a page frame.
 * All of them are exact integers below 2^53; 64-bit SPTE values are `bigint` at the edges.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** Index of an event in trace order over all events of a file, from 0. -1 stands for "before the first event". */
export type EventIndex = Branded<'EventIndex'>;
/** Guest frame number: guest physical address >> 12. */
export type Gfn = Branded<'Gfn'>;
/** Page frame number: host physical address >> 12. */
export type Pfn = Branded<'Pfn'>;
/** A shadow page, numbered in order of birth over the whole trace, from 1. 0 stands for "no page". Never used twice. */
export type PageId = Branded<'PageId'>;
/** Index of an SPTE in its shadow page, 0..511. */
export type SpteIndex = Branded<'SpteIndex'>;
/** A shadow page's role in the era-neutral layout of `role.ts` (not the kernel's word). */
export type Role = Branded<'Role'>;

/** "before the first event" */
export const BEFORE_FIRST = -1 as EventIndex;
/** "no page" */
export const NO_PAGE = 0 as PageId;
