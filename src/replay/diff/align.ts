/**
 * Which elements of two sequences belong together, as a common subsequence. Near-linear for sequences that are mostly alike: differences
 * that are few are found exactly (Myers); where they are many, runs of elements that occur once in both sequences are the anchors.
 */

/** Differences searched for exactly before anchors are tried, and where there are no anchors. */
const FEW = 200;
const MANY = 1500;
/** Lengths of the runs that may serve as anchors. */
const RUNS = [1, 2, 4, 8, 16] as const;

/** For each element of `a` the index of its partner in `b`, or -1. Partners are equal and in the same order in both. */
export function align(a: ArrayLike<number>, b: ArrayLike<number>): Int32Array {
  const partner = new Int32Array(a.length).fill(-1);
  const ranges: Range[] = [{ a0: 0, a1: a.length, b0: 0, b1: b.length }];
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const rest = trim(a, b, range, partner);
    if (rest.a0 === rest.a1 || rest.b0 === rest.b1) continue;
    if (exactly(a, b, rest, FEW, partner)) continue;
    const parts = anchored(a, b, rest, partner);
    if (parts) ranges.push(...parts);
    else exactly(a, b, rest, MANY, partner);
  }
  return partner;
}

/** Numbers for strings, the same in both sequences. */
export class Interner {
  private readonly ids = new Map<string, number>();

  id(text: string): number {
    let id = this.ids.get(text);
    if (id === undefined) this.ids.set(text, (id = this.ids.size));
    return id;
  }
}

/** Elements a0..a1-1 of one sequence and b0..b1-1 of the other. */
interface Range {
  readonly a0: number;
  readonly a1: number;
  readonly b0: number;
  readonly b1: number;
}

type Sequence = ArrayLike<number>;

/** Pairs what is equal at both ends. */
function trim(a: Sequence, b: Sequence, range: Range, partner: Int32Array): Range {
  let { a0, a1, b0, b1 } = range;
  while (a0 < a1 && b0 < b1 && a[a0] === b[b0]) partner[a0++] = b0++;
  while (a0 < a1 && b0 < b1 && a[a1 - 1] === b[b1 - 1]) partner[--a1] = --b1;
  return { a0, a1, b0, b1 };
}

/** The longest common subsequence, if at most `most` elements of both have no partner [E. W. Myers, An O(ND) difference algorithm, 1986]. */
function exactly(a: Sequence, b: Sequence, { a0, a1, b0, b1 }: Range, most: number, partner: Int32Array): boolean {
  const n = a1 - a0;
  const m = b1 - b0;
  const limit = Math.min(most, n + m);
  if (Math.abs(n - m) > limit) return false;
  const reached = new Int32Array(2 * limit + 3);
  const middle = limit + 1;
  const rounds: Int32Array[] = [];
  for (let d = 0; d <= limit; d++) {
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && reached[middle + k - 1]! < reached[middle + k + 1]!);
      let x = down ? reached[middle + k + 1]! : reached[middle + k - 1]! + 1;
      let y = x - k;
      while (x < n && y < m && a[a0 + x] === b[b0 + y]) {
        x++;
        y++;
      }
      reached[middle + k] = x;
      // Only on this diagonal both ends are reached at once.
      if (k === n - m && x >= n) {
        walkBack(rounds, { a0, a1, b0, b1 }, d, k, partner);
        return true;
      }
    }
    rounds.push(reached.slice(middle - d, middle + d + 1));
  }
  return false;
}

/** Follows the rounds from the end back, and pairs the diagonals. */
function walkBack(rounds: readonly Int32Array[], { a0, a1, b0, b1 }: Range, last: number, diagonal: number, partner: Int32Array): void {
  let x = a1 - a0;
  let y = b1 - b0;
  let k = diagonal;
  for (let d = last; d > 0; d--) {
    const before = rounds[d - 1]!;
    const at = (j: number): number => (Math.abs(j) <= d - 1 ? before[j + d - 1]! : -1);
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const previous = down ? k + 1 : k - 1;
    const px = at(previous);
    const py = px - previous;
    const start = down ? px : px + 1;
    while (x > start) partner[a0 + --x] = b0 + --y;
    [x, y, k] = [px, py, previous];
  }
  while (x > 0 && y > 0) partner[a0 + --x] = b0 + --y;
}

/** Splits a range at runs that occur once in both sequences; undefined where there are none. */
function anchored(a: Sequence, b: Sequence, range: Range, partner: Int32Array): Range[] | undefined {
  for (const run of RUNS) {
    const anchors = increasing(commonOnce(a, b, range, run));
    if (anchors.length === 0) continue;
    const parts: Range[] = [];
    let { a0, b0 } = range;
    for (const [x, y] of anchors) {
      if (x < a0 || y < b0) continue;
      parts.push({ a0, a1: x, b0, b1: y });
      partner[x] = y;
      [a0, b0] = [x + 1, y + 1];
    }
    parts.push({ a0, a1: range.a1, b0, b1: range.b1 });
    return parts;
  }
  return undefined;
}

/** Places of the runs that occur once in either range, in the order of `a`. */
function commonOnce(a: Sequence, b: Sequence, { a0, a1, b0, b1 }: Range, run: number): [number, number][] {
  const inA = once(a, a0, a1, run);
  const inB = once(b, b0, b1, run);
  const common: [number, number][] = [];
  for (const [text, x] of inA) {
    const y = inB.get(text);
    if (x >= 0 && y !== undefined && y >= 0) common.push([x, y]);
  }
  return common;
}

/** Place of each run; -1 for one that occurs more than once. */
function once(sequence: Sequence, from: number, to: number, run: number): Map<string | number, number> {
  const places = new Map<string | number, number>();
  for (let at = from; at + run <= to; at++) {
    let key: string | number = sequence[at]!;
    for (let i = 1; i < run; i++) key = `${key},${sequence[at + i]!}`;
    places.set(key, places.has(key) ? -1 : at);
  }
  return places;
}

/** The longest part of the pairs, which are in the order of their first numbers, that is in order of the second too. */
function increasing(pairs: readonly [number, number][]): [number, number][] {
  const tails: number[] = [];
  const previous = new Int32Array(pairs.length).fill(-1);
  pairs.forEach(([, y], i) => {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (pairs[tails[mid]!]![1] < y) low = mid + 1;
      else high = mid;
    }
    if (low > 0) previous[i] = tails[low - 1]!;
    tails[low] = i;
  });
  const found: [number, number][] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = previous[i]!) found.push(pairs[i]!);
  return found.reverse();
}
