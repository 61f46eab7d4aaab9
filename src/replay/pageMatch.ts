import { NO_PAGE, type Gfn, type PageId, type Role } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { Life } from '../engine/pages.js';
import { roleField, withRole } from '../engine/role.js';

/** What an event says of the page it is about. */
export interface PageRecord {
  readonly gfn: Gfn;
  readonly role: Role;
  readonly generation: number;
  readonly rootCount: number;
  readonly unsync: boolean;
}

/** The live page that a record means, and how it was found. */
export interface Match {
  readonly page: PageId;
  /** `role`: gfn and role agree; `derived`: the role that the engine had derived against the record; `quadrant`: all but the quadrant */
  readonly by: 'role' | 'derived' | 'quadrant';
  /** other live pages that fit as well: the text of a trace lacks the role bits that tell them apart */
  readonly twins: readonly PageId[];
}

const NO_MATCH: Match = { page: NO_PAGE, by: 'role', twins: [] };

/**
 * Finds the page of a record among the live ones. Text traces print only a part of the role, so that several pages may fit; then the
 * generation, the root count and the unsync flag decide, and among equals the oldest: zaps and recycling go from the tail.
 */
export function matchPage(mmu: Mmu, record: PageRecord, mask: number): Match {
  const { pages, state } = mmu;
  const wanted = (withRole(record.role, { invalid: 0 }) & mask) >>> 0;
  const invalid = roleField(record.role, 'invalid') === 1;
  const same = (role: Role, other: number): boolean => (withRole(role, { invalid: 0 }) & mask) >>> 0 === other;
  const living = mmu.livePages(record.gfn).filter((id) => (pages.life(state, id) === Life.pinned) === invalid);

  const byRole = living.filter((id) => same(pages.role(state, id), wanted));
  if (byRole.length) return matchOf(mmu, byRole, record, 'role');
  const byDerived = living.filter((id) => isDerived(mmu, id) && same(pages.birth(id).derivedRole!, wanted));
  if (byDerived.length) return matchOf(mmu, byDerived, record, 'derived');
  if (!roleField(record.role, 'has4ByteGpte')) return NO_MATCH;
  const noQuadrant = withRole(wanted as Role, { quadrant: 0 });
  const byRest = living.filter((id) => same(withRole(pages.role(state, id), { quadrant: 0 }), noQuadrant));
  return byRest.length ? matchOf(mmu, byRest, record, 'quadrant') : NO_MATCH;
}

function matchOf(mmu: Mmu, fitting: readonly PageId[], record: PageRecord, by: Match['by']): Match {
  const current = fitting.filter((id) => mmu.pages.birth(id).generation === record.generation);
  const candidates = current.length ? current : fitting;
  const page = likeliest(mmu, candidates, record);
  return { page, by, twins: candidates.filter((id) => id !== page) };
}

function isDerived(mmu: Mmu, id: PageId): boolean {
  return mmu.pages.isContradicted(mmu.state, id);
}

function likeliest(mmu: Mmu, candidates: readonly PageId[], record: PageRecord): PageId {
  const { pages, state } = mmu;
  // A page whose role is in dispute gives way to one whose role is not: gfn and role are the identity, so the dispute is settled.
  const score = (id: PageId): number =>
    (pages.isContradicted(state, id) ? 0 : 8) +
    (pages.isUnsync(state, id) === record.unsync ? 2 : 0) +
    (pages.rootCount(state, id) === record.rootCount ? 1 : 0);
  return candidates.reduce((best, id) => (score(id) > score(best) ? id : best));
}
