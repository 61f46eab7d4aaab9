import { Trust } from './entry.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type Gfn, type PageId } from './ids.js';
import type { CellId } from './journal.js';
import { freeLocalRoot } from './localPages.js';
import type { Mmu } from './mmu.js';
import type { ShadowPages } from './pages.js';
import { switchRoot } from './prevRoots.js';
import type { Reason } from './reasons.js';
import type { State, WritableState } from './state.js';
import { Cause } from './unseen.js';

const ROOT_SLOTS = 4;
const PREVIOUS_ROOTS = 3;
const PAE_ROOT_LEVEL = 3;
/** [6.1 mmu.c:kvm_mmu_free_roots]: prev_roots, then the slots of the current root. */
const FREE_ORDER = [4, 5, 6, 0, 1, 2, 3];

/** What a vCPU's root is made of (spec/roots.md §3-4). */
export type RootShape =
  /** four level-2 pages behind a PDPT without a page header: 4-byte gPTEs, PAE, no paging */
  | 'pae'
  /** one page of level 4 or 5 */
  | 'single'
  /** one local page of level 3 to 5, which is made anew by every load (`localPages.ts`) */
  | 'local';

/** The MMIO address that a vCPU handled last (`vcpu_cache_mmio_info`): the next access there needs no look at the SPTE. */
export class MmioCache {
  private page: bigint | undefined;
  private gfn: number | undefined;
  private generation: number | undefined;
  private doubted = false;

  /** @param address of the access; a direct MMU remembers the gfn only */
  keep(address: bigint, direct: boolean, generation: number | undefined): void {
    this.page = direct ? undefined : address >> 12n;
    this.gfn = direct ? Number(address >> 12n) : undefined;
    this.generation = generation;
    this.doubted = false;
  }

  /** @param address only this one is forgotten; absent: whatever it is */
  clear(address?: bigint): void {
    if (address !== undefined && this.page !== address >> 12n) return;
    this.page = this.gfn = undefined;
  }

  /** INVLPG of an address that is not known may have cleared it. */
  doubt(): void {
    this.doubted = true;
  }

  matches(address: bigint, direct: boolean, generation: number | undefined): boolean | Reason {
    const hit = direct ? this.gfn === Number(address >> 12n) : this.page === address >> 12n;
    if (!hit) return false;
    if (this.generation === undefined || generation === undefined) return 'slot-gen';
    if (this.generation !== generation) return false;
    return this.doubted ? 'invlpg' : true;
  }
}

interface CachedRoot {
  readonly page: PageId;
  /** whether the record meant this page, or one that looks alike */
  readonly trust: Trust;
}

function isNoRoot(root: CachedRoot): boolean {
  return root.page === NO_PAGE;
}

/** The roots of one vCPU (`struct kvm_mmu`'s root and prev_roots), in cells. */
export class Vcpu {
  readonly vm: number;
  private readonly state: WritableState;
  private readonly pages: ShadowPages;
  private readonly first: CellId;
  private readonly switchedCell: CellId;
  private readonly lastWriteCell: CellId;
  private readonly levelCell: CellId;
  readonly mmio = new MmioCache();
  /** somebody zapped a root since it loaded its own (KVM_REQ_MMU_FREE_OBSOLETE_ROOTS) */
  mustLookAtRoots = false;
  /** the next page of a root that shows may be one in the middle of a load: the trace begins here, or events were lost */
  mayBeMidLoad = false;
  /** a guest of the guest runs, between kvm_nested_vmenter and kvm_nested_vmexit_inject */
  inNestedGuest = false;
  /** system management mode, between two kvm_smm_transition */
  inSmm = false;
  /** text traces: classes that the root may be of besides the one it is taken for (`HiddenClasses`) */
  otherClasses: readonly number[] = [];
  /** pages were made below the root while its class was one of several: they may be of another */
  madeUndecided = false;

  constructor(
    private readonly mmu: Mmu,
    readonly id: number,
  ) {
    this.vm = mmu.vm;
    this.state = mmu.state;
    this.pages = mmu.pages;
    this.first = this.state.journal.allocate(ROOT_SLOTS + PREVIOUS_ROOTS + 4);
    this.switchedCell = this.first + ROOT_SLOTS + PREVIOUS_ROOTS;
    this.levelCell = this.switchedCell + 1;
    this.lastWriteCell = this.levelCell + 1;
  }

  /** The gfn written last, and how often in a row (`last_pt_write_gfn`, `last_pt_write_count`): before floods were counted by page. */
  lastWrite(state: State = this.state): { readonly gfn: Gfn | undefined; readonly count: number } {
    const gfn = state.number(this.lastWriteCell);
    return { gfn: gfn === 0 ? undefined : ((gfn - 1) as Gfn), count: state.number(this.lastWriteCell + 1) };
  }
  setLastWrite(gfn: Gfn | undefined, count: number): void {
    this.state.keepNumber(this.lastWriteCell, gfn === undefined ? 0 : gfn + 1);
    this.state.keepNumber(this.lastWriteCell + 1, count);
  }

  /** A root of level 4 or 5 is kept for later when another takes its place. */
  keepsRoots(): boolean {
    return this.shape() === 'single' && this.mmu.has('previous-roots');
  }

  /** Cells that say what the root is, for data breakpoints: [first, count]. */
  get rootCells(): readonly [CellId, number] {
    return [this.first, ROOT_SLOTS];
  }

  /** Whether a cell is one of this vCPU's. */
  hasCell(cell: CellId): boolean {
    return cell >= this.first && cell <= this.levelCell;
  }

  /** The root's pages by slot; one page for `single`. Empty before the first load. */
  roots(state: State = this.state): PageId[] {
    const pages: PageId[] = [];
    for (let slot = 0; slot < ROOT_SLOTS; slot++) pages.push(state.number(this.first + slot) as PageId);
    while (pages.length && pages.at(-1) === NO_PAGE) pages.pop();
    return pages;
  }

  /** Slots that may hold a root: those of the root in use, and of the previous ones. */
  readonly slots = ROOT_SLOTS + PREVIOUS_ROOTS;
  held(slot: number): PageId {
    return this.state.number(this.first + slot) as PageId;
  }

  previousRoots(state: State = this.state): PageId[] {
    const pages: PageId[] = [];
    for (let i = 0; i < PREVIOUS_ROOTS; i++) {
      const page = state.number(this.first + ROOT_SLOTS + i) as PageId;
      if (page !== NO_PAGE) pages.push(page);
    }
    return pages;
  }

  shape(state: State = this.state): RootShape | undefined {
    const page = this.firstRoot(state);
    if (page === undefined) return undefined;
    return this.pages.isLocal(page) ? 'local' : this.pages.level(page) >= 4 ? 'single' : 'pae';
  }

  /** The level of the walk's first shadow page. */
  rootLevel(): number {
    const page = this.firstRoot();
    return page === undefined ? 0 : this.pages.level(page);
  }

  /** The first page of the root; undefined where there is none. */
  firstRoot(state: State = this.state): PageId | undefined {
    for (let slot = 0; slot < ROOT_SLOTS; slot++) {
      const page = state.number(this.first + slot) as PageId;
      if (page !== NO_PAGE) return page;
    }
    return undefined;
  }

  /**
   * The level of the highest of the tables above the root's pages that have no page header (`headlessTables.ts`): 3, or 4 or 5 where the
   * nested page tables of a 32-bit hypervisor are shadowed. 0 where there are none.
   */
  headlessLevel(state: State = this.state): number {
    return this.shape(state) === 'pae' ? state.number(this.levelCell) || PAE_ROOT_LEVEL : 0;
  }
  setHeadlessLevel(level: number): void {
    this.state.keepNumber(this.levelCell, level);
  }

  /** Whether the page in the slot of an address is the one that the load's record meant, and not one that only looks alike. */
  isPageCertain(page: number): boolean {
    return this.state.tag(this.slotFor(page)) !== Trust.assumed;
  }

  /** As {@link isPageCertain}, for a slot of the root at a position; what a slot had before `since` may have changed unseen. */
  isSlotCertain(slot: number, state: State, since: EventIndex): boolean {
    return state.tag(this.first + slot) !== Trust.assumed && state.writtenAt(this.first + slot) >= since;
  }

  /** The root page an address starts in; `page` is the address >> 12. */
  rootFor(page: number): PageId {
    return this.state.number(this.slotFor(page)) as PageId;
  }

  /** CR3 may have been written: a root of level 4 or 5 may have given way to a cached one without an event. */
  mayHaveSwitched(): void {
    this.state.keepNumber(this.switchedCell, 1);
  }
  isRootCertain(state: State = this.state): boolean {
    return state.number(this.switchedCell) === 0;
  }

  /**
   * A root load begins. Everything is let go when the MMU was reset; otherwise a PDPT's pages and a local root are, and a single root
   * moves to the previous ones [6.1 mmu.c:kvm_mmu_new_pgd, kvm_mmu_reset_context].
   */
  beginLoad(reset: boolean): void {
    this.mustLookAtRoots = false;
    if (reset) this.freeAll(ROOT_SLOTS + PREVIOUS_ROOTS);
    else if (this.keepsRoots()) this.rotate();
    else this.freeAll(ROOT_SLOTS);
    this.state.keepNumber(this.switchedCell, 0);
  }

  /** Events were lost: another root may be in use, until the next load. */
  lostSight(): void {
    for (let slot = 0; slot < ROOT_SLOTS; slot++) {
      const page = this.state.number(this.first + slot);
      if (page !== NO_PAGE) this.state.setNumber(this.first + slot, page, Trust.assumed);
    }
  }

  /** No root was loaded since events were lost. */
  isOutOfSight(state: State = this.state): boolean {
    const lost = this.mmu.unseen.last(state, Cause.lost);
    if (lost === BEFORE_FIRST) return false;
    const isOf = (cell: CellId): boolean => state.tag(cell) === Trust.assumed && state.writtenAt(cell) === lost;
    return Array.from({ length: ROOT_SLOTS }, (_, slot) => this.first + slot).some(isOf);
  }

  /** All roots are let go. */
  release(): void {
    this.freeAll(ROOT_SLOTS + PREVIOUS_ROOTS);
  }

  /** A page got into a slot: its root_count grows. */
  setRoot(slot: number, page: PageId, rootCount: number, trust: Trust): void {
    this.state.keepNumber(this.first + slot, page, trust);
    this.pages.setRootCount(this.state, page, rootCount);
  }

  /** The page in a slot turned out to be another one that looks alike. */
  exchangeRoot(slot: number, root: PageId, other: PageId): void {
    this.put(root);
    this.setRoot(slot, other, this.pages.rootCount(this.state, other) + 1, Trust.recorded);
  }

  /** The root was switched without an event to one of the previous ones: move it to the front. */
  switchTo(page: PageId): void {
    this.state.keepNumber(this.switchedCell, 0);
    // [6.1 mmu.c:kvm_mmu_new_pgd]
    if (this.state.number(this.first) !== page) this.pages.setWriteFlooding(this.state, page, 0);
    const { slots, found } = switchRoot(this.cached(), isNoRoot, (root) => root.page === page);
    this.setCached(found ? slots : [{ page, trust: Trust.recorded }, ...slots.slice(1)]);
  }

  /** Roots that are no longer good are let go: a PDPT always, for it has no page header to tell [6.1 mmu.c:is_obsolete_root]. */
  freeObsolete(isObsolete: (page: PageId) => boolean): void {
    const pdpt = this.shape() === 'pae';
    for (let i = 0; i < ROOT_SLOTS + PREVIOUS_ROOTS; i++) {
      const page = this.state.number(this.first + i) as PageId;
      if (page === NO_PAGE || !((pdpt && i < ROOT_SLOTS) || isObsolete(page))) continue;
      this.put(page);
      this.state.keepNumber(this.first + i, NO_PAGE);
    }
  }

  /** A previous root is let go. */
  freePrevious(page: PageId): void {
    for (let i = 0; i < PREVIOUS_ROOTS; i++) {
      if (this.state.number(this.first + ROOT_SLOTS + i) !== page) continue;
      this.put(page);
      this.state.keepNumber(this.first + ROOT_SLOTS + i, NO_PAGE);
    }
  }

  /** The page is gone, so no slot can hold it. */
  drop(page: PageId): void {
    for (let i = 0; i < ROOT_SLOTS + PREVIOUS_ROOTS; i++) {
      if (this.state.number(this.first + i) === page) this.state.keepNumber(this.first + i, NO_PAGE);
    }
  }

  /** Root pages that the vCPU holds, in the order in which `kvm_mmu_free_roots` lets them go: the previous roots, then the current one. */
  heldRoots(): PageId[] {
    const held: PageId[] = [];
    for (const i of FREE_ORDER) {
      const page = this.state.number(this.first + i) as PageId;
      if (page !== NO_PAGE) held.push(page);
    }
    return held;
  }

  private slotFor(page: number): CellId {
    const shape = this.shape();
    if (shape === 'single' || shape === 'local') return this.first;
    return this.first + (Math.floor(page / 2 ** 18) % ROOT_SLOTS);
  }

  private rotate(): void {
    const { slots } = switchRoot(this.cached(), isNoRoot, () => false);
    const [oldest, ...previous] = slots as [CachedRoot, ...CachedRoot[]];
    if (!isNoRoot(oldest)) this.put(oldest.page);
    this.setCached([{ page: NO_PAGE, trust: Trust.recorded }, ...previous]);
  }

  /** The single root and the previous ones, the latest first; empty slots included. */
  private cached(): CachedRoot[] {
    return this.cachedCells().map((cell) => ({ page: this.state.number(cell) as PageId, trust: this.state.tag(cell) as Trust }));
  }

  private setCached(roots: readonly CachedRoot[]): void {
    for (const [slot, cell] of this.cachedCells().entries()) {
      const { page, trust } = roots[slot]!;
      this.state.keepNumber(cell, page, trust);
    }
  }

  private cachedCells(): CellId[] {
    return [this.first, ...Array.from({ length: PREVIOUS_ROOTS }, (_, i) => this.first + ROOT_SLOTS + i)];
  }

  /** @param slots those of the PDPT come first */
  private freeAll(slots: number): void {
    for (let i = 0; i < slots; i++) {
      const page = this.state.number(this.first + i) as PageId;
      if (page === NO_PAGE) continue;
      this.put(page);
      this.state.keepNumber(this.first + i, NO_PAGE);
    }
  }

  private put(page: PageId): void {
    if (this.pages.isLocal(page)) return freeLocalRoot(this.mmu, page);
    const count = this.pages.rootCount(this.state, page);
    if (count > 0) this.pages.setRootCount(this.state, page, count - 1);
  }
}
