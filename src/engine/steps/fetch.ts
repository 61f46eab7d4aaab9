import { anything, type Steps } from '../announcement.js';
import { EntryState, Trust, entryState, entryTrust } from '../entry.js';
import { dirtyMask } from '../gpte.js';
import { NO_PAGE, type Gfn, type PageId, type Role, type SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import { PferrBit } from '../permission.js';
import { ACC_EXEC, ACC_USER, ACC_WRITE, roleField } from '../role.js';
import type { Reason } from '../reasons.js';
import { pagesPerEntry } from '../spte.js';
import { attempt } from './attempt.js';
import { makeMmuPagesAvailable } from './available.js';
import { doubtOf } from './doubt.js';
import { endsAsMmio, mayEndAsMmio, hitsTrackedTable, isUnprotected, unshadows, type Fault, type ShadowFault } from './fault.js';
import { findPage, getShadowPage } from './getPage.js';
import { getLocalChild, getUnknownDirectory, isAboveGuest } from './localRoot.js';
import { directPrefetch, prefetch } from './prefetch.js';
import { mayStartOver, request } from './request.js';
import { markMmio, mmuSetSpte } from './setSpte.js';
import { syncChildren } from './syncPage.js';

/** Without U: with it, U may be what the SPTE lacks. */
const REFUSED = PferrBit.present | PferrBit.write | PferrBit.user | PferrBit.reserved;

/** [6.1 paging_tmpl.h:page_fault]: a fault whose guest walk found a translation (spec/fault.md §3). */
export function* shadowPageFault(fault: ShadowFault): Steps {
  const { kvm, address, error } = fault;
  const call = kvm.mmu.trail?.enter('walkPageFault', address, error);
  yield* walkedPageFault(fault);
  kvm.mmu.trail?.leave(call!);
}

/** The same, from the end of the guest walk on. */
export function* walkedPageFault(fault: ShadowFault): Steps {
  const { kvm } = fault;
  const gfn = fault.walk.gfn!;
  if (hitsTrackedTable(fault, gfn)) clearFlooding(fault, 1);
  else if (endsAsMmio(fault, gfn)) return;
  else if (mayStartOver(fault, gfn) || mayEndAsMmio(fault, gfn)) yield* attempt(kvm, handle(fault, gfn), 'host-page');
  else yield* handle(fault, gfn);
}

function* handle(fault: ShadowFault, gfn: Gfn): Steps {
  yield* makeMmuPagesAvailable(fault.kvm);
  const { trail } = fault.kvm.mmu;
  const call = trail?.enter('fetch', fault.address, gfn);
  yield* fetch(fault, gfn, leafAccess(fault));
  trail?.leave(call!);
}

/** Rights of the translation: without W while a read finds the page clean, and with W where CR0.WP = 0 lets the kernel write. */
function leafAccess({ walk, vcpu, kvm, error }: ShadowFault): number {
  const leaf = walk.entry(walk.leafLevel)!;
  let access = walk.tableAccess(walk.leafLevel - 1);
  const dirty = dirtyMask(walk.mode);
  if (!(error & PferrBit.write)) return leaf & dirty || dirty === 0n ? access : access & ~ACC_WRITE;
  if (access & ACC_WRITE || error & PferrBit.user || kvm.host.isAbsent(walk.gfn!)) return access;
  access = (access | ACC_WRITE) & ~ACC_USER;
  const root = vcpu.rootFor(walk.page);
  const role = root === NO_PAGE ? undefined : kvm.mmu.pages.role(kvm.mmu.state, root);
  const smep = role !== undefined && (roleField(role, 'smep_andnot_wp') || roleField(role, 'cr4_smep'));
  return smep ? access & ~ACC_EXEC : access;
}

/** [6.1 paging_tmpl.h:fetch]: from the root to the leaf; each level gets the page that the guest entry above leads to (spec/fault.md §4). */
function* fetch(fault: ShadowFault, gfn: Gfn, access: number): Steps {
  const { kvm, vcpu, walk, path } = fault;
  const { mmu } = kvm;
  const top = vcpu.rootLevel();
  if (top === 0) return yield* anything('root');
  for (let level = top - 1; level >= walk.leafLevel; level--) {
    const parent = path.at(level + 1);
    if (parent === NO_PAGE) {
      if (level < top - 1 || !(yield* belowCachedRoot(fault, level))) return yield* anything(rootDoubt(fault));
      continue;
    }
    mmu.pages.setWriteFlooding(mmu.state, parent, 0);
    if (isAboveGuest(kvm, level, parent)) {
      getLocalChild(fault, parent, level);
      continue;
    }
    const table = walk.shadowedGfn(level);
    const taken =
      table === undefined
        ? yield* getUnknownDirectory(fault, parent, level)
        : yield* getChild(fault, parent, level, false, table, walk.tableAccess(level));
    const child = path.at(level);
    if (taken && child !== NO_PAGE) yield* syncChildren(kvm, child);
  }
  const goal = yield* request(fault, gfn, walk.leafLevel, access);
  if (goal === 'unknown') yield* mapAtSomeLevel(fault, gfn, access);
  else yield* map(fault, gfn, goal, access, walk.leafLevel);
}

/**
 * Below a root that is one of several cached ones: they are of one role, so the page that the walk needs is the same below each, and
 * only whether the root leads to it is not known. Answers whether the fault can go on from that page.
 */
function* belowCachedRoot({ kvm, vcpu, walk, path }: ShadowFault, level: number): Steps<boolean> {
  const root = vcpu.rootFor(walk.page);
  const gfn = walk.tableGfn(level);
  if (vcpu.shape() !== 'single' || root === NO_PAGE || gfn === undefined) return false;
  const role = kvm.mmu.childRole(root, path.indexAt(level + 1), false, walk.tableAccess(level));
  const found = findPage(kvm, gfn, role);
  const came = yield* getShadowPage(kvm, gfn, role, found === NO_PAGE ? {} : { maybe: 'root' });
  const page = came?.page ?? found;
  if (page === NO_PAGE) return false;
  path.isAt(level, page);
  if (came) yield* syncChildren(kvm, page);
  return true;
}

/** Why the page of a level is not known. */
function rootDoubt({ vcpu, kvm }: Fault): Reason {
  return !vcpu.isRootCertain() ? 'root' : kvm.mmu.incomplete ? 'mid-life' : kvm.mmu.ambiguous ? 'hidden-role' : 'root';
}

/** From the level of the guest's own leaf down to the one mapped: direct pages split a large guest page; then the SPTE itself. */
export function* map(fault: Fault, gfn: Gfn, goal: number, access: number, from: number, maybe?: Reason): Steps<boolean> {
  const { kvm, path, error, walk } = fault;
  const { mmu, host } = kvm;
  for (let level = from - 1; level >= goal; level--) {
    const parent = path.at(level + 1);
    if (parent === NO_PAGE) {
      yield* anything(rootDoubt(fault));
      return true;
    }
    mmu.pages.setWriteFlooding(mmu.state, parent, 0);
    yield* getChild(fault, parent, level, true, path.directGfn(level), access);
  }
  const page = path.at(goal);
  const index = path.indexAt(goal);
  if (page === NO_PAGE) {
    yield* anything(rootDoubt(fault));
    return true;
  }
  mmu.pages.setWriteFlooding(mmu.state, page, 0);
  if (host.isAbsent(gfn) || isMarked(kvm, page, index)) {
    yield* markMmio(kvm, page, index, gfn, access);
    return true;
  }
  const first = (gfn - (gfn % pagesPerEntry(goal))) as Gfn;
  const backed = host.at(gfn);
  const leaf = {
    page,
    index,
    level: goal,
    gfn: first,
    access,
    pfn: backed && ((backed.pfn - (gfn - first)) as typeof backed.pfn),
    hostWritable: error & PferrBit.write ? true : backed?.writable,
    prefetch: false,
    // Where a page was taken, the CPU came upon something else.
    refused: (error & REFUSED) === (PferrBit.present | PferrBit.write) && !path.tookPages,
    unprotected: isUnprotected(fault),
    unshadows: unshadows(fault),
    maybe,
  };
  const came = yield* mmuSetSpte(kvm, leaf);
  // A spurious fault prefetches nothing.
  if (came !== 'set' || goal > 1 || !mmu.has('prefetch')) return came !== undefined;
  if (walk && from === 1) yield* prefetch(kvm, page, index, walk.mode);
  else yield* directPrefetch(kvm, page, index);
  return true;
}

/** The request does not tell at which level the host has its page: an SPTE of each in turn, the largest first. */
function* mapAtSomeLevel(fault: ShadowFault, gfn: Gfn, access: number): Steps {
  for (let goal = fault.walk.leafLevel; goal > 1; goal--) {
    if (yield* map(fault, gfn, goal, access, fault.walk.leafLevel, 'host-page')) return;
  }
  yield* map(fault, gfn, 1, access, fault.walk.leafLevel);
}

/**
 * [6.1 mmu.c:kvm_mmu_get_child_sp]: nothing when the SPTE leads to the wanted page already (spec/getpage.md §3.1). Answers whether a page
 * was taken.
 */
function* getChild(fault: Fault, parent: PageId, level: number, direct: boolean, gfn: Gfn, access: number): Steps<boolean> {
  const { kvm, path } = fault;
  const { mmu } = kvm;
  const index = path.indexAt(level + 1);
  const call = mmu.trail?.enter('getChild', parent, index, gfn);
  const role = path.childRole(level, direct, access);
  const linked = isLinked(fault, parent, index, gfn, role);
  const came = linked === true ? undefined : yield* getShadowPage(kvm, gfn, role, { parent, index, ...(linked && { maybe: linked }) });
  mmu.trail?.leave(call!, came?.page ?? NO_PAGE);
  return came !== undefined;
}

/** Whether the SPTE leads to the page; a reason when one cannot tell. */
function isLinked({ kvm }: Fault, parent: PageId, index: SpteIndex, gfn: Gfn, role: Role): boolean | Reason {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  const tag = state.tag(pages.entryCell(parent, index));
  const kind = entryState(tag);
  if (kind === EntryState.unknown) return 'root';
  if (kind !== EntryState.link) return kind === EntryState.empty && mmu.incomplete && pages.birth(parent).before ? 'mid-life' : false;
  const child = state.number(pages.entryCell(parent, index)) as PageId;
  if (pages.life(state, child) !== Life.active) return false;
  // A direct page of other rights goes first [6.1 mmu.c:validate_direct_spte].
  const otherRights = roleField(role, 'direct') && roleField(role, 'access') !== roleField(pages.role(state, child), 'access');
  const fits =
    !otherRights &&
    (pages.birth(child).gfn === gfn || !mmu.has('child-gfn-check')) &&
    (pages.role(state, child) === role || !mmu.has('child-role-check'));
  const doubt = doubtOf(kvm, parent, index);
  if (doubt) return doubt.reason;
  if (!fits) return false;
  return entryTrust(tag) === Trust.assumed ? 'gpte' : true;
}

/** An SPTE marked as MMIO counts as one that is there [2.6.24 paging_tmpl.h:fetch]. */
function isMarked({ mmu }: Kvm, page: PageId, index: SpteIndex): boolean {
  return !mmu.has('mmio-sptes') && entryState(mmu.state.tag(mmu.pages.entryCell(page, index))) === EntryState.mmio;
}

/** [6.1 mmu.c:shadow_page_table_clear_flood]: the pages on the way of an address are in use. */
function clearFlooding({ kvm, vcpu, path }: Fault, lowest: number): void {
  const { pages, state } = kvm.mmu;
  for (let level = vcpu.rootLevel(); level >= lowest; level--) {
    const page = path.at(level);
    if (page === NO_PAGE) continue;
    pages.setWriteFlooding(state, page, 0);
  }
}
