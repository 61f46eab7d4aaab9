import { NO_PAGE, type Gfn, type PageId, type Role } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { Life } from '../engine/pages.js';
import { roleField, roleMask, withRole } from '../engine/role.js';

/** What an event says of the page it is about. */
export interface PageRecord {
  readonly gfn: Gfn;
  readonly role: Role;
  /** undefined: the trace does not give it */
  readonly generation: number | undefined;
  readonly rootCount: number;
  readonly unsync: boolean;
}

/** The live page that a record means, and how it was found. */
export interface Match {
  readonly page: PageId;
  /** `engine`: gfn and role as the engine has them; `record`: as an earlier record had them, against the engine */
  readonly by: 'engine' | 'record';
  /** other live pages that fit as well: the text of a trace lacks the role bits that tell them apart */
  readonly twins: readonly PageId[];
}

const INVALID = roleMask(['invalid']);
const NO_MATCH: Match = { page: NO_PAGE, by: 'engine', twins: [] };

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
  if (byRole.length) return matchOf(mmu, byRole, record, 'engine');
  const byRecord = [...mmu.disputedPages()].filter((id) => {
    const other = pages.disputed(state, id)!;
    return other.gfn === record.gfn && same(other.role, wanted) && (pages.life(state, id) === Life.pinned) === invalid;
  });
  return byRecord.length ? matchOf(mmu, byRecord, record, 'record') : NO_MATCH;
}

/** Live pages that an event may be about which gives no gfn, oldest first. What is not certain of a page does not speak against it. */
export function fittingPages(mmu: Mmu, record: PageRecord, mask: number): PageId[] {
  const { pages, state } = mmu;
  const invalid = roleField(record.role, 'invalid') === 1;
  const fits = (id: PageId): boolean =>
    ((pages.role(state, id) ^ record.role) & mask & ~INVALID) === 0 &&
    (pages.life(state, id) === Life.pinned) === invalid &&
    // A zapped root goes once nothing holds it any more: how often it is held changes just before.
    (invalid ||
      state.record(pages.confusedCell(id)) !== 0 ||
      (pages.isUnsync(state, id) === record.unsync && pages.rootCount(state, id) === record.rootCount));
  return [...mmu.hashed()].filter(fits).sort((a, b) => a - b);
}

function matchOf(mmu: Mmu, fitting: readonly PageId[], record: PageRecord, by: Match['by']): Match {
  const current = fitting.filter((id) => record.generation === undefined || mmu.pages.birth(id).generation === record.generation);
  const candidates = current.length ? current : fitting;
  const page = likeliest(mmu, candidates, record);
  return { page, by, twins: candidates.filter((id) => id !== page) };
}

function likeliest(mmu: Mmu, candidates: readonly PageId[], record: PageRecord): PageId {
  const { pages, state } = mmu;
  // A page whose role is in dispute gives way to one whose role is not: gfn and role are the identity, so the dispute is settled.
  const score = (id: PageId): number =>
    (pages.disputed(state, id) ? 0 : 8) +
    (pages.isUnsync(state, id) === record.unsync ? 2 : 0) +
    (pages.rootCount(state, id) === record.rootCount ? 1 : 0);
  return candidates.reduce((best, id) => (score(id) > score(best) ? id : best));
}
