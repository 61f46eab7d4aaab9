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
export function guestOffset(page: PageSnapshot, index: SpteIndex, quadrant = roleField(page.role, 'quadrant')): number {
  if (!roleField(page.role, 'has4ByteGpte')) return index * 8;
  return levelOf(page) === 1 ? (quadrant * 512 + index) * 4 : (quadrant * 256 + (index >> 1)) * 4;
}

/**
 * Which parts of its guest table a page stands for: the one that its role names; where roles have no quadrant, those of the SPTEs and
 * root slots that lead to it.
 */
export function quadrantsOf(page: PageSnapshot, facts: Facts): readonly number[] {
  const own = roleField(page.role, 'quadrant');
  if (facts.features.has('quadrant-in-role') || !roleField(page.role, 'has4ByteGpte')) return [own];
  if (levelOf(page) === 1) return [...new Set(facts.linksTo(page.id).map(({ index }) => index & 1))];
  return [0, 1, 2, 3].filter((slot) => facts.vcpus.some(({ roots }) => roots[slot] === page.id));
}

/** The guest entry that an SPTE shadows; undefined when it is not known, or when the page shadows no guest table. */
export function guestEntry(page: PageSnapshot, index: SpteIndex, facts: Facts, part?: number): GuestEntry | undefined {
  if (!hasGptes(page) || facts.format.name === 'ept') return undefined;
  const [quadrant, ...more] = part === undefined ? quadrantsOf(page, facts) : [part];
  if (quadrant === undefined || more.length) return undefined;
  const small = roleField(page.role, 'has4ByteGpte') === 1;
  const gpte = facts.guest?.gpte(page.gfn, guestOffset(page, index, quadrant), small ? 4 : 8);
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
