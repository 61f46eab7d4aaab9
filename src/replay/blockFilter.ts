/** Items of a block: records of the journal, or events. */
const BLOCK_BITS = 12;
/** Bits that the keys of a block are spread over: 2048. */
const KEY_BITS = 11;
const WORDS = 1 << (KEY_BITS - 5);
const SPREAD = 0x9e37_79b1;

/** What is asked of a filter: the bits of some keys. */
export type Keys = readonly number[];

/** The bit that stands for a key. Keys that share one cost a look at a block in vain, and nothing else. */
export function bitOf(key: number): number {
  return Math.imul(key, SPREAD) >>> (32 - KEY_BITS);
}

/**
 * Which keys occur in each block of a growing row of items, as far as is needed to pass over the blocks in which one does not: 256 bytes for
 * 4096 items.
 */
export class BlockFilter {
  private bits = new Uint32Array(WORDS * 16);

  add(item: number, key: number): void {
    const bit = bitOf(key);
    const word = (item >>> BLOCK_BITS) * WORDS + (bit >>> 5);
    if (word >= this.bits.length) this.grow(word);
    this.bits[word]! |= 1 << (bit & 31);
  }

  /** The first item from `from` on, and before `end`, whose block may have one of the keys; `end` when there is none. */
  forwards(from: number, end: number, keys: Keys): number {
    for (let at = from; at < end; at = BlockFilter.endOf(at)) if (this.mayHave(at >>> BLOCK_BITS, keys)) return at;
    return end;
  }

  /** The last item up to `from`, and not before `first`, whose block may have one of the keys; -1 when there is none. */
  backwards(from: number, first: number, keys: Keys): number {
    for (let at = from; at >= first; at = BlockFilter.startOf(at) - 1) if (this.mayHave(at >>> BLOCK_BITS, keys)) return at;
    return -1;
  }

  /** The first item behind the block of another. */
  static endOf(item: number): number {
    return ((item >>> BLOCK_BITS) + 1) << BLOCK_BITS;
  }

  /** The first item of the block of another. */
  static startOf(item: number): number {
    return (item >>> BLOCK_BITS) << BLOCK_BITS;
  }

  private mayHave(block: number, keys: Keys): boolean {
    const base = block * WORDS;
    for (const bit of keys) if (((this.bits[base + (bit >>> 5)] ?? 0) >>> (bit & 31)) & 1) return true;
    return false;
  }

  private grow(word: number): void {
    const larger = new Uint32Array(Math.max(this.bits.length * 2, word + WORDS));
    larger.set(this.bits);
    this.bits = larger;
  }
}
