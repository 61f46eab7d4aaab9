import { EntryState, Trust, entryState, entryTrust } from '../engine/entry.js';
import { hashBucket } from '../engine/hash.js';
import { headlessTables } from '../engine/headlessTables.js';
import { BEFORE_FIRST, type EventIndex, type Gfn, type PageId, type SpteIndex } from '../engine/ids.js';
import type { RecordIndex } from '../engine/journal.js';
import type { Mmu } from '../engine/mmu.js';
import { Life } from '../engine/pages.js';
import { roleField, withRole } from '../engine/role.js';
import { frameBits, pagesPerEntry } from '../engine/spte.js';
import { State } from '../engine/state.js';
import { OF_EMULATION, STATISTICS } from '../engine/statistics.js';
import { Cause } from '../engine/unseen.js';
import type { Vcpu } from '../engine/vcpu.js';
import { spteLetter } from './letters.js';
import { doubtOf, doubtOfPage, doubtOfVm } from './doubts.js';
import { ReverseIndex } from './reverseIndex.js';
import type { History } from './history.js';
import { HistoryIndex } from './historyIndex.js';
import { identity } from './identities.js';
import type { Doubt, VcpuRoots, EntryView, Grade, PageHeader, PageView, SpteKind, StatisticView } from './view.js';

const GRADES: Record<Trust, Grade> = { [Trust.recorded]: 'recorded', [Trust.derived]: 'derived', [Trust.assumed]: 'assumed' };

/** One position in the history, and the state there. Positions are events: the state is the one after that event. */
export class Cursor {
  private readonly state: State;
  private reverseIndex: ReverseIndex | undefined;
  private isInside = false;
  /** pages at this position: whatever shows a stop asks for the same ones again and again */
  private readonly headers = new Map<PageId, PageHeader>();
  private readonly views = new Map<PageId, PageView>();
  /** entries of the page that was looked at last, likewise */
  private shown: { readonly page: PageId; readonly entries: readonly EntryView[] } | undefined;
  /** the state after a later event, for comparison: kept, since it is of the size of all cells */
  private later: State | undefined;

  constructor(
    private readonly replay: History,
    private readonly index = new HistoryIndex(replay),
  ) {
    this.state = new State(replay.journal, index.checkpoints);
  }

  get event(): EventIndex {
    return this.state.event;
  }

  /** Moves to the state after `event`, which must have been replayed; -1 is the state before the trace. */
  seek(event: EventIndex): void {
    if (event < BEFORE_FIRST || event >= this.replay.replayed) throw new RangeError(`event ${event} has not been replayed`);
    if (event === this.state.event && !this.isInside) return;
    this.state.seek(event);
    this.isInside = false;
    this.moved();
  }

  /** Moves to a step of the engine in the midst of what followed from `event`: the records of the journal below `record` are in force. */
  seekInside(event: EventIndex, record: RecordIndex): void {
    this.state.seekTo(record, event);
    this.isInside = true;
    this.moved();
  }

  usedPages(vm: number): number {
    return this.replay.mmus[vm]?.usedPages(this.state) ?? 0;
  }

  generation(vm: number): number {
    return this.replay.mmus[vm]?.generation(this.state) ?? 0;
  }

  /** KVM's counters of a VM; `partial` where the trace does not show all that they count. */
  statistics(vm: number): StatisticView[] {
    const mmu = this.replay.mmus[vm];
    if (!mmu) return [];
    const exits = mmu.unseen.last(this.state, Cause.exitsSeen) !== BEFORE_FIRST;
    return STATISTICS.map((name) => ({
      name,
      value: mmu.statistics.value(name, this.state),
      partial: mmu.incomplete || mmu.statistics.isGuess(name, this.state) || (OF_EMULATION.has(name) && !exits),
    }));
  }

  /** Why not all live pages of a VM may be listed; undefined while they are. */
  doubt(vm: number): Doubt | undefined {
    const mmu = this.replay.mmus[vm];
    return mmu && doubtOfVm(mmu, this.state);
  }

  /** Live pages in order of birth, zapped roots that are still in use included. */
  livePages(vm: number): PageId[] {
    return this.reverse.livePages(vm);
  }

  private rootDoubt(vcpu: Vcpu, hasCached: boolean): { doubt?: string } {
    if (vcpu.isOutOfSight(this.state)) return { doubt: 'events are missing: another root may be in use' };
    return hasCached && !vcpu.isRootCertain(this.state) ? { doubt: 'CR3 was written: one of the cached roots may be in use' } : {};
  }

  /** The hash of shadow pages: buckets that are not empty, in each the newest page first, as kvm_mmu_get_page finds them. */
  hashBuckets(vm: number): { bucket: number; pages: PageId[] }[] {
    const buckets = new Map<number, PageId[]>();
    for (const id of this.livePages(vm)) {
      if (this.replay.pages.isLocal(id)) continue;
      const bucket = hashBucket(this.replay.pages.birth(id).gfn);
      buckets.set(bucket, [id, ...(buckets.get(bucket) ?? [])]);
    }
    return [...buckets].map(([bucket, pages]) => ({ bucket, pages })).sort((a, b) => a.bucket - b.bucket);
  }

  /** A page, also one that is gone: then as it was last. */
  page(id: PageId): PageView {
    let view = this.views.get(id);
    if (!view) {
      view = { ...this.header(id), parents: this.parentsOf(id), roots: this.rootsOf(id) };
      this.views.set(id, view);
    }
    return view;
  }

  /** The SPTEs that lead to a page. */
  parentsOf(id: PageId): PageView['parents'] {
    return this.reverse.parentsOf(id);
  }

  /** Where a page is in use as a root. */
  rootsOf(id: PageId): PageView['roots'] {
    return this.reverse.rootsOf(id);
  }

  /** A page of one vCPU, in no list. */
  isLocal(id: PageId): boolean {
    return this.replay.pages.isLocal(id);
  }

  /** A page without what leads to it: cheap at any position, since nothing is searched for. */
  header(id: PageId): PageHeader {
    let header = this.headers.get(id);
    if (!header) this.headers.set(id, (header = this.headerOf(id)));
    return header;
  }

  private headerOf(id: PageId): PageHeader {
    const { pages } = this.replay;
    const birth = pages.birth(id);
    const mmu = this.mmuOf(id);
    const derived = pages.role(this.state, id);
    const recorded = pages.disputed(this.state, id);
    const role = recorded ? withRole(recorded.role, { invalid: roleField(derived, 'invalid') }) : derived;
    const life = pages.life(this.state, id);
    const unsync = pages.isUnsync(this.state, id);
    const frame = pages.frame(this.state, id);
    const died = pages.died(id);
    const doubt = life === Life.none ? undefined : doubtOfPage(mmu, this.state, id);
    return {
      id,
      ...identity(this.replay, id, role, recorded?.gfn ?? pages.gfn(this.state, id)),
      word: this.replay.wordOf(role),
      local: birth.local !== undefined,
      live: life !== Life.none,
      invalid: life === Life.pinned,
      obsolete: life !== Life.none && birth.generation !== mmu.generation(this.state),
      rootCount: pages.rootCount(this.state, id),
      unsync,
      unsyncSince: unsync ? this.state.writtenAt(pages.unsyncCell(id)) : undefined,
      bornBefore: birth.before,
      ...(doubt ? { doubt } : {}),
      zappedAt: died <= this.event ? died : undefined,
      frame: frame ?? null,
      frameGrade: frame === undefined ? 'unknown' : 'recorded',
      derivedQuadrant:
        recorded && roleField(role, 'quadrant') !== roleField(derived, 'quadrant') ? roleField(derived, 'quadrant') : undefined,
    };
  }

  entry(id: PageId, index: SpteIndex): EntryView {
    return this.entryOf(id, index, this.recordOf(id, index));
  }

  /** Entries that are not empty, by index. */
  entries(id: PageId): readonly EntryView[] {
    if (this.shown?.page !== id) this.shown = { page: id, entries: this.entriesOf(id) };
    return this.shown.entries;
  }

  private entriesOf(id: PageId): EntryView[] {
    const found: EntryView[] = [];
    for (let i = 0; i < 512; i++) {
      const index = i as SpteIndex;
      const record = this.recordOf(id, index);
      if (this.replay.journal.tag(record) !== 0) found.push(this.entryOf(id, index, record));
    }
    return found;
  }

  /** The letter of ui.md §2. */
  spteKind(id: PageId, entry: EntryView): SpteKind {
    return spteLetter(this.mmuOf(id), this.state, id, entry);
  }

  /** The roots of a VM's vCPUs, by vCPU number. */
  roots(vm: number): VcpuRoots[] {
    return this.replay.vcpus
      .filter((vcpu) => vcpu.vm === vm)
      .map((vcpu) => {
        const cached = vcpu.previousRoots(this.state);
        return {
          vcpu: vcpu.id,
          pages: vcpu.roots(this.state),
          tables: headlessTables(this.replay.mmus[vm]!, vcpu, this.state),
          cached,
          ...this.rootDoubt(vcpu, cached.length > 0),
        };
      })
      .sort((a, b) => a.vcpu - b.vcpu);
  }

  /** Live pages that shadow a gfn, oldest first. */
  pagesOfGfn(vm: number, gfn: Gfn): PageId[] {
    return this.replay.pages.everOfGfn(vm, gfn).filter((id) => this.replay.pages.isLive(this.state, id));
  }

  /** Live leaves that map a gfn, by any page size. */
  mappers(vm: number, gfn: Gfn): { page: PageId; index: SpteIndex }[] {
    return this.reverse.mappers(vm, gfn);
  }

  /** First guest address that a page maps, by its way from a root; the current vCPU's roots come first. */
  baseAddress(id: PageId): bigint | undefined {
    return this.baseOf(id, new Set());
  }

  /** Entries that differ from the state after an earlier or later event. */
  changedSince(id: PageId, event: EventIndex): { index: SpteIndex; before: EntryView }[] {
    const changed: { index: SpteIndex; before: EntryView }[] = [];
    const { pages, journal } = this.replay;
    if (event < pages.born(id)) {
      // The page was not there: every entry it has now is new.
      return this.entries(id).map(({ index }) => ({ index, before: this.entryOf(id, index, 0) }));
    }
    const later = event > this.event ? (this.later ??= new State(journal, this.index.checkpoints)) : undefined;
    later?.seek(event);
    for (let i = 0; i < 512; i++) {
      const index = i as SpteIndex;
      const cell = pages.entryCell(id, index);
      const before = later ? later.record(cell) : this.state.recordAt(cell, event);
      const now = this.recordOf(id, index);
      if (before !== now && journal.word(before) !== journal.word(now)) changed.push({ index, before: this.entryOf(id, index, before) });
    }
    return changed;
  }

  /** Changes of an entry, newest first, up to the position. */
  history(id: PageId, index: SpteIndex): { event: EventIndex; entry: EntryView; why: string }[] {
    const { journal, pages, table } = this.replay;
    const found: { event: EventIndex; entry: EntryView; why: string }[] = [];
    for (
      let record = this.recordOf(id, index);
      record !== 0 && journal.event(record) >= pages.born(id);
      record = journal.previous(record)
    ) {
      found.push({ event: journal.event(record), entry: this.entryOf(id, index, record), why: table.name(journal.event(record)) });
    }
    return found;
  }

  /** The 512 SPTEs as they lie in memory, little endian; a link whose frame is not known has frame 0. */
  memory(id: PageId): Uint8Array {
    const bytes = new Uint8Array(4096);
    const view = new DataView(bytes.buffer);
    for (const entry of this.entries(id)) view.setBigUint64(entry.index * 8, entry.value ?? entry.flags ?? 0n, true);
    return bytes;
  }

  private moved(): void {
    this.reverseIndex = undefined;
    this.headers.clear();
    this.views.clear();
    this.shown = undefined;
  }

  private mmuOf(id: PageId): Mmu {
    return this.replay.mmus[Math.max(0, this.replay.pages.birth(id).vm)]!;
  }

  private get reverse(): ReverseIndex {
    this.reverseIndex ??= new ReverseIndex(this.replay, this.index.live, this.state);
    return this.reverseIndex;
  }

  /** The record of an entry in force; for a page that is gone, the last one before it went. */
  private recordOf(id: PageId, index: SpteIndex): RecordIndex {
    const { pages } = this.replay;
    const cell = pages.entryCell(id, index);
    if (this.event < pages.born(id)) return 0;
    const died = pages.died(id);
    const record = died > this.event ? this.state.record(cell) : this.state.recordAt(cell, (died - 1) as EventIndex);
    // The cells of a page that is gone serve the next: what was written before the birth is another page's.
    return this.replay.journal.event(record) < pages.born(id) ? 0 : record;
  }

  private entryOf(id: PageId, index: SpteIndex, record: RecordIndex): EntryView {
    const { journal, pages } = this.replay;
    const tag = journal.tag(record);
    const setBy = journal.event(record);
    const { knowsAll } = this.replay;
    const doubt = knowsAll ? undefined : doubtOf(this.mmuOf(id), this.state, id, index, record);
    const common = { index, setBy, grade: knowsAll ? 'recorded' : GRADES[entryTrust(tag)], ...(doubt ? { doubt } : {}) } as const;
    switch (entryState(tag)) {
      case EntryState.empty:
        return { index, setBy, grade: 'derived', state: 'empty', value: 0n };
      case EntryState.link: {
        const child = journal.number(record) as PageId;
        const link = this.mmuOf(id).linkFlags(id);
        const frame = pages.frame(this.state, child);
        return { ...common, state: 'link', child, value: frame === undefined ? null : frameBits(frame) | link, flags: link };
      }
      case EntryState.unknown:
        return { ...common, state: 'unknown', value: null, grade: 'unknown' };
      default: {
        const gfn = journal.number(this.state.recordAt(pages.gfnCell(id, index), Math.max(setBy, BEFORE_FIRST) as EventIndex)) as Gfn;
        const state = entryState(tag) === EntryState.mmio ? 'mmio' : 'leaf';
        const value = journal.word(record);
        const recorded = this.recordedSpte(id, index, setBy);
        if (recorded === undefined || recorded === value) return { ...common, state, value, gfn };
        return { ...common, state, value: recorded, derived: value, grade: 'contradicted', gfn };
      }
    }
  }

  /** What the event that set an SPTE recorded, where the engine goes on with another value. */
  private recordedSpte(id: PageId, index: SpteIndex, setBy: EventIndex): bigint | undefined {
    const { notes } = this.replay;
    const place = notes.spteOf(setBy);
    return place?.page === id && place.index === index ? notes.recordedSpte(setBy) : undefined;
  }

  private baseOf(id: PageId, seen: Set<PageId>): bigint | undefined {
    if (seen.has(id)) return undefined;
    seen.add(id);
    const view = this.page(id);
    const [root] = view.roots;
    if (root) return view.level >= 3 ? 0n : BigInt(root.slot) << 30n;
    for (const { page, index } of view.parents) {
      const base = this.baseOf(page, seen);
      if (base === undefined) continue;
      const level = this.replay.pages.level(page);
      const address = base + ((BigInt(index) * BigInt(pagesPerEntry(level))) << 12n);
      // Above half of the 48 bits of a 4-level table, addresses are sign-extended.
      return level === 4 && index >= 256 ? BigInt.asUintN(64, BigInt.asIntN(48, address)) : address;
    }
    // A page directory of 4-byte entries maps the same GiB in every root: its quadrant is the address.
    if (view.level === 2 && view.gpteBytes === 4 && !view.direct) return BigInt(view.quadrant) << 30n;
    return undefined;
  }
}
