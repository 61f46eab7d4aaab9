/** Longest stretch of work, in milliseconds, before waiting requests get their turn. */
const SLICE = 6;
/** Reading the clock costs as much as testing a condition: look at it only now and then. */
const LOOKS = 64;

/** Cuts long work into slices, so that the adapter keeps answering. `if (pace.due()) await pace.turn();` */
export class Pace {
  private looks = 0;
  private until = performance.now() + SLICE;

  due(): boolean {
    if (++this.looks % LOOKS !== 0) return false;
    return performance.now() >= this.until;
  }

  /** As {@link due}, at the price of a look at the clock. */
  late(): boolean {
    return performance.now() >= this.until;
  }

  async turn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.until = performance.now() + SLICE;
  }
}
