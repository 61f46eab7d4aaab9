/** Numbers of the protocol are 32 bits, signed; 0 means "none". */
const LARGEST = 0x7fff_ffff;

/**
 * Numbers for what a client may ask about later, valid until the next stop. They go on counting from stop to stop, so that a late
 * question about an earlier stop is recognised and not answered with something else.
 */
export class Handles<T> {
  private readonly things = new Map<number, T>();
  private last = 0;

  add(thing: T): number {
    this.last = this.last === LARGEST ? 1 : this.last + 1;
    this.things.set(this.last, thing);
    return this.last;
  }

  get(handle: number): T | undefined {
    return this.things.get(handle);
  }

  clear(): void {
    this.things.clear();
  }
}
