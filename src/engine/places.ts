import type { PageId, SpteIndex } from './ids.js';

const ENTRIES = 512;

/** An SPTE: a shadow page and an index in it. */
export interface SptePlace {
  readonly page: PageId;
  readonly index: SpteIndex;
}

/** SPTEs by what they lead to, in the order in which they came: the rmap of guest frames, the parent SPTEs of shadow pages. */
export class Places<Key> {
  /** each place as one number: page * 512 + index */
  private readonly byKey = new Map<Key, Set<number>>();

  add(key: Key, page: PageId, index: SpteIndex): void {
    const places = this.byKey.get(key);
    if (places) places.add(page * ENTRIES + index);
    else this.byKey.set(key, new Set([page * ENTRIES + index]));
  }

  remove(key: Key, page: PageId, index: SpteIndex): void {
    this.byKey.get(key)?.delete(page * ENTRIES + index);
  }

  drop(key: Key): void {
    this.byKey.delete(key);
  }

  keys(): Iterable<Key> {
    return this.byKey.keys();
  }

  *of(key: Key): Generator<SptePlace> {
    for (const place of this.byKey.get(key) ?? []) {
      yield { page: Math.floor(place / ENTRIES) as PageId, index: (place % ENTRIES) as SpteIndex };
    }
  }
}
