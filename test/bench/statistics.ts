/** Of numbers in any order: the nearest-rank percentile, a value that was measured. NaN for none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}

/** The middle value; of an even number, the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Pseudo-random numbers from 0 on below `below`, the same in every run. */
export function* places(below: number, seed = 1): Generator<number, never> {
  for (let at = seed; ;) {
    at = (at * 48271) % 0x7fff_ffff;
    yield at % below;
  }
}

/** Milliseconds that an action takes. */
export async function time(action: () => unknown): Promise<number> {
  const since = performance.now();
  await action();
  return performance.now() - since;
}

/**
 * Repeats what returns the milliseconds that count of it, so many times, or fewer where that takes longer than `budget` milliseconds in
 * all; ten times at least.
 */
export async function repeat(times: number, budget: number, action: () => Promise<number>): Promise<number[]> {
  const until = performance.now() + budget;
  const measured: number[] = [];
  while (measured.length < times && (measured.length < 10 || performance.now() < until)) measured.push(await action());
  return measured;
}
