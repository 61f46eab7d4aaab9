import { EntryState, entryState } from '../engine/entry.js';
import type { Gfn, PageId, SpteIndex } from '../engine/ids.js';
import { pagesPerEntry } from '../engine/spte.js';
import type { State } from '../engine/state.js';
import type { History } from './history.js';
import type { LivePages } from './livePages.js';

export interface Place {
  readonly page: PageId;
  readonly index: SpteIndex;
}

const EVERY_INDEX = Array.from({ length: 512 }, (_, index) => index as SpteIndex);

/** The state at one position seen backwards: which pages live, what leads to a page, what maps a gfn. Each part is made when asked for. */
export class ReverseIndex {
  private live: Map<number, PageId[]> | undefined;
  private parents: Map<PageId, Place[]> | undefined;
  private roots: Map<PageId, { vcpu: number; slot: number }[]> | undefined;

  constructor(
    private readonly replay: History,
    private readonly living: LivePages,
    private readonly state: State,
  ) {}

  livePages(vm: number): PageId[] {
    this.live ??= this.findLive();
    return this.live.get(vm) ?? [];
  }

  parentsOf(id: PageId): readonly Place[] {
    this.parents ??= this.findParents();
    return this.parents.get(id) ?? [];
  }

  rootsOf(id: PageId): readonly { vcpu: number; slot: number }[] {
    this.roots ??= this.findRoots();
    return this.roots.get(id) ?? [];
  }

  mappers(vm: number, gfn: Gfn): Place[] {
    const { pages } = this.replay;
    const { state } = this;
    const found: Place[] = [];
    for (const page of this.livePages(vm)) {
      const first = gfn - (gfn % pagesPerEntry(pages.level(page)));
      for (const index of EVERY_INDEX) {
        if (state.number(pages.gfnCell(page, index)) !== first) continue;
        if (entryState(state.tag(pages.entryCell(page, index))) === EntryState.leaf) found.push({ page, index });
      }
    }
    return found;
  }

  private findLive(): Map<number, PageId[]> {
    const { pages } = this.replay;
    const live = new Map<number, PageId[]>();
    for (const id of this.living.at(this.state)) push(live, pages.birth(id).vm, id);
    return live;
  }

  private findParents(): Map<PageId, Place[]> {
    const { pages, mmus } = this.replay;
    const parents = new Map<PageId, Place[]>();
    for (const { vm } of mmus) {
      for (const page of this.livePages(vm)) {
        if (pages.level(page) === 1) continue; // only leaves
        for (const index of EVERY_INDEX) {
          const cell = pages.entryCell(page, index);
          if (entryState(this.state.tag(cell)) === EntryState.link) push(parents, this.state.number(cell) as PageId, { page, index });
        }
      }
    }
    return parents;
  }

  private findRoots(): Map<PageId, { vcpu: number; slot: number }[]> {
    const roots = new Map<PageId, { vcpu: number; slot: number }[]>();
    for (const vcpu of this.replay.vcpus) {
      vcpu.roots(this.state).forEach((page, slot) => push(roots, page, { vcpu: vcpu.id, slot }));
    }
    return roots;
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
