import { EntryState, entryState } from '../engine/entry.js';
import type { Gfn, PageId, SpteIndex } from '../engine/ids.js';
import { pagesPerEntry } from '../engine/spte.js';
import type { State } from '../engine/state.js';
import type { Replayer } from './replayer.js';

export interface Place {
  readonly page: PageId;
  readonly index: SpteIndex;
}

/** The state seen backwards: what leads to a page, what maps a gfn. Made once per position and question. */
export class ReverseIndex {
  private readonly live = new Map<number, PageId[]>();
  private readonly parents = new Map<PageId, Place[]>();
  private readonly leaves = new Map<number, Map<Gfn, Place[]>>();
  private readonly roots = new Map<PageId, { vcpu: number; slot: number }[]>();

  private readonly pages: Replayer['pages'];

  constructor(replay: Replayer, state: State) {
    const { pages } = replay;
    this.pages = pages;
    for (let id = 1 as PageId; id <= pages.last && pages.born(id) <= state.event; id++) {
      if (!pages.isLive(state, id)) continue;
      const { vm } = pages.birth(id);
      push(this.live, vm, id);
      this.indexEntries(replay, state, id, vm);
    }
    for (const vcpu of replay.vcpus) {
      vcpu.roots(state).forEach((page, slot) => push(this.roots, page, { vcpu: vcpu.id, slot }));
    }
  }

  livePages(vm: number): PageId[] {
    return this.live.get(vm) ?? [];
  }
  parentsOf(id: PageId): readonly Place[] {
    return this.parents.get(id) ?? [];
  }
  rootsOf(id: PageId): readonly { vcpu: number; slot: number }[] {
    return this.roots.get(id) ?? [];
  }

  mappers(vm: number, gfn: Gfn): Place[] {
    const leaves = this.leaves.get(vm);
    if (!leaves) return [];
    return [1, 2, 3].flatMap((level) => {
      const first = (gfn - (gfn % pagesPerEntry(level))) as Gfn;
      // a frame that begins a large page also begins a small one: the leaf's level tells which of them it maps
      return (leaves.get(first) ?? []).filter(({ page }) => this.pages.level(page) === level);
    });
  }

  private indexEntries(replay: Replayer, state: State, page: PageId, vm: number): void {
    const { pages } = replay;
    const leaves = this.leaves.get(vm) ?? new Map<Gfn, Place[]>();
    this.leaves.set(vm, leaves);
    for (let i = 0; i < 512; i++) {
      const index = i as SpteIndex;
      const cell = pages.entryCell(page, index);
      const kind = entryState(state.tag(cell));
      if (kind === EntryState.link) push(this.parents, state.number(cell) as PageId, { page, index });
      if (kind === EntryState.leaf) push(leaves, state.number(pages.gfnCell(page, index)) as Gfn, { page, index });
    }
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
