import { Output, type Came, type PageAnnouncement, type Steps } from '../announcement.js';
import { NO_PAGE, type Gfn, type PageId, type Role } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField, withRole } from '../role.js';
import type { Reason } from '../reasons.js';
import { certainEntries, remarkMmio, syncLeaves } from './syncEntries.js';
import { keepsAny, syncPage, zapEmptied } from './syncPage.js';
import { prepareZap } from './zap.js';

type Place = Pick<PageAnnouncement, 'parent' | 'index' | 'slot' | 'maybe' | 'next'> & {
  /** a root load lets these go first: their root_count is less by then */
  readonly releasing?: readonly PageId[];
};

/**
 * [6.1 mmu.c:__kvm_mmu_get_shadow_page]: finds the page of gfn and role in the hash, or makes one. Unsync pages of the same guest
 * table that are in the way of a page of a higher level are zapped first; one that is found is synced and stays unsync
 * (spec/getpage.md §3).
 */
export function* getShadowPage(kvm: Kvm, gfn: Gfn, role: Role, place: Place): Steps<Came | undefined> {
  const { mmu } = kvm;
  const { pages, state, trail } = mmu;
  const call = trail?.enter('getPage', gfn, role);
  const search = trail?.enter('findPage', gfn, role);
  if (!mmu.has('transient-sync')) yield* syncAll(kvm, gfn);
  let found = findPage(kvm, gfn, role);
  // A page out of sync is brought up to date in passing.
  const certain = found !== NO_PAGE && pages.isUnsync(state, found) ? certainEntries(kvm, found) : undefined;
  if (certain) yield* remarkMmio(kvm, found, certain);
  if (yield* zapIfUseless(kvm, found, place.maybe)) found = NO_PAGE;
  if (roleField(role, 'level') > 1 && !place.maybe) {
    for (const page of mmu.shadowsOf(gfn)) {
      if (page === found) break;
      if (pages.isUnsync(state, page)) yield* outOfTheWay(kvm, page);
    }
  }
  trail?.leave(search!, found);
  if (found === NO_PAGE) trail?.leave(trail.enter('allocPage', gfn, role));
  const came = yield announcePage(kvm, found, gfn, role, place);
  if (came || !place.maybe) trail?.leave(call!, came?.page ?? NO_PAGE);
  else trail?.undo(call!);
  if (came && found !== NO_PAGE && !roleField(role, 'direct')) pages.setWriteFlooding(state, came.page, 0);
  if (came?.page === found && certain) syncLeaves(kvm, found, certain);
  return came;
}

/** An unsync page that is found is synced in passing; one that has nothing left then goes, and a new one is made. */
function* zapIfUseless(kvm: Kvm, found: PageId, maybe: Reason | undefined): Steps<boolean> {
  const { pages, state } = kvm.mmu;
  if (found === NO_PAGE || !pages.isUnsync(state, found) || !kvm.mmu.has('sync-zaps-empty')) return false;
  return yield* zapEmptied(kvm, found, keepsAny(kvm, found), maybe);
}

/** Whatever is unsync of a guest table is brought back in sync, before any role is looked at [2.6.28 mmu.c:kvm_mmu_get_page]. */
function* syncAll(kvm: Kvm, gfn: Gfn): Steps {
  const { pages, state } = kvm.mmu;
  for (const page of kvm.mmu.shadowsOf(gfn)) if (pages.isUnsync(state, page)) yield* syncPage(kvm, page, undefined);
}

/** An unsync page of the guest table that gets a shadow of a higher level. */
function* outOfTheWay(kvm: Kvm, page: PageId): Steps {
  if (kvm.mmu.has('sync-zaps-empty')) yield* syncPage(kvm, page, undefined);
  else yield* prepareZap(kvm, page);
}

/** What kvm_mmu_get_page must say of a page found, or of a new one. */
export function announcePage(kvm: Kvm, found: PageId, gfn: Gfn, role: Role, place: Place & { open?: readonly Reason[] }): PageAnnouncement {
  const { pages, state } = kvm.mmu;
  const { releasing, ...where } = place;
  const released = releasing?.filter((page) => page === found).length ?? 0;
  const fields = {
    gfn,
    role,
    generation: kvm.usesTdpMmu && roleField(role, 'direct') ? 0 : kvm.mmu.generation(),
    rootCount: kvm.doubtedRoots.has(found) ? undefined : found === NO_PAGE ? 0 : Math.max(0, pages.rootCount(state, found) - released),
    unsync: found !== NO_PAGE && pages.isUnsync(state, found),
    created: found === NO_PAGE,
  };
  const other = found === NO_PAGE ? undefined : pages.disputed(state, found);
  return { output: Output.getPage, page: found, fields, ...where, ...(other ? { other } : {}) };
}

/** The valid page with exactly this gfn and role. */
export function findPage({ mmu, usesTdpMmu }: Kvm, gfn: Gfn, role: Role): PageId {
  if (usesTdpMmu && roleField(role, 'direct')) return NO_PAGE;
  return mmu.find(gfn, withRole(role, { invalid: 0 }));
}
