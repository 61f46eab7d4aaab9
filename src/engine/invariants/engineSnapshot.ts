import { EntryState, Trust, entryState, entryTrust } from '../entry.js';
import { hashBucket } from '../hash.js';
import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Role, type SpteIndex } from '../ids.js';
import type { Mmu } from '../mmu.js';
import { frameBits } from '../spte.js';
import { roleField } from '../role.js';
import type { State } from '../state.js';
import { Cause, unseenChange } from '../unseen.js';
import type { Vcpu } from '../vcpu.js';
import {
  type Counters,
  type EntrySnapshot,
  type PageSnapshot,
  type Place,
  type RmapSnapshot,
  type Snapshot,
  type VcpuSnapshot,
} from './snapshot.js';

/** Levels of pages with leaves: 4 KiB, 2 MiB, 1 GiB. */
const LEAF_LEVELS = [1, 2, 3];
/** MMIO generation of kernels from 5.13 on: bits 3..10 and 52..62 (spec/spte.md §4). */
const GENERATION_LOW = 0xffn;
const GENERATION_HIGH = 0x7ffn;

/** What is known of a VM beside the engine's cells; whatever is absent is not known. */
export interface Known extends Partial<
  Pick<Snapshot, 'features' | 'roleMask' | 'counters' | 'tracking' | 'guest' | 'host' | 'slots' | 'recent' | 'activeList'>
> {
  /** more of a page than its cells tell: counts, lists, descriptors */
  readonly page?: (id: PageId, state: State) => Partial<PageSnapshot>;
  /** more of a vCPU: whether it is in the guest, its pending requests */
  readonly vcpu?: (id: number, state: State) => Partial<VcpuSnapshot>;
}

/**
 * A snapshot of the engine's state, at the newest position or at one of the past. The engine's own look-up maps (hash, rmaps, parent
 * pointers) are part of it only at the newest, which is the only one they are of.
 */
export function snapshotOf(mmu: Mmu, vcpus: readonly Vcpu[], state: State = mmu.state, known: Known = {}): Snapshot {
  const reader = new EngineReader(mmu, vcpus, state, known);
  const pages: PageSnapshot[] = [];
  for (let id = 1; id <= mmu.pages.last; id++) {
    if (mmu.pages.birth(id as PageId).vm === mmu.vm && mmu.pages.isLive(state, id as PageId)) pages.push(reader.page(id as PageId));
  }
  const common = reader.common();
  const rmaps = reader.isNewest ? rmapsOf(mmu) : undefined;
  for (const id of goneButReferred({ ...common, pages, rmaps }, mmu, state)) pages.push(reader.page(id));
  return { ...common, pages, rmaps };
}

/** Pages that are gone, and that a link, an rmap or a root still refers to. */
function goneButReferred({ pages, rmaps = [], vcpus }: Snapshot, mmu: Mmu, state: State): Set<PageId> {
  const referred = new Set<PageId>();
  for (const { entries } of pages) for (const { child } of entries) if (child !== undefined) referred.add(child);
  for (const { places } of rmaps) for (const { page } of places) referred.add(page);
  for (const { roots, previous } of vcpus) for (const id of [...roots, ...previous]) if (id) referred.add(id);
  return new Set([...referred].filter((id) => !mmu.pages.isLive(state, id)));
}

function rmapsOf(mmu: Mmu): RmapSnapshot[] {
  const rmaps: RmapSnapshot[] = [];
  for (const gfn of mmu.mappedFrames()) {
    for (const [smm, level] of keysOf(mmu, mmu.rmap(gfn))) rmaps.push({ smm, level, gfn, places: rmapOf(mmu, smm, level, gfn) });
  }
  return rmaps;
}

/** Address spaces and levels that occur among SPTEs; one rmap each. */
function keysOf(mmu: Mmu, places: readonly Place[]): [smm: number, level: number][] {
  const keys = new Map(places.map(({ page }) => [`${smmOf(mmu, page)}:${mmu.pages.level(page)}`, page]));
  return [...keys.values()].map((page) => [smmOf(mmu, page), mmu.pages.level(page)]);
}

/** The SPTEs in the engine's rmap of a guest frame, for one address space and one page size. */
export function rmapOf(mmu: Mmu, smm: number, level: number, gfn: Gfn): readonly Place[] {
  return LEAF_LEVELS.includes(level) ? mmu.rmap(gfn).filter(({ page }) => mmu.pages.level(page) === level && smmOf(mmu, page) === smm) : [];
}

function smmOf(mmu: Mmu, page: PageId): number {
  return roleField(mmu.pages.birth(page).role, 'smm');
}

/** Reads pages, entries and vCPUs out of the engine's cells. */
export class EngineReader {
  /** when events were lost last */
  readonly lost: EventIndex;

  constructor(
    readonly mmu: Mmu,
    private readonly all: readonly Vcpu[],
    readonly state: State,
    readonly known: Known,
  ) {
    this.lost = mmu.unseen.last(state, Cause.lost);
  }

  get isNewest(): boolean {
    return this.state === this.mmu.state;
  }

  /** All of a snapshot but pages and rmaps. */
  common(): Omit<Snapshot, 'pages' | 'rmaps'> {
    const { mmu, state, known } = this;
    return {
      ...known,
      features: known.features ?? mmu,
      format: mmu.format,
      generation: mmu.generation(state),
      complete: this.complete,
      vcpus: this.vcpus(),
      counters: this.counters(),
    };
  }

  /** Every page that lives is known, and which is which. */
  get complete(): boolean {
    return !this.mmu.incomplete && !this.mmu.ambiguous;
  }

  counters(): Counters {
    return { used: this.mmu.usedPages(this.state), ...this.known.counters };
  }

  vcpus(): VcpuSnapshot[] {
    return this.all.filter((vcpu) => vcpu.vm === this.mmu.vm).map((vcpu) => this.vcpu(vcpu));
  }

  page(id: PageId): PageSnapshot {
    const page = new EnginePage(this, id);
    const more = this.known.page?.(id, this.state);
    return more ? Object.assign(page, more) : page;
  }

  entry(id: PageId, index: SpteIndex): EntrySnapshot | undefined {
    const { mmu, state } = this;
    const { pages } = mmu;
    const cell = pages.entryCell(id, index);
    const tag = state.tag(cell);
    const kind = entryState(tag);
    if (kind === EntryState.empty) return undefined;
    const certain = entryTrust(tag) !== Trust.assumed && unseenChange(mmu, state, id, index) === undefined;
    if (kind === EntryState.unknown) return { index, kind: 'unknown', certain: false };
    if (kind === EntryState.link) {
      const child = state.number(cell) as PageId;
      const frame = pages.frame(state, child);
      return { index, kind: 'link', certain, child, ...(frame === undefined ? {} : { spte: frameBits(frame) | mmu.linkFlags(id) }) };
    }
    const spte = (this.isNewest ? mmu.recordedSpte(cell) : undefined) ?? state.word(cell);
    const gfn = state.number(pages.gfnCell(id, index)) as Gfn;
    if (kind === EntryState.mmio) return { index, kind: 'mmio', certain, spte, gfn, mmioGeneration: this.mmioGeneration(spte) };
    return { index, kind: 'leaf', certain, spte, gfn, rmapKey: gfn };
  }

  vcpu(vcpu: Vcpu): VcpuSnapshot {
    const { state, mmu } = this;
    const roots = vcpu.roots(state);
    const first = roots.find((id) => id !== NO_PAGE);
    const certain = roots.map((_, slot) => vcpu.isSlotCertain(slot, state, this.lost));
    const previous = vcpu.previousRoots(state);
    return {
      id: vcpu.id,
      ...(first === undefined ? {} : { shape: mmu.pages.level(first) >= 4 || mmu.pages.isLocal(first) ? 'single' : 'pae' }),
      roots,
      certain,
      previous,
      // CR3 may have been written back to a cached root without an event.
      allCertain: first !== undefined && certain.every(Boolean) && (previous.length === 0 || vcpu.isRootCertain(state)),
      ...(mmu.has('flood-per-page') ? {} : { lastWrite: vcpu.lastWrite(state) }),
      ...this.known.vcpu?.(vcpu.id, state),
    };
  }

  entries(id: PageId): EntrySnapshot[] {
    const entries: EntrySnapshot[] = [];
    for (let index = 0; index < 512; index++) {
      const entry = this.entry(id, index as SpteIndex);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  private mmioGeneration(spte: bigint): number | undefined {
    if (this.mmu.format.name !== 'pt64' || this.mmu.format.mmuPresent === 0n) return undefined;
    return Number(((spte >> 3n) & GENERATION_LOW) | (((spte >> 52n) & GENERATION_HIGH) << 8n));
  }
}

/** A page as it is in the cells. Most looks at a page need little of it, so all is read when it is asked for. */
class EnginePage implements PageSnapshot {
  readonly gfn: Gfn;
  readonly generation: number;
  readonly role: Role;
  readonly freed: boolean;
  readonly local: boolean;
  private allEntries: EntrySnapshot[] | undefined;

  constructor(
    private readonly reader: EngineReader,
    readonly id: PageId,
  ) {
    const { mmu, state } = reader;
    const birth = mmu.pages.birth(id);
    this.gfn = birth.gfn;
    this.generation = birth.generation;
    this.local = birth.local !== undefined;
    this.role = mmu.pages.role(state, id);
    this.freed = !mmu.pages.isLive(state, id);
  }

  /** Record and engine agree in its role, no event may have been about another page, and no loss of events lies in its life. */
  get certain(): boolean {
    const { mmu, state, lost } = this.reader;
    const { pages } = mmu;
    return !pages.disputed(state, this.id) && state.record(pages.confusedCell(this.id)) === 0 && pages.born(this.id) >= lost;
  }
  get rootCount(): number {
    return this.reader.mmu.pages.rootCount(this.reader.state, this.id);
  }
  get unsync(): boolean {
    return this.reader.mmu.pages.isUnsync(this.reader.state, this.id);
  }
  get bucket(): number | null | undefined {
    const { mmu, isNewest } = this.reader;
    if (!isNewest) return undefined;
    return mmu.livePages(this.gfn).includes(this.id) ? hashBucket(this.gfn) : null;
  }
  get parents(): readonly Place[] | undefined {
    const { mmu, isNewest } = this.reader;
    return isNewest ? (this.freed ? [] : [...mmu.parents(this.id)]) : undefined;
  }
  get entries(): readonly EntrySnapshot[] {
    return (this.allEntries ??= this.freed ? [] : this.reader.entries(this.id));
  }
}
