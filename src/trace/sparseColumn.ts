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
