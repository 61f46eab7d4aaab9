/** Slots of a descriptor: `PTE_LIST_EXT`. 14 since 5.15 (spec/getpage.md §5). */
export const PTE_LIST_SLOTS = 14;
/** Slots of a descriptor of a gfn's rmap in 2.6.x (`RMAP_EXT`). */
export const OLD_RMAP_SLOTS = 4;
/** Slots of a link in the chain of a page's parents in 2.6.x (`NR_PTE_CHAIN_ENTRIES`). */
export const OLD_PARENT_SLOTS = 5;

interface Descriptor<Entry> {
  readonly entries: Entry[];
  more: Descriptor<Entry> | undefined;
}

type Head<Entry> =
  | { readonly kind: 'empty' }
  /** the one entry stands in the head itself */
  | { readonly kind: 'single'; readonly entry: Entry }
  | { readonly kind: 'chain'; readonly first: Descriptor<Entry> };

/**
 * A reverse map: the SPTEs that map a gfn, or those that lead to a shadow page ([6.1 mmu.c:pte_list_add, pte_list_remove];
 * spec/getpage.md §5). Its shape is the kernel's: the order in which SPTEs are visited and the counts that are compared with limits
 * follow from it.
 */
export class PteList<Entry> {
  private head: Head<Entry> = { kind: 'empty' };

  constructor(private readonly slots: number = PTE_LIST_SLOTS) {}

  /**
   * Adds an entry to the first descriptor that has room.
   *
   * @returns how many entries were counted on the way: all there were, or fewer when an earlier descriptor had room
   */
  add(entry: Entry): number {
    const { head } = this;
    if (head.kind === 'empty') {
      this.head = { kind: 'single', entry };
      return 0;
    }
    if (head.kind === 'single') {
      this.head = { kind: 'chain', first: { entries: [head.entry, entry], more: undefined } };
      return 1;
    }
    let descriptor = head.first;
    let counted = 0;
    while (descriptor.entries.length === this.slots) {
      counted += this.slots;
      descriptor = descriptor.more ??= { entries: [], more: undefined };
    }
    counted += descriptor.entries.length;
    descriptor.entries.push(entry);
    return counted;
  }

  /**
   * Removes an entry; the last one of the same descriptor takes its place. A descriptor that becomes empty goes, one that is left with
   * a single entry stays.
   *
   * @throws RangeError when it is not there: the kernel would stop with a BUG
   */
  remove(entry: Entry): void {
    const { head } = this;
    if (head.kind === 'single' && head.entry === entry) {
      this.head = { kind: 'empty' };
      return;
    }
    let before: Descriptor<Entry> | undefined;
    for (let at = head.kind === 'chain' ? head.first : undefined; at; before = at, at = at.more) {
      const place = at.entries.indexOf(entry);
      if (place < 0) continue;
      const last = at.entries.pop()!;
      if (place < at.entries.length) at.entries[place] = last;
      if (at.entries.length === 0) this.unlink(at, before);
      return;
    }
    throw new RangeError('an entry that is not in the reverse map cannot be removed');
  }

  private unlink(descriptor: Descriptor<Entry>, before: Descriptor<Entry> | undefined): void {
    if (before) before.more = descriptor.more;
    else this.head = descriptor.more ? { kind: 'chain', first: descriptor.more } : { kind: 'empty' };
  }

  /** The entries in the order in which the kernel visits them. */
  *[Symbol.iterator](): Generator<Entry> {
    if (this.head.kind === 'single') yield this.head.entry;
    if (this.head.kind !== 'chain') return;
    for (let at: Descriptor<Entry> | undefined = this.head.first; at; at = at.more) yield* at.entries;
  }

  get size(): number {
    return [...this].length;
  }

  /** What the head holds: nothing, one entry, or descriptors with so many entries each. */
  get shape(): 'empty' | 'single' | number[] {
    if (this.head.kind !== 'chain') return this.head.kind;
    const counts: number[] = [];
    for (let at: Descriptor<Entry> | undefined = this.head.first; at; at = at.more) counts.push(at.entries.length);
    return counts;
  }
}
