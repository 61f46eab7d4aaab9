import { Output, type Came, type PageAnnouncement, type PageFields, type Steps } from '../announcement.js';
import { inClass, inMode } from '../hiddenClasses.js';
import { NO_PAGE, type Gfn, type PageId, type Role } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { Life } from '../pages.js';
import { roleField, withRole } from '../role.js';
import { directRoots, quarterRoots, type RootPage } from '../rootPages.js';
import type { Reason } from '../reasons.js';
import type { Vcpu } from '../vcpu.js';
import { inAnyClass } from './anyClass.js';
import { makeMmuPagesAvailable } from './available.js';
import { announcePage, findPage, getShadowPage } from './getPage.js';
import { allocLocalRoot } from './localRoot.js';
import { syncAnyRoot, syncRoots } from './syncRoots.js';
import { unsyncBelow } from './unsync.js';
import { freeRoots } from './zap.js';

const SLOTS = 4;

/** What an exit did to the registers that choose the root. */
export type RootChange =
  /** CR3 was written */
  | 'cr3'
  /** CR0 or EFER: the MMU may be set up anew */
  | 'reset'
  /** system management mode was entered or left: the MMU was set up anew */
  | 'smm'
  /** a nested guest was entered or left: another CR3 and other control bits, but roots are kept as after a CR3 write */
  | 'nested'
  /** CR4: the same, or the guest's TLB may be flushed */
  | 'cr4'
  /** nothing; roots were zapped */
  | 'none'
  /** the trace has no exits: any of them */
  | 'unseen';

/** What happens before a vCPU enters the guest again: zapped roots go, roots are loaded, and the tables below them synced. */
export function* beforeEntry(kvm: Kvm, vcpu: Vcpu, change: RootChange): Steps {
  const { pages, state } = kvm.mmu;
  if (change === 'none' && keepsRoots(kvm, vcpu)) return;
  if (vcpu.shape() === 'local') return yield* beforeLocalEntry(kvm, vcpu, change);
  const roots = vcpu.roots();
  const zapped = vcpu.heldRoots().some((page) => pages.life(state, page) === Life.pinned);
  // A PDPT has no page header to tell whether it is good [6.1 mmu.c:is_obsolete_root].
  const untold = vcpu.mustLookAtRoots && vcpu.shape() === 'pae';
  const obsolete = untold || roots.some((page) => page !== NO_PAGE && isObsolete(kvm, page));
  if (zapped) yield* freeRoots(kvm, vcpu);
  if (change !== 'none' || roots.length === 0) return yield* loadUnknown(kvm, vcpu, change, obsolete || change === 'smm');
  if (obsolete) yield* reload(kvm, vcpu, roots);
}

/** Whether a vCPU with unchanged registers enters the guest with the roots that it has: it has one, and all that it holds are good. */
export function keepsRoots(kvm: Kvm, vcpu: Vcpu): boolean {
  if (vcpu.firstRoot() === undefined || vcpu.mustLookAtRoots) return false;
  for (let slot = 0; slot < vcpu.slots; slot++) {
    const page = vcpu.held(slot);
    if (page !== NO_PAGE && isObsolete(kvm, page)) return false;
  }
  return true;
}

/**
 * The same for a vCPU that walks from a local page, and whose registers are not known. CR3 with the value that it had keeps the root, and
 * syncs what is below it; any other load of a local root has no event.
 */
function* beforeLocalEntry(kvm: Kvm, vcpu: Vcpu, change: RootChange): Steps {
  const roots = vcpu.roots();
  if (!isObsolete(kvm, roots[0]!)) {
    if (change === 'none' || (yield* syncAnyRoot(kvm, vcpu, false))) return;
    if (change !== 'cr3') yield* loadUnknown(kvm, vcpu, change, false);
  }
  if (vcpu.roots()[0] === roots[0]) yield* reload(kvm, vcpu, roots);
}

export function isObsolete({ mmu }: Kvm, page: PageId): boolean {
  if (mmu.tdpPages.has(page)) return mmu.pages.life(mmu.state, page) !== Life.active;
  return mmu.pages.life(mmu.state, page) !== Life.active || mmu.pages.birth(page).generation !== mmu.generation();
}

/** As {@link beforeEntry}, after a write of CR3 whose value is known. */
export function* afterCr3(
  kvm: Kvm,
  vcpu: Vcpu,
  load: { readonly wanted: readonly RootPage[]; readonly releasing: readonly PageId[] } | 'flush',
): Steps {
  const { pages, state } = kvm.mmu;
  if (vcpu.heldRoots().some((page) => pages.life(state, page) === Life.pinned)) yield* freeRoots(kvm, vcpu);
  const roots = vcpu.roots();
  if (load !== 'flush') yield* loadRoots(kvm, vcpu, load.wanted, load.releasing);
  else if (roots.some((page) => page !== NO_PAGE && isObsolete(kvm, page))) yield* reload(kvm, vcpu, roots);
  else yield* syncRoots(kvm, vcpu);
}

/** The roots' guest tables are the same as before; their pages may be new. */
export function* reload(kvm: Kvm, vcpu: Vcpu, roots: readonly PageId[]): Steps {
  const { pages, state } = kvm.mmu;
  const wanted = roots.map((page) =>
    page === NO_PAGE
      ? undefined
      : { gfn: pages.birth(page).gfn, role: withRole(pages.role(state, page), { invalid: 0 }), local: pages.isLocal(page) },
  );
  yield* loadRoots(kvm, vcpu, wanted, vcpu.heldRoots());
}

/**
 * [6.1 mmu.c:kvm_mmu_load, mmu_alloc_shadow_roots]: a page for each slot, then what is unsync below them is synced.
 *
 * @param wanted by slot; one for a root of level 4 or 5; undefined for a PDPTE that is not present
 * @param releasing pages whose root_count the load gives back before its first page
 */
export function* loadRoots(kvm: Kvm, vcpu: Vcpu, wanted: readonly (RootPage | undefined)[], releasing: readonly PageId[]): Steps {
  const { trail } = kvm.mmu;
  const call = trail?.enter('load', vcpu.id);
  yield* makeMmuPagesAvailable(kvm, undefined, vcpu);
  yield* allocRoots(kvm, vcpu, wanted, releasing);
  trail?.leave(call!);
}

function* allocRoots(kvm: Kvm, vcpu: Vcpu, wanted: readonly (RootPage | undefined)[], releasing: readonly PageId[]): Steps {
  const { trail } = kvm.mmu;
  const [root] = wanted;
  if (root?.local) {
    vcpu.beginLoad(false);
    allocLocalRoot(kvm, vcpu, root.role);
    return;
  }
  let first = true;
  for (const [slot, root] of wanted.entries()) {
    if (!root) continue;
    const after = wanted[slot + 1];
    const next = after && toFind(kvm, after);
    const call = trail?.enter('allocRoot', slot, root.gfn, root.role);
    const came = yield* getShadowPage(kvm, root.gfn, root.role, first ? { slot, next, releasing } : { slot, next });
    trail?.leave(call!, came?.page ?? NO_PAGE);
    first = false;
  }
  yield* syncRoots(kvm, vcpu);
}

/** A control register was written with a value that no event shows: the first page of the load tells (spec/roots.md §3-4, §6). */
export function* loadUnknown(kvm: Kvm, vcpu: Vcpu, change: RootChange, must: boolean): Steps {
  const { mmu } = kvm;
  const { pages, state, trail } = mmu;
  const call = trail?.enter('load', vcpu.id);
  const before = vcpu.firstRoot();
  const role = before === undefined ? undefined : withRole(pages.role(state, before), { invalid: 0, quadrant: 0 });
  // CR3 may have got the value that it had, and a single root may be one of the cached ones.
  const loads = (yield* makeMmuPagesAvailable(kvm, must ? undefined : 'root', vcpu)) || must;
  const releasing = (its: Role): readonly PageId[] => letGo(vcpu, change !== 'unseen' ? change : its === role ? 'cr3' : 'reset');
  const settle = (gfn: Gfn, shown: Role): Omit<PageFields, 'gfn' | 'role'> => {
    if (kvm.hidden) return kvm.hidden.settle(kvm, vcpu, change, gfn, shown, releasing);
    const its = kvm.rolesLackMode ? inMode(shown, vcpu) : shown;
    return announcePage(kvm, findPage(kvm, gfn, its), gfn, its, { releasing: releasing(its) }).fields;
  };
  const first = yield* firstPage(kvm, vcpu, change === 'cr3' ? role : undefined, loads ? undefined : 'root', settle);
  if (!first) {
    trail?.undo(call!);
    return yield* flushed(kvm, vcpu, change);
  }
  const { gfn } = pages.birth(first.page);
  const taken = withRole(pages.role(state, first.page), { invalid: 0 });
  const slot = vcpu.mayBeMidLoad ? roleField(taken, 'quadrant') : 0;
  vcpu.mayBeMidLoad = false;
  if (roleField(taken, 'level') === 2) yield* otherSlots(kvm, gfn, taken, slot + 1);
  yield* inAnyClass(kvm, vcpu, () => syncRoots(kvm, vcpu));
  trail?.leave(call!);
}

/** Roots that a load lets go before it takes its first page: [6.1 mmu.c:kvm_mmu_new_pgd] keeps a single root for later. */
function letGo(vcpu: Vcpu, change: RootChange): readonly PageId[] {
  if (change !== 'cr3' && change !== 'nested') return vcpu.heldRoots();
  return vcpu.keepsRoots() ? [] : vcpu.roots().filter((page) => page !== NO_PAGE);
}

/** The root was kept, or exchanged for a cached one: CR3 then syncs what is below it, and so does a CR4 that flushes the guest's TLB. */
function* flushed(kvm: Kvm, vcpu: Vcpu, change: RootChange): Steps {
  if (change === 'cr3') yield* vcpu.shape() === 'pae' ? syncRoots(kvm, vcpu) : syncAnyRoot(kvm, vcpu, true);
  else if (change === 'nested' || change === 'unseen') yield* syncAnyRoot(kvm, vcpu, true);
  if (change !== 'cr4') return;
  const certain = yield* syncAnyRoot(kvm, vcpu, false);
  // [6.1 mmu.c:kvm_mmu_sync_prev_roots]: previous roots with something to sync are let go instead.
  for (const page of vcpu.previousRoots()) {
    if (unsyncBelow(kvm, page).length === 0) continue;
    if (certain) vcpu.freePrevious(page);
    else kvm.doubtedRoots.set(page, vcpu);
  }
}

function* firstPage(
  kvm: Kvm,
  vcpu: Vcpu,
  role: Role | undefined,
  maybe: Reason | undefined,
  settle: PageAnnouncement['settle'],
): Steps<Came | undefined> {
  const { trail } = kvm.mmu;
  const fields = { gfn: undefined, role, generation: kvm.mmu.generation(), rootCount: undefined, unsync: undefined };
  const call = trail?.enter('allocRoot', 0);
  const search = trail?.enter('getPage');
  const came = yield {
    output: Output.getPage,
    page: NO_PAGE,
    fields,
    slot: 0,
    ...(vcpu.mayBeMidLoad ? {} : { quadrant: 0 }),
    open: ['root'],
    ...(maybe ? { maybe } : {}),
    ...(settle && { settle }),
  };
  trail?.leave(search!);
  trail?.leave(call!, came?.page);
  if (came) kvm.mmu.pages.setWriteFlooding(kvm.mmu.state, came.page, 0);
  return came;
}

/** A page that is asked for next, and whether it has to be made. */
function toFind(kvm: Kvm, { gfn, role }: RootPage): PageAnnouncement['next'] {
  return { gfn, role, created: findPage(kvm, gfn, role) === NO_PAGE };
}

/** The other page directories. */
function* otherSlots(kvm: Kvm, gfn: Gfn, role: Role, from: number): Steps {
  const has4ByteGpte = roleField(role, 'has4ByteGpte') === 1;
  const direct = roleField(role, 'direct') === 1;
  const pages = direct ? directRoots(kvm.mmu, role) : has4ByteGpte ? quarterRoots(kvm.mmu, role, gfn) : [];
  for (let slot = from; slot < SLOTS; slot++) {
    const [page, next] = pages.slice(slot);
    if (page) {
      const call = kvm.mmu.trail?.enter('allocRoot', slot, page.gfn, page.role);
      yield* getShadowPage(kvm, page.gfn, page.role, { slot, next: next && toFind(kvm, next) });
      kvm.mmu.trail?.leave(call!);
    } else yield* pdptePage(kvm, role, slot);
  }
}

/** The page behind a PDPTE of the guest, which no event shows; none when it is not present. */
function* pdptePage(kvm: Kvm, role: Role, slot: number): Steps {
  yield {
    output: Output.getPage,
    page: NO_PAGE,
    fields: { gfn: undefined, role, generation: kvm.mmu.generation(), rootCount: undefined, unsync: undefined },
    slot,
    maybe: 'gpte',
    open: ['gpte'],
    settle: (gfn, its) => {
      const asked = inClass(its, roleField(role, 'hidden'));
      return announcePage(kvm, findPage(kvm, gfn, asked), gfn, asked, {}).fields;
    },
  };
}
