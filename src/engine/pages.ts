import type { Identity } from './announcement.js';
import { BEFORE_FIRST, type EventIndex, type Gfn, type PageId, type Pfn, type Role, type SpteIndex } from './ids.js';
import type { CellId, Journal } from './journal.js';
import { roleField, withRole } from './role.js';
import type { State, WritableState } from './state.js';

/** A page's place in life. */
export const Life = {
  none: 0,
  /** on the active list */
  active: 1,
  /** zapped while in use as a root: invalid, off the list, waiting for its last root_count to go */
  pinned: 2,
} as const;
export type Life = (typeof Life)[keyof typeof Life];

/** Cells of a page's header, by offset. */
const Header = {
  life: 0,
  rootCount: 1,
  unsync: 2,
  frame: 3,
  /** the other reading's role; the tag is a {@link Dispute} */
  otherRole: 4,
  otherGfn: 5,
  entriesDoubted: 6,
  confused: 7,
  written: 8,
  flooding: 9,
  /** the last loss of events after which an event was about the page, plus 1 */
  seenSince: 10,
} as const;
const HEADER_CELLS = 11;
/** Whether an event contradicted what the engine had a page for, and what a later one decided. */
const Dispute = { none: 0, open: 1, forRecord: 2 } as const;
const ENTRIES = 512;
/** No shadow page lies in frame 0, where the BIOS keeps its vectors. */
const NO_FRAME = 0;

/** What the engine knows of a page from its birth on, and never changes. */
export interface Birth {
  readonly vm: number;
  readonly gfn: Gfn;
  readonly role: Role;
  readonly generation: number;
  /** the page was there before the trace began, or before a loss of events */
  readonly before: boolean;
  /** a local page of one vCPU (`localPages.ts`): its table is the vCPU's `pae_root`, or one of its own */
  readonly local?: 'pae_root' | 'table';
}

/** A page as one who follows another's pages is told of it. */
export interface NewPage {
  readonly birth: Birth;
  readonly born: EventIndex;
  readonly header: CellId;
  readonly block: CellId;
}

/** What one who follows another's pages is told from time to time. */
export interface PagesGrowth {
  readonly born: readonly NewPage[];
  /** page and event, in order */
  readonly gone: readonly (readonly [PageId, EventIndex])[];
}

/**
 * All shadow pages of a trace, `struct kvm_mmu_page`. What is fixed at birth is kept here; what changes lives in journal cells.
 * The SPTEs' cells of a page that is gone serve the next page, as the kernel's page frames do.
 */
export class ShadowPages {
  private readonly births: Birth[] = [];
  private readonly bornAt: EventIndex[] = [];
  private readonly diedAt: EventIndex[] = [];
  private readonly headers: CellId[] = [];
  private readonly blocks: CellId[] = [];
  private readonly freeBlocks: CellId[] = [];
  private readonly byGfn = new Map<string, PageId[]>();
  /** pages that are gone, in the order in which they went */
  private readonly gone: PageId[] = [];

  constructor(private readonly journal: Journal) {
    // Page 0 is "no page": its cells exist, so that no caller needs a special case for reading.
    this.add({ vm: -1, gfn: 0 as Gfn, role: 0 as Role, generation: 0, before: false }, BEFORE_FIRST);
  }

  /** Ids run from 1 to this. */
  get last(): PageId {
    return (this.births.length - 1) as PageId;
  }

  birth(id: PageId): Birth {
    return this.births[id]!;
  }
  born(id: PageId): EventIndex {
    return this.bornAt[id]!;
  }
  /** The event after which the page is gone; `Infinity` while it lives at the end of what was replayed. */
  died(id: PageId): EventIndex {
    return this.diedAt[id]!;
  }

  /** A new page in `state`, active and empty. */
  create(state: WritableState, birth: Birth, rootCount: number, unsync: boolean): PageId {
    const id = this.add(birth, state.now);
    if (!birth.local) this.addToGfn(id, gfnKey(birth.vm, birth.gfn));
    state.setNumber(this.headers[id]! + Header.life, Life.active);
    if (rootCount) this.setRootCount(state, id, rootCount);
    if (unsync) this.setUnsync(state, id, true);
    return id;
  }

  /** The page is gone; its entries must be empty by now. */
  destroy(state: WritableState, id: PageId): void {
    state.setNumber(this.headers[id]! + Header.life, Life.none);
    this.diedAt[id] = state.now;
    this.gone.push(id);
    this.freeBlocks.push(this.blocks[id]!);
  }

  pin(state: WritableState, id: PageId): void {
    state.setNumber(this.headers[id]! + Header.life, Life.pinned);
  }

  /** How many pages there were, and how many of them are gone. */
  get mark(): { readonly last: PageId; readonly gone: number } {
    return { last: this.last, gone: this.gone.length };
  }

  /** What became of the pages since a mark. */
  growth(since: { readonly last: PageId; readonly gone: number }): PagesGrowth {
    const born: NewPage[] = [];
    for (let id = since.last + 1; id <= this.last; id++) {
      born.push({ birth: this.births[id]!, born: this.bornAt[id]!, header: this.headers[id]!, block: this.blocks[id]! });
    }
    return { born, gone: this.gone.slice(since.gone).map((id) => [id, this.diedAt[id]!]) };
  }

  /** Follows another's pages, whose cells are in the journal already. */
  adopt({ born, gone }: PagesGrowth): void {
    for (const { birth, born: event, header, block } of born) {
      const id = this.push(birth, event, header, block);
      if (!birth.local) this.addToGfn(id, gfnKey(birth.vm, birth.gfn));
    }
    for (const [id, event] of gone) this.diedAt[id] = event;
  }

  /** Every page that ever had this gfn, oldest first. */
  everOfGfn(vm: number, gfn: Gfn): readonly PageId[] {
    return this.byGfn.get(gfnKey(vm, gfn)) ?? [];
  }

  life(state: State, id: PageId): Life {
    return state.number(this.headers[id]! + Header.life) as Life;
  }
  isLive(state: State, id: PageId): boolean {
    return this.life(state, id) !== Life.none;
  }

  /** Number of root slots of all vCPUs that refer to the page (`root_count`). */
  rootCount(state: State, id: PageId): number {
    return state.number(this.headers[id]! + Header.rootCount);
  }
  setRootCount(state: WritableState, id: PageId, count: number): void {
    state.keepNumber(this.headers[id]! + Header.rootCount, count);
  }
  rootCountCell(id: PageId): CellId {
    return this.headers[id]! + Header.rootCount;
  }

  isUnsync(state: State, id: PageId): boolean {
    return state.number(this.headers[id]! + Header.unsync) === 1;
  }
  setUnsync(state: WritableState, id: PageId, unsync: boolean): void {
    state.keepNumber(this.headers[id]! + Header.unsync, unsync ? 1 : 0);
  }
  unsyncCell(id: PageId): CellId {
    return this.headers[id]! + Header.unsync;
  }
  lifeCell(id: PageId): CellId {
    return this.headers[id]! + Header.life;
  }

  /** Guest writes to the table since the page was last used (`write_flooding_count`). */
  writeFlooding(state: State, id: PageId): number {
    return state.number(this.headers[id]! + Header.flooding);
  }
  setWriteFlooding(state: WritableState, id: PageId, count: number): void {
    state.keepNumber(this.headers[id]! + Header.flooding, count);
  }

  /** Page frame of the 512 SPTEs; undefined until an event showed it. */
  frame(state: State, id: PageId): Pfn | undefined {
    const frame = state.number(this.headers[id]! + Header.frame);
    return frame === NO_FRAME ? undefined : (frame as Pfn);
  }
  setFrame(state: WritableState, id: PageId, frame: Pfn): void {
    state.keepNumber(this.headers[id]! + Header.frame, frame);
  }
  /** Since when the frame is what it is. */
  frameSince(state: State, id: PageId): EventIndex {
    return state.writtenAt(this.headers[id]! + Header.frame);
  }
  forgetFrame(state: WritableState, id: PageId): void {
    state.keepNumber(this.headers[id]! + Header.frame, NO_FRAME);
  }

  /** The role that the engine goes on with, `invalid` as the page's life has it. */
  role(state: State, id: PageId): Role {
    const role = this.isOther(state, id) ? (state.number(this.headers[id]! + Header.otherRole) as Role) : this.births[id]!.role;
    return this.life(state, id) === Life.pinned ? withRole(role, { invalid: 1 }) : role;
  }
  /** The guest frame that the engine goes on with. */
  gfn(state: State, id: PageId): Gfn {
    return this.isOther(state, id) ? (state.number(this.headers[id]! + Header.otherGfn) as Gfn) : this.births[id]!.gfn;
  }
  /** An event says that the page is another than the engine has. Both readings are kept; the engine goes on with its own. */
  dispute(state: WritableState, id: PageId, recorded: Identity): void {
    state.setNumber(this.headers[id]! + Header.otherRole, withRole(recorded.role, { invalid: 0 }), Dispute.open);
    state.setNumber(this.headers[id]! + Header.otherGfn, recorded.gfn);
  }
  /** A later event decided between the two readings. */
  decide(state: WritableState, id: PageId, forRecord: boolean): void {
    const cell = this.headers[id]! + Header.otherRole;
    state.setNumber(cell, state.number(cell), forRecord ? Dispute.forRecord : Dispute.none);
  }
  /** The recorded reading of a page in dispute. */
  disputed(state: State, id: PageId): Identity | undefined {
    const cell = this.headers[id]! + Header.otherRole;
    if (state.tag(cell) !== Dispute.open) return undefined;
    return { gfn: state.number(this.headers[id]! + Header.otherGfn) as Gfn, role: state.number(cell) as Role };
  }

  /** Written where an event said that the page is another than the engine has, and where that was decided. */
  disputeCell(id: PageId): CellId {
    return this.headers[id]! + Header.otherRole;
  }

  private isOther(state: State, id: PageId): boolean {
    return state.tag(this.headers[id]! + Header.otherRole) === Dispute.forRecord;
  }

  level(id: PageId): number {
    return roleField(this.births[id]!.role, 'level');
  }
  /** A page of one vCPU alone, above the page directories of a 32-bit guest: no hash, no list and no count has it. */
  isLocal(id: PageId): boolean {
    return this.births[id]!.local !== undefined;
  }
  /**
   * The page shadows a guest page table: it is write-protected, accounted, and can be unsync [6.1 mmu.c:sp_has_gptes]. The role of a
   * local page says so too, but no gfn leads to it.
   */
  hasGptes(id: PageId): boolean {
    const { role } = this.births[id]!;
    return !roleField(role, 'direct') && !roleField(role, 'passthrough') && !this.isLocal(id);
  }

  /** The cell of an SPTE. */
  entryCell(id: PageId, index: SpteIndex): CellId {
    return this.blocks[id]! + index;
  }
  /** The cell of the guest frame that a leaf maps (`shadowed_translation`). */
  gfnCell(id: PageId, index: SpteIndex): CellId {
    return this.blocks[id]! + ENTRIES + index;
  }
  /** Written when something may have changed any leaf of the page unseen; its event is the moment. */
  doubtCell(id: PageId): CellId {
    return this.headers[id]! + Header.entriesDoubted;
  }

  /** Written when an event may have been about this page or about another that looks alike; its event is the moment. */
  confusedCell(id: PageId): CellId {
    return this.headers[id]! + Header.confused;
  }

  /**
   * When KVM may last have made a guest write anywhere into the table that the page shadows; undefined when never. Told by the
   * cell's value, since a suspicion that turns out wrong is taken back.
   */
  writtenSince(state: State, id: PageId): EventIndex | undefined {
    const value = state.number(this.headers[id]! + Header.written);
    return value === 0 ? undefined : ((value - 1) as EventIndex);
  }
  setWrittenSince(state: WritableState, id: PageId, since: EventIndex | undefined): void {
    state.keepNumber(this.headers[id]! + Header.written, since === undefined ? 0 : since + 1);
  }

  /** An event was about the page after events were lost, `lost` being the first after the loss. */
  wasSeenSince(state: State, id: PageId, lost: EventIndex): boolean {
    return state.number(this.headers[id]! + Header.seenSince) === lost + 1;
  }
  setSeenSince(state: WritableState, id: PageId, lost: EventIndex): void {
    state.keepNumber(this.headers[id]! + Header.seenSince, lost + 1);
  }

  /** Cells of one header; it begins with {@link lifeCell}. */
  readonly headerCells = HEADER_CELLS;

  /** The cells of a page that say something of it: [first, count] runs, header and SPTEs. */
  cellRuns(id: PageId): readonly (readonly [CellId, number])[] {
    return [
      [this.headers[id]!, Header.entriesDoubted],
      [this.blocks[id]!, ENTRIES],
    ];
  }

  private addToGfn(id: PageId, key: string): void {
    const siblings = this.byGfn.get(key);
    if (siblings) siblings.push(id);
    else this.byGfn.set(key, [id]);
  }

  private add(birth: Birth, event: EventIndex): PageId {
    const header = this.journal.allocate(HEADER_CELLS);
    return this.push(birth, event, header, this.freeBlocks.pop() ?? this.journal.allocate(2 * ENTRIES));
  }

  private push(birth: Birth, event: EventIndex, header: CellId, block: CellId): PageId {
    const id = this.births.length as PageId;
    this.births.push(birth);
    this.bornAt.push(event);
    this.diedAt.push(Infinity as EventIndex);
    this.headers.push(header);
    this.blocks.push(block);
    return id;
  }
}

function gfnKey(vm: number, gfn: Gfn): string {
  return `${vm}:${gfn}`;
}
