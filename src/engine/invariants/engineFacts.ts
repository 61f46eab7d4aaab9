import type { Gfn, PageId, SpteIndex } from '../ids.js';
import type { Mmu } from '../mmu.js';
import type { Vcpu } from '../vcpu.js';
import { EngineReader, rmapOf, type Known } from './engineSnapshot.js';
import type { Facts, Mapping } from './facts.js';
import type { EntrySnapshot, Features, PageSnapshot, Place, VcpuSnapshot } from './snapshot.js';

/**
 * The newest state of the engine as the invariants see it, without a snapshot: look-ups go through the engine's own maps, and every
 * answer of theirs is held against the cells. Good for one event; the next one needs a new one.
 */
export class EngineFacts implements Facts {
  private readonly reader: EngineReader;
  private readonly read = new Map<PageId, PageSnapshot>();
  private allVcpus: VcpuSnapshot[] | undefined;

  constructor(
    private readonly mmu: Mmu,
    vcpus: readonly Vcpu[],
    private readonly known: Known,
    /** SPTEs that may lead to a page besides those that the engine has as its parents: page * 512 + index */
    private readonly links: ReadonlyMap<PageId, ReadonlySet<number>> = new Map(),
  ) {
    this.reader = new EngineReader(mmu, vcpus, mmu.state, known);
  }

  get format() {
    return this.mmu.format;
  }
  get features(): Features {
    return this.known.features ?? this.mmu;
  }
  get roleMask() {
    return this.known.roleMask;
  }
  get generation() {
    return this.mmu.generation();
  }
  get complete() {
    return this.reader.complete;
  }
  get vcpus(): readonly VcpuSnapshot[] {
    return (this.allVcpus ??= this.reader.vcpus());
  }
  get counters() {
    return this.reader.counters();
  }
  get tracking() {
    return this.known.tracking;
  }
  get guest() {
    return this.known.guest;
  }
  get host() {
    return this.known.host;
  }
  get slots() {
    return this.known.slots;
  }
  get recent() {
    return this.known.recent;
  }
  get activeList() {
    return this.known.activeList;
  }

  *pages(): Generator<PageSnapshot> {
    for (const id of this.mmu.hashed()) yield this.page(id)!;
    for (const id of this.mmu.localPages) yield this.page(id)!;
  }

  page(id: PageId): PageSnapshot | undefined {
    let page = this.read.get(id);
    if (page) return page;
    if (id < 1 || id > this.mmu.pages.last || this.mmu.pages.birth(id).vm !== this.mmu.vm) return undefined;
    this.read.set(id, (page = this.reader.page(id)));
    return page;
  }

  entry(id: PageId, index: SpteIndex): EntrySnapshot | undefined {
    return this.page(id)?.freed === false ? this.reader.entry(id, index) : undefined;
  }

  pagesOfGfn(gfn: Gfn): readonly PageSnapshot[] {
    return this.mmu.livePages(gfn).map((id) => this.page(id)!);
  }

  leavesOf(gfn: Gfn): readonly Mapping[] {
    const mappings: Mapping[] = [];
    for (const place of this.mmu.leaves(gfn)) {
      const entry = this.entry(place.page, place.index);
      if (entry?.kind === 'leaf') mappings.push({ page: this.page(place.page)!, entry });
    }
    return mappings;
  }

  linksTo(id: PageId): readonly Place[] {
    const places = new Set(this.links.get(id));
    for (const { page, index } of this.mmu.parents(id)) places.add(page * 512 + index);
    return [...places]
      .map((place) => ({ page: Math.floor(place / 512) as PageId, index: (place % 512) as SpteIndex }))
      .filter(({ page, index }) => {
        const link = this.entry(page, index);
        return link?.kind === 'link' && link.child === id;
      });
  }

  rmap(smm: number, level: number, gfn: Gfn): readonly Place[] {
    return rmapOf(this.mmu, smm, level, gfn);
  }

  /** Rmaps as a whole are looked at in snapshots only. */
  rmaps(): [] {
    return [];
  }
}
