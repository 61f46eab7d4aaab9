/**
 * Columns that grow by whole pages, so that growing never copies what is already there and ten million events need no second buffer.
 * Two classes instead of one generic one: a column access is the hottest line of the program, and V8 keeps it a few machine
 * instructions only where it sees one element type.
 */
const PAGE_BITS = 16;
const PAGE_SIZE = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_SIZE - 1;

export class U32Column {
  readonly #pages: Uint32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The value at `i`, which must be below {@link length}. */
  get(i: number): number {
    return this.#pages[i >>> PAGE_BITS]![i & PAGE_MASK]!;
  }

  append(values: Uint32Array): void {
    for (let from = 0; from < values.length;) {
      const at = this.#length & PAGE_MASK;
      if (at === 0) this.#pages.push(new Uint32Array(PAGE_SIZE));
      const count = Math.min(PAGE_SIZE - at, values.length - from);
      this.#pages.at(-1)!.set(values.subarray(from, from + count), at);
      from += count;
      this.#length += count;
    }
  }
}

export class U16Column {
  readonly #pages: Uint16Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get(i: number): number {
    return this.#pages[i >>> PAGE_BITS]![i & PAGE_MASK]!;
  }

  append(values: Uint16Array): void {
    for (let from = 0; from < values.length;) {
      const at = this.#length & PAGE_MASK;
      if (at === 0) this.#pages.push(new Uint16Array(PAGE_SIZE));
      const count = Math.min(PAGE_SIZE - at, values.length - from);
      this.#pages.at(-1)!.set(values.subarray(from, from + count), at);
      from += count;
      this.#length += count;
    }
  }
}

/** Facts that few events have (losses, stacks, changes of the line offset): pairs in event order, found by bisection. */
export class SparseColumn {
  readonly #keys: number[] = [];
  readonly #values: number[] = [];

  /** `pairs` is key, value, key, value …; keys may fall a little now and then. Of two values for one key the first stays. */
  append(pairs: readonly number[]): void {
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const [key, value] = [pairs[i]!, pairs[i + 1]!];
      const at = this.#lastUpTo(key) + 1;
      if (at > 0 && this.#keys[at - 1] === key) continue;
      this.#keys.splice(at, 0, key);
      this.#values.splice(at, 0, value);
    }
  }

  /** The value at exactly this key. */
  at(key: number): number | undefined {
    const i = this.#lastUpTo(key);
    return i >= 0 && this.#keys[i] === key ? this.#values[i] : undefined;
  }

  /** The value at the greatest key up to `key`. */
  upTo(key: number): number | undefined {
    const i = this.#lastUpTo(key);
    return i >= 0 ? this.#values[i] : undefined;
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0;
  }

  #lastUpTo(key: number): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! <= key) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
