import { ActiveList } from './activeList.js';
import type { Identity } from './announcement.js';
import { EntryState, Trust, Unseen, entryState, entryTag, entryUnseen, withUnseen } from './entry.js';
import { EraRoles } from './eraRoles.js';
import { hasFeature, writeRules, type Era } from './eras.js';
import type { Feature } from './features.js';
import { sptesWritten, type WriteRules } from './guestWrite.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type Gfn, type PageId, type Pfn, type Role, type SpteIndex } from './ids.js';
import type { CellId } from './journal.js';
import { LargePages } from './largePages.js';
import { localPdpteFlags } from './makeSpte.js';
import { Notices } from './notices.js';
import { PageHash } from './pageHash.js';
import { Life, type Birth, type ShadowPages } from './pages.js';
import type { SptePlace } from './places.js';
import { ReverseMap, mapsFrom } from './rmap.js';
import { pagesPerEntry, type SpteFormat } from './spte.js';
import type { State, WritableState } from './state.js';
import { Statistics } from './statistics.js';
import type { Calls } from './trail.js';
import { UnseenChanges, unseenChange } from './unseen.js';
import { ParentSptes } from './parentSptes.js';

/**
 * The shadow MMU of one VM (`struct kvm_arch`'s part in it): its pages, links, leaves and generation. Every change goes through the
 * journal. The maps in here are look-up tables over the newest state, kept so that the engine need not search; they hold no fact
 * that the cells do not.
 */
export class Mmu {
  readonly format: SpteFormat;
  readonly roles: EraRoles;
  readonly writeRules: WriteRules;
  /** the first of its cells */
  readonly generationCell: CellId;
  private readonly usedPagesCell: CellId;
  readonly statistics: Statistics;
  readonly largePages = new LargePages();
  /** `active_mmu_pages` from the tail, the oldest first: birth order is list order */
  readonly active = new ActiveList();
  private readonly hash = new PageHash();
  private readonly byFrame = new Map<Pfn, PageId>();
  private readonly parentsOf = new ParentSptes();
  private readonly leavesOf: ReverseMap;
  /** pages may live that no event showed: events were lost, or the trace began in the VM's mid-life */
  incomplete = false;
  /** an event was about one of several pages that look alike: which of them are left, and in which order, is not certain */
  ambiguous = false;
  /** pages with two readings: a later event decides */
  private readonly inDispute = new Set<PageId>();
  /** SPTEs as recorded where the engine goes on with another value, until the next change of the entry */
  private readonly recordedSptes = new Map<CellId, bigint>();
  /** what may have changed entries of the whole VM unseen */
  readonly unseen: UnseenChanges;
  /** live pages of the TDP MMU: on no list, in no hash, not counted, of no generation [6.1 tdp_mmu.c] */
  readonly tdpPages = new Set<PageId>();
  readonly notices = new Notices();
  /** told of the kernel's functions that the engine goes through */
  trail: Calls | undefined;
  /** live local pages, see `localPages.ts` */
  readonly localPages = new Set<PageId>();
  /** the event since which no vCPU has run guest code */
  quietSince: EventIndex = BEFORE_FIRST;
  /** the event since which no SPTE that was writable then maps a guest frame */
  private readonly closedAt = new Map<Gfn, EventIndex>();
  /** pages that are out of sync with their guest table */
  readonly unsyncNow = this.parentsOf.unsync;

  constructor(
    readonly vm: number,
    readonly state: WritableState,
    readonly pages: ShadowPages,
    readonly era: Era,
  ) {
    this.format = era.sptes;
    this.leavesOf = new ReverseMap(era.sptes.writable, hasFeature(era, 'rmap-of-all-leaves'));
    this.roles = new EraRoles(era);
    this.writeRules = writeRules(era);
    this.generationCell = state.journal.allocate(2);
    this.usedPagesCell = this.generationCell + 1;
    this.unseen = new UnseenChanges(state);
    this.statistics = new Statistics(state);
  }

  /** Whether its kernel does something that others do not. */
  has(feature: Feature): boolean {
    return hasFeature(this.era, feature);
  }

  /** `mmu_valid_gen` at a position. */
  generation(state: State = this.state): number {
    return state.number(this.generationCell);
  }
  setGeneration(generation: number): void {
    this.state.keepNumber(this.generationCell, generation);
  }
  /** `n_used_mmu_pages` at a position: pages on the active list and zapped roots that wait. */
  usedPages(state: State = this.state): number {
    return state.number(this.usedPagesCell);
  }

  /** Live pages of a gfn, oldest first, in the newest state. */
  livePages(gfn: Gfn): readonly PageId[] {
    return this.hash.of(gfn);
  }
  /** The page whose SPTEs fill a page frame, as far as events showed it. */
  pageAtFrame(frame: Pfn): PageId {
    return this.byFrame.get(frame) ?? NO_PAGE;
  }

  /** A local page is made: only its vCPU knows of it. */
  createLocal(role: Role, local: NonNullable<Birth['local']>): PageId {
    const birth = { vm: this.vm, gfn: 0 as Gfn, role, generation: this.generation(), before: false, local };
    const id = this.pages.create(this.state, birth, 0, false);
    this.localPages.add(id);
    return id;
  }

  /** A local page goes at once. Its entries are empty by now. */
  freeLocal(id: PageId): void {
    this.pages.setRootCount(this.state, id, 0);
    this.destroy(id);
  }

  /** What a link of a page has besides the child's frame. */
  linkFlags(parent: PageId): bigint {
    return this.pages.birth(parent).local === 'pae_root' ? localPdpteFlags(this.format) : this.format.link;
  }

  /** All pages of the hash, in the newest state. */
  *hashed(): Generator<PageId> {
    yield* this.hash.all();
  }
  /** The rmap of a guest frame for all page sizes that begin there, in the newest state. */
  rmap(gfn: Gfn): SptePlace[] {
    return [...this.leavesOf.of(gfn)];
  }
  /** Guest frames that have an rmap, in the newest state. */
  mappedFrames(): Iterable<Gfn> {
    return this.leavesOf.keys();
  }

  /** The page is one of the TDP MMU. */
  moveToTdp(id: PageId): void {
    if (this.tdpPages.has(id)) return;
    this.tdpPages.add(id);
    this.active.delete(id);
    this.state.setNumber(this.usedPagesCell, this.usedPages() - 1);
  }

  /** A page is born [6.1 mmu.c:kvm_mmu_alloc_shadow_page]. A new shadow of a guest table write-protects it (`account_shadowed`). */
  create(birth: Omit<Birth, 'vm'>, rootCount = 0, unsync = false): PageId {
    const id = this.pages.create(this.state, { ...birth, vm: this.vm }, rootCount, unsync);
    if (!birth.before) {
      this.lookedUp(birth.gfn, NO_PAGE, id);
      this.statistics.add('mmu_cache_miss');
    }
    if (unsync) this.unsyncNow.add(id);
    this.hash.add(id, birth.gfn);
    this.active.add(id);
    this.state.setNumber(this.usedPagesCell, this.usedPages() + 1);
    if (this.pages.hasGptes(id)) {
      this.largePages.account(birth.gfn, 1);
      // One that is out of sync was there before: its table is open to the guest.
      if (!unsync) this.writeProtect(birth.gfn);
    }
    return id;
  }

  /**
   * [6.1 mmu.c:__kvm_mmu_prepare_zap_page]: entries and links to the page go; a root in use stays, invalid, until its root_count is gone.
   */
  zap(id: PageId, rootCount: number): void {
    this.statistics.add('mmu_shadow_zapped');
    if (this.unsyncNow.delete(id)) this.statistics.add('mmu_unsync', -1);
    for (let index = 0; index < 512; index++) this.clear(id, index as SpteIndex);
    for (const { page, index } of this.parentsOf.of(id)) this.clear(page, index);
    this.pages.setRootCount(this.state, id, rootCount);
    // Before 2.6.25 a root in use stays, empty, and can be found again.
    if (rootCount > 0 && !this.has('invalid-roots')) return this.active.moveToHead(id);
    this.active.delete(id);
    if (this.pages.life(this.state, id) === Life.active && this.pages.hasGptes(id))
      this.largePages.account(this.pages.gfn(this.state, id), -1);
    if (rootCount > 0) this.pages.pin(this.state, id);
    else this.destroy(id);
  }

  /** [6.1 mmu.c:kvm_mmu_zap_all_fast]: the generation flips; what has the old one is obsolete from now on. */
  flipGeneration(old: number): void {
    this.setGeneration(old ? 0 : 1);
  }

  /** Write protection goes up again when a page is synced [6.1 mmu.c:mmu_sync_children]. */
  sync(id: PageId): void {
    this.pages.setUnsync(this.state, id, false);
    if (this.unsyncNow.delete(id)) this.statistics.add('mmu_unsync', -1);
    this.writeProtect(this.pages.gfn(this.state, id));
    this.doubtLeaves(id);
  }

  unsync(id: PageId): void {
    this.pages.setUnsync(this.state, id, true);
    if (this.unsyncNow.add(id)) this.statistics.add('mmu_unsync');
  }

  /** A page was looked for in the hash; `found` is {@link NO_PAGE} when it was not there and `page` was made. */
  lookedUp(gfn: Gfn, found: PageId, page = found): void {
    const collisions = this.hash.collisions(gfn, found, (id) => this.isObsolete(id));
    this.statistics.raise('max_mmu_page_hash_collisions', collisions);
    if (collisions) this.notices.collisions.push(this.state.now, page, collisions);
  }

  /** The valid page with exactly this gfn and role, [6.1 mmu.c:kvm_mmu_find_shadow_page]. */
  find(gfn: Gfn, role: Role): PageId {
    return this.livePages(gfn).findLast((id) => !this.isObsolete(id) && this.pages.role(this.state, id) === role) ?? NO_PAGE;
  }

  /** An event says that a page is another than the engine has: both readings are kept until a later event decides. */
  dispute(id: PageId, recorded: Identity): void {
    if (!this.pages.isLive(this.state, id)) return;
    this.pages.dispute(this.state, id, recorded);
    this.inDispute.add(id);
  }

  /** An event about a page with two readings. */
  decide(id: PageId, forRecord: boolean): void {
    if (!this.inDispute.delete(id)) return;
    const before = this.pages.gfn(this.state, id);
    this.pages.decide(this.state, id, forRecord);
    const gfn = this.pages.gfn(this.state, id);
    if (gfn === before) return;
    this.hash.remove(id, before);
    this.hash.add(id, gfn);
    if (!this.isShadow(id)) return;
    this.largePages.account(before, -1);
    this.largePages.account(gfn, 1);
    this.writeProtect(gfn);
  }

  /** Pages with two readings. */
  disputedPages(): Iterable<PageId> {
    return this.inDispute;
  }

  /** A guest table of level 2 or higher is shadowed at this frame: `gfn_track` [6.1 mmu.c:account_shadowed]. */
  isTracked(gfn: Gfn): boolean {
    return this.livePages(gfn).some((id) => this.isShadow(id) && this.pages.level(id) > 1);
  }

  /** It shadows a guest table and is not zapped; its generation may be an old one. */
  private isShadow(id: PageId): boolean {
    return this.pages.hasGptes(id) && this.pages.life(this.state, id) === Life.active;
  }

  /** Shadows of a guest table that can be found, newest first: `for_each_gfn_indirect_valid_sp`. */
  shadowsOf(gfn: Gfn): PageId[] {
    return this.livePages(gfn)
      .filter((id) => this.isShadow(id) && !this.isObsolete(id))
      .reverse();
  }

  /** SPTEs of a page that a guest write to its table is taken to hit; `offset` in bytes. */
  sptesWritten(page: PageId, offset: number, bytes: number, rules: WriteRules): SpteIndex[] {
    return sptesWritten(this.pages.role(this.state, page), offset, bytes, { ...this.writeRules, ...rules });
  }

  /** Zapped, or of an old generation. */
  isObsolete(id: PageId): boolean {
    return this.pages.life(this.state, id) !== Life.active || this.pages.birth(id).generation !== this.generation();
  }

  /**
   * The event since which the guest cannot have written a guest frame without KVM: while no SPTE maps it writable; else since the
   * guest ran last.
   */
  heldSince(gfn: Gfn): EventIndex {
    if (this.incomplete) return this.quietSince;
    for (const { page, index } of this.leaves(gfn)) {
      if (this.state.word(this.pages.entryCell(page, index)) & this.format.writable) return this.quietSince;
    }
    return this.closedAt.get(gfn) ?? BEFORE_FIRST;
  }

  /** Places of the SPTEs that lead to a page (`parent_ptes`). */
  *parents(id: PageId): Generator<SptePlace> {
    yield* this.parentsOf.of(id);
  }

  /** Role of the page that an SPTE of `parent` must lead to. */
  childRole(parent: PageId, index: SpteIndex, direct: boolean, access: number): Role {
    const call = this.trail?.enter('childRole', parent, index, direct ? 1 : 0, access);
    const role = this.roles.child(this.pages.role(this.state, parent), index, direct, access);
    this.trail?.leave(call!, role);
    return role;
  }

  /** An SPTE of `parent` leads to `child` [6.1 mmu.c:__link_shadow_page]. */
  link(parent: PageId, index: SpteIndex, child: PageId, trust: Trust): void {
    const cell = this.pages.entryCell(parent, index);
    const tag = entryTag(EntryState.link, trust);
    const before = this.state.tag(cell);
    if (entryState(before) === EntryState.link && this.state.number(cell) === child) {
      // A link already there keeps its event; only a doubt about it, or a weaker trust, is worth a write.
      if (before !== tag && (entryUnseen(before) !== Unseen.nothing || trust < ((before >> 3) & 3))) this.state.setNumber(cell, child, tag);
      return;
    }
    this.forget(parent, index);
    this.state.setNumber(cell, child, tag);
    this.parentsOf.add(child, parent, index);
  }

  /** @param rights what KVM notes beside the gfn [6.1 mmu.c:kvm_mmu_page_set_access]: no event shows it */
  setLeaf(page: PageId, index: SpteIndex, spte: bigint, gfn: Gfn, trust: Trust = Trust.recorded, rights?: number): void {
    this.forget(page, index);
    this.state.setWord(this.pages.entryCell(page, index), spte, entryTag(EntryState.leaf, trust));
    this.state.keepNumber(this.pages.gfnCell(page, index), gfn, rights === undefined ? 0 : rights + 1);
    this.leavesOf.addLeaf(gfn, page, index, spte);
  }

  /** Rights noted for a leaf; undefined where only its event was seen. */
  leafRights(page: PageId, index: SpteIndex): number | undefined {
    const tag = this.state.tag(this.pages.gfnCell(page, index));
    return tag === 0 ? undefined : tag - 1;
  }

  setMmio(page: PageId, index: SpteIndex, spte: bigint, gfn: Gfn, trust: Trust): void {
    // Before the fix of 2026 what a present SPTE had in the reverse map stays there.
    this.forget(page, index, this.has('drop-before-mmio'));
    this.state.setWord(this.pages.entryCell(page, index), spte, entryTag(EntryState.mmio, trust));
    this.state.keepNumber(this.pages.gfnCell(page, index), gfn);
  }

  /** An entry that was empty may now hold something, or does, that no event shows. */
  setUnknown(page: PageId, index: SpteIndex, trust: Trust = Trust.assumed): void {
    const cell = this.pages.entryCell(page, index);
    if (this.state.tag(cell) === 0) this.state.setNumber(cell, 0, entryTag(EntryState.unknown, trust));
  }

  /** The entry becomes empty by the algorithm. */
  clear(page: PageId, index: SpteIndex): void {
    const cell = this.pages.entryCell(page, index);
    if (this.state.tag(cell) === 0) return;
    this.forget(page, index);
    this.state.setNumber(cell, 0, 0);
  }

  setFrame(page: PageId, frame: Pfn): void {
    this.pages.setFrame(this.state, page, frame);
    this.byFrame.set(frame, page);
  }

  /** Something may have changed these entries unseen. */
  doubt(page: PageId, index: SpteIndex, unseen: Unseen): void {
    const cell = this.pages.entryCell(page, index);
    const tag = this.state.tag(cell);
    if (tag === 0 || withUnseen(tag, unseen) === tag) return;
    const joined = withUnseen(tag, (entryUnseen(tag) | unseen) as Unseen);
    if (joined !== tag) this.state.setWord(cell, this.state.word(cell), joined);
  }

  /** Something may have changed any leaf of the page unseen: one write, however many leaves. */
  doubtLeaves(page: PageId): void {
    this.state.setNumber(this.pages.doubtCell(page), 1);
  }

  /** An event was about this page or about another that looks alike: nothing of its entries is certain. */
  confuse(page: PageId): void {
    this.ambiguous = true;
    this.state.setNumber(this.pages.confusedCell(page), 1);
    const frame = this.pages.frame(this.state, page);
    if (frame === undefined) return;
    this.pages.forgetFrame(this.state, page);
    this.byFrame.delete(frame);
  }

  /** Leaves that map a guest frame in the newest state, by any page size. */
  *leaves(gfn: Gfn): Generator<SptePlace> {
    for (let level = 1; level <= 3; level++) {
      const first = (gfn - (gfn % pagesPerEntry(level))) as Gfn;
      for (const place of this.leavesOf.of(first)) if (this.pages.level(place.page) === level && mapsFrom(this, place, first)) yield place;
    }
  }

  /** W and MMU-writable go from every leaf of a gfn [6.1 mmu.c:kvm_mmu_slot_gfn_write_protect]. */
  writeProtect(gfn: Gfn): void {
    const { writable, mmuWritable } = this.format;
    for (const { page, index } of this.leaves(gfn)) {
      const cell = this.pages.entryCell(page, index);
      const spte = this.state.word(cell);
      if ((spte & (writable | mmuWritable)) === 0n) continue;
      this.leavesOf.protect(this.state.number(this.pages.gfnCell(page, index)) as Gfn, page, index);
      // A doubt is told by its event being later than the entry's; this write would hide it, so it goes into the tag.
      const doubt = unseenChange(this, this.state, page, index);
      const unseen = doubt && doubt.what !== Unseen.write ? doubt.what : Unseen.nothing;
      this.state.setWord(cell, spte & ~(writable | mmuWritable), entryTag(EntryState.leaf, Trust.derived, unseen));
      if (spte & writable) this.closedAt.set(gfn, Math.min(this.quietSince, this.state.now) as EventIndex);
    }
  }

  /** A record contradicts the SPTE that the engine goes on with. */
  disputeSpte(page: PageId, index: SpteIndex, recorded: bigint): void {
    this.recordedSptes.set(this.pages.entryCell(page, index), recorded);
  }
  /** The recorded reading of an SPTE in dispute, in the newest state. */
  recordedSpte(cell: CellId): bigint | undefined {
    return this.recordedSptes.get(cell);
  }

  /** Takes an entry out of the look-up tables before it is overwritten. */
  private forget(page: PageId, index: SpteIndex, fromRmap = true): void {
    const cell = this.pages.entryCell(page, index);
    this.recordedSptes.delete(cell);
    const kind = entryState(this.state.tag(cell));
    if (kind === EntryState.link) this.parentsOf.remove(this.state.number(cell) as PageId, page, index);
    if (kind !== EntryState.leaf) return;
    const gfn = this.state.number(this.pages.gfnCell(page, index)) as Gfn;
    if (fromRmap) this.leavesOf.remove(gfn, page, index);
    if ((this.state.word(cell) & this.format.writable) === 0n) return;
    for (let at = gfn; at < gfn + pagesPerEntry(this.pages.level(page)); at++) this.closedAt.set(at, this.state.now);
  }

  private destroy(id: PageId): void {
    if (!this.localPages.delete(id)) this.unlist(id);
    const frame = this.pages.frame(this.state, id);
    if (frame !== undefined && this.byFrame.get(frame) === id) this.byFrame.delete(frame);
    this.parentsOf.drop(id);
    this.inDispute.delete(id);
    this.pages.destroy(this.state, id);
  }

  private unlist(id: PageId): void {
    this.hash.remove(id, this.pages.gfn(this.state, id));
    if (!this.tdpPages.delete(id)) this.state.setNumber(this.usedPagesCell, this.usedPages() - 1);
  }
}
