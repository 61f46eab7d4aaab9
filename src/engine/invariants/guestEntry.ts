import type { Gfn, SpteIndex } from '../ids.js';
import { roleField } from '../role.js';
import { PAGE_SIZE_BIT } from '../spte.js';
import { gpteAccess } from '../gpte.js';
import { hasGptes, levelOf, type Facts } from './facts.js';
import type { PageSnapshot } from './snapshot.js';

const PRESENT = 1n;
const DIRTY = 1n << 6n;

/** A guest page table entry behind an SPTE. */
export interface GuestEntry {
  readonly present: boolean;
  readonly dirty: boolean;
  /** the page size bit; in a 4-byte table it counts only with CR4.PSE */
  readonly pageSize: boolean;
  readonly gfn: Gfn;
  /** ACC_* */
  readonly access: number;
}

/** Offset, in bytes, of the guest entry that an SPTE of a page shadows (spec/roles.md §6). */
export function guestOffset(page: PageSnapshot, index: SpteIndex): number {
  if (!roleField(page.role, 'has4ByteGpte')) return index * 8;
  const quadrant = roleField(page.role, 'quadrant');
  return levelOf(page) === 1 ? (quadrant * 512 + index) * 4 : (quadrant * 256 + (index >> 1)) * 4;
}

/** The guest entry that an SPTE shadows; undefined when it is not known, or when the page shadows no guest table. */
export function guestEntry(page: PageSnapshot, index: SpteIndex, facts: Facts): GuestEntry | undefined {
  if (!hasGptes(page) || facts.format.name === 'ept') return undefined;
  const small = roleField(page.role, 'has4ByteGpte') === 1;
  const gpte = facts.guest?.gpte(page.gfn, guestOffset(page, index), small ? 4 : 8);
  if (gpte === undefined) return undefined;
  return {
    present: (gpte & PRESENT) !== 0n,
    dirty: (gpte & DIRTY) !== 0n,
    pageSize: (gpte & PAGE_SIZE_BIT) !== 0n,
    gfn: Number((gpte >> 12n) & (small ? 0xf_ffffn : 0xff_ffff_ffffn)) as Gfn,
    access: gpteAccess(small ? '32' : '4-level', gpte),
  };
}

/** The guest entry maps a large page; undefined when nobody knows. */
export function isLarge(page: PageSnapshot, { pageSize }: GuestEntry, facts: Facts): boolean | undefined {
  if (levelOf(page) === 1 || !pageSize) return false;
  return roleField(page.role, 'has4ByteGpte') ? facts.guest?.pse : true;
}
