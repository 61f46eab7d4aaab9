/** Finds byte strings that were seen before without making a JavaScript string of them. */
const decoder = new TextDecoder();

export class ByteInterner {
  #hashes = new Int32Array(256);
  #ids = new Int32Array(256).fill(-1);
  readonly #known: Uint8Array[] = [];
  readonly #texts: string[] = [];

  /** The number of bytes[from..to): the same for the same bytes, counting from 0 in order of first sight. */
  id(bytes: Uint8Array, from: number, to: number): number {
    let hash = 0x811c9dc5 ^ (to - from);
    for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    const mask = this.#ids.length - 1;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const id = this.#ids[slot]!;
      if (id < 0) return this.#add(slot, hash, bytes.slice(from, to));
      if (this.#hashes[slot] === hash && same(this.#known[id]!, bytes, from, to)) return id;
    }
  }

  text(id: number): string {
    return this.#texts[id]!;
  }

  get size(): number {
    return this.#known.length;
  }

  #add(slot: number, hash: number, bytes: Uint8Array): number {
    const id = this.#known.push(bytes) - 1;
    this.#texts.push(decoder.decode(bytes));
    this.#ids[slot] = id;
    this.#hashes[slot] = hash;
    if (this.#known.length * 2 > this.#ids.length) this.#grow();
    return id;
  }

  #grow(): void {
    const [oldIds, oldHashes] = [this.#ids, this.#hashes];
    this.#ids = new Int32Array(oldIds.length * 2).fill(-1);
    this.#hashes = new Int32Array(oldIds.length * 2);
    const mask = this.#ids.length - 1;
    oldIds.forEach((id, i) => {
      if (id < 0) return;
      const hash = oldHashes[i]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.#ids[slot]! >= 0) slot = (slot + 1) & mask;
      this.#ids[slot] = id;
      this.#hashes[slot] = hash;
    });
  }
}

function same(known: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false;
  return true;
}
