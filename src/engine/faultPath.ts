import { EntryState, Trust, entryState, entryTrust } from './entry.js';
import { pagesMapped } from './gpte.js';
import { NO_PAGE, type Gfn, type PageId, type Role, type SpteIndex } from './ids.js';
import type { Mmu } from './mmu.js';
import { ACC_ALL, roleField } from './role.js';
import { pagesPerEntry, spteIndexOf } from './spte.js';
import type { Vcpu } from './vcpu.js';
import type { GuestWalk } from './walk.js';

/** Five-level paging. */
const HIGHEST_LEVEL = 5;
const PAGE_SHIFT = 12n;
/** Room for the level above the highest. */
const LEVELS: readonly PageId[] = Array.from({ length: HIGHEST_LEVEL + 2 }, () => NO_PAGE);

/** The page that a fault needs below a parent's SPTE: what `kvm_mmu_get_child_sp` is asked for. */
export interface Child {
  readonly parent: PageId;
  readonly index: SpteIndex;
  readonly gfn: Gfn;
  readonly role: Role;
}

/**
 * The way of one fault through the shadow pages, from the root to the leaf's page ([6.1 paging_tmpl.h:fetch], [6.1 mmu.c:direct_map]).
 * Links have no event of their own: a page taken on the way is linked below the one before it, and where no page was taken the
 * link was there already.
 */
export class FaultPath {
  /** by level; {@link NO_PAGE} where it is not known */
  private readonly known: PageId[] = LEVELS.slice();
  /** a bit for each level whose page an event showed */
  private taken = 0;
  /** a bit for each level whose page is one of several that the record may mean */
  private guessed = 0;
  /** the level of the last page that was taken by an event and not yet proven to be linked */
  private unproven = 0;

  /**
   * @param walk the guest's walk; undefined for a direct MMU, where the address is the guest frame
   * @param page address >> 12 for an indirect MMU, gfn for a direct one
   */
  constructor(
    private readonly mmu: Mmu,
    private readonly vcpu: Vcpu,
    readonly walk: GuestWalk | undefined,
    readonly page: number,
  ) {}

  /** SPTE index of the fault's address in a page of a level. */
  indexAt(level: number): SpteIndex {
    return spteIndexOf(this.page, level) as SpteIndex;
  }

  /** The shadow page of a level on the way, {@link NO_PAGE} when neither links nor keys tell. */
  at(level: number): PageId {
    const known = this.known[level] ?? NO_PAGE;
    if (known !== NO_PAGE && this.mmu.pages.isLive(this.mmu.state, known)) return known;
    const page = this.find(level);
    if (page !== NO_PAGE) this.known[level] = page;
    return page;
  }

  /**
   * Whether the page of a level is the one in use. Text traces lack role bits: where several live pages look alike, the one taken is
   * a guess, and so is all that hangs below it.
   */
  isCertain(level: number): boolean {
    if ((this.guessed >>> level) & 1) return false;
    const top = this.topLevel();
    if (top === 0) return ((this.taken >>> level) & 1) !== 0 || !this.mmu.unseen.hasGaps;
    if (level >= top) return this.vcpu.isPageCertain(this.page);
    if (!this.isCertain(level + 1)) return false;
    if ((this.taken >>> level) & 1) return true;
    const parent = this.at(level + 1);
    // Found by its key, which only one page has: where all pages are known.
    if (parent === NO_PAGE) return !this.mmu.unseen.hasGaps;
    const tag = this.mmu.state.tag(this.mmu.pages.entryCell(parent, this.indexAt(level + 1)));
    return entryTrust(tag) !== Trust.assumed && (entryState(tag) === EntryState.link || !this.mmu.unseen.hasGaps);
  }

  /** The role of the page that the fault needs at a level, below a known one: from its parent's, or from the vCPU's and the address. */
  childRole(level: number, direct: boolean, access: number): Role {
    const root = this.vcpu.rootFor(this.page);
    const { pages, roles, state } = this.mmu;
    if (roles.fromParent || root === NO_PAGE) return this.mmu.childRole(this.at(level + 1), this.indexAt(level + 1), direct, access);
    return roles.ofAddress(pages.role(state, root), BigInt(this.page) << PAGE_SHIFT, level, direct, access);
  }

  /** What the fault must ask for at a level, by the rule of the child role; undefined when the parent is not known. */
  childAt(level: number, direct: boolean): Child | undefined {
    const parent = this.at(level + 1);
    if (parent === NO_PAGE) return undefined;
    const gfn = direct ? this.directGfn(level) : this.walk?.tableGfn(level);
    if (gfn === undefined) return undefined;
    const index = this.indexAt(level + 1);
    return {
      parent,
      index,
      gfn,
      role: this.childRole(level, direct, this.accessOf(level, direct)),
    };
  }

  /** An event showed the page of a level: it is linked next, unless the fault gives up. */
  took(level: number, page: PageId, ambiguous = false, trust: Trust = Trust.assumed): void {
    this.known[level] = page;
    this.taken |= 1 << level;
    if (ambiguous) this.guessed |= 1 << level;
    const parent = this.at(level + 1);
    if (parent === NO_PAGE || !this.isCertain(level + 1)) this.mmu.unseen.strayed();
    if (parent === NO_PAGE) return this.tookBelowUnknownRoot(level);
    this.mmu.link(parent, this.indexAt(level + 1), page, trust);
    this.unproven = level;
  }

  /** The fault found links missing on its way: what made the CPU fault was not the leaf. */
  get tookPages(): boolean {
    return this.taken !== 0;
  }

  /** Other evidence showed which page of a level the fault goes through. */
  isAt(level: number, page: PageId): void {
    this.known[level] = page;
  }

  /** The fault went on below `level`: every link down to it is in place. */
  provenDownTo(level: number): void {
    this.unproven = 0;
    for (let child = this.topLevel() - 1; child >= level; child--) {
      const parent = this.at(child + 1);
      const page = this.at(child);
      if (parent === NO_PAGE || page === NO_PAGE) continue;
      this.mmu.link(
        parent,
        this.indexAt(child + 1),
        page,
        this.isCertain(child) && this.isCertain(child + 1) ? Trust.derived : Trust.assumed,
      );
    }
  }

  /** The fault ended before the last page it took was proven to be linked: a guest entry had changed, and KVM starts over. */
  gaveUp(): { parent: PageId; index: SpteIndex } | undefined {
    if (this.unproven === 0) return undefined;
    return { parent: this.at(this.unproven + 1), index: this.indexAt(this.unproven + 1) };
  }

  private topLevel(): number {
    return this.vcpu.rootLevel();
  }

  private find(level: number): PageId {
    const top = this.topLevel();
    if (level === top && top !== 0) return this.root();
    if (level > (top || HIGHEST_LEVEL)) return NO_PAGE;
    const parent = this.at(level + 1);
    return this.linked(parent, level) || this.byKey(level, parent);
  }

  /**
   * The root of the address. A vCPU of a 4- or 5-level guest may have gone over to a cached root without an event; then it is the one
   * that agrees with the walk, and {@link NO_PAGE} while several do.
   */
  private root(): PageId {
    const root = this.vcpu.rootFor(this.page);
    if (this.vcpu.isRootCertain() || this.vcpu.shape() !== 'single' || !this.walk) return root;
    const level = this.topLevel();
    const below = this.walk.tableGfn(level - 1);
    const fitting = this.inMode([root, ...this.vcpu.previousRoots()].filter((candidate) => this.fits(candidate, level, below)));
    const leading = fitting.filter((candidate) => this.linkedChild(candidate, level) !== NO_PAGE);
    // A fault that takes no page below the root went through a link that is there; one that does, through an empty entry.
    const candidates = this.tookBelowRoot(level) ? fitting.filter((candidate) => !leading.includes(candidate)) : leading;
    if (candidates.length !== 1) return NO_PAGE;
    this.vcpu.switchTo(candidates[0]!);
    return candidates[0]!;
  }

  /** Roots of a nested guest serve that guest alone. Text traces do not print the bit. */
  private inMode(roots: PageId[]): PageId[] {
    const { pages, state } = this.mmu;
    const nested = roots.filter((page) => roleField(pages.role(state, page), 'guest_mode') === 1);
    if (nested.length === 0) return roots;
    return this.vcpu.inNestedGuest ? nested : roots.filter((page) => !nested.includes(page));
  }

  private tookBelowRoot(level: number): boolean {
    return ((this.taken >>> (level - 1)) & 1) !== 0;
  }

  /** One of several cached roots gets a link, and nothing says which: in none of them is the entry known to be empty any more. */
  private tookBelowUnknownRoot(level: number): void {
    if (level !== this.topLevel() - 1 || this.vcpu.shape() !== 'single') return;
    for (const root of [this.vcpu.rootFor(this.page), ...this.vcpu.previousRoots()]) this.mmu.setUnknown(root, this.indexAt(level + 1));
  }

  /** Whether a cached root can be the one in use: its entry is empty or leads to the table that the walk read, and its gfn agrees. */
  private fits(candidate: PageId, level: number, below: Gfn | undefined): boolean {
    const { gfn } = this.mmu.pages.birth(candidate);
    if (this.walk!.topGfn !== undefined && this.walk!.topGfn !== gfn) return false;
    const child = this.linkedChild(candidate, level);
    return child === NO_PAGE || below === undefined || this.mmu.pages.birth(child).gfn === below;
  }

  /** The child that the parent's entry leads to, if it is the one that the walk needs. */
  protected linked(parent: PageId, level: number): PageId {
    const child = this.linkedChild(parent, level + 1);
    if (child === NO_PAGE) return NO_PAGE;
    const birth = this.mmu.pages.birth(child);
    const wanted = roleField(birth.role, 'direct') ? this.directGfn(level) : this.walk?.tableGfn(level);
    return wanted === undefined || wanted === birth.gfn ? child : NO_PAGE;
  }

  protected linkedChild(page: PageId, level: number): PageId {
    if (page === NO_PAGE) return NO_PAGE;
    const { state, pages } = this.mmu;
    const cell = pages.entryCell(page, this.indexAt(level));
    if (entryState(state.tag(cell)) !== EntryState.link) return NO_PAGE;
    const child = state.number(cell) as PageId;
    return pages.isLive(state, child) ? child : NO_PAGE;
  }

  /** The one live page that the fault can mean at a level, by gfn and role; {@link NO_PAGE} when none or several fit. */
  protected byKey(level: number, parent: PageId): PageId {
    const { state, pages } = this.mmu;
    const indirect = this.walk?.tableGfn(level);
    const fits = (id: PageId, direct: boolean): boolean => {
      const role = pages.role(state, id);
      if (roleField(role, 'level') !== level || (roleField(role, 'direct') === 1) !== direct) return false;
      if (roleField(role, 'invalid') || pages.birth(id).generation !== this.mmu.generation()) return false;
      if (parent !== NO_PAGE) return role === this.childRole(level, direct, roleField(role, 'access')) && accessFits(role, direct);
      return accessFits(role, direct) && quadrantFits(role);
    };
    const accessFits = (role: Role, direct: boolean): boolean => direct || roleField(role, 'access') === this.accessOf(level, false);
    const quadrantFits = (role: Role): boolean =>
      !roleField(role, 'has4ByteGpte') || level > 1 || roleField(role, 'quadrant') === (this.indexAt(2) & 1);
    const candidates = [
      ...(indirect === undefined ? [] : this.mmu.livePages(indirect).filter((id) => fits(id, false))),
      ...this.mmu.livePages(this.directGfn(level)).filter((id) => fits(id, true)),
    ];
    return candidates.length === 1 ? candidates[0]! : NO_PAGE;
  }

  /** gfn of a direct page of a level: what its first entry maps. */
  directGfn(level: number): Gfn {
    const gfn = this.walk ? (this.walk.gfn ?? -1) : this.page;
    const whole = this.walk && !this.mmu.has('direct-gfn-of-part') ? pagesMapped(this.walk.mode, this.walk.leafLevel) : 0;
    const covered = Math.max(pagesPerEntry(level + 1), whole);
    return (gfn - (gfn % covered)) as Gfn;
  }

  /** Rights of a page of a level: those above its guest table, or of the whole translation for a direct page below a large guest page. */
  private accessOf(level: number, direct: boolean): number {
    if (!this.walk) return ACC_ALL;
    return this.walk.tableAccess(direct ? this.walk.leafLevel - 1 : level);
  }
}
