import type { HostModel } from './hostModel.js';

/** 4 KiB pages in 2 MiB */
export const HUGE = 512;
/** A gap of so many pages is taken for a hole between two slots: 256 MiB. */
const WIDE = 2 ** 16;

export interface Slot {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  readonly large: boolean;
  /** memory was seen to be gone for a while: user space deleted the slot */
  readonly comesAndGoes: boolean;
}

/**
 * Memory slots that explain what was seen: every gfn with memory lies in one, no gfn without memory does. Regions that the host backed
 * with large pages have slots of their own, and so has what was deleted.
 */
export function memorySlots(host: HostModel): Slot[] {
  const slots: Slot[] = [];
  const counts = new Map<string, number>();
  for (const { first, last, large, comesAndGoes } of pieces(host)) {
    const kind = comesAndGoes ? 'gone' : large ? 'large' : 'ram';
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    slots.push({ name: count === 1 ? kind : `${kind}${count}`, first, last, large, comesAndGoes });
  }
  return slots;
}

type Piece = Omit<Slot, 'name'>;

function pieces(host: HostModel): Piece[] {
  const never = [...host.absent.keys()].filter((gfn) => !host.memory.has(gfn));
  const gone = new Set([...host.absent.keys()].filter((gfn) => host.memory.has(gfn)));
  const holes = never.sort((a, b) => a - b);
  const goneRanges = rangesOfGone(host, gone);
  const found: Piece[] = [];
  let hole = 0;
  let range = 0;
  for (const gfn of [...host.memory].sort((a, b) => a - b)) {
    while (hole < holes.length && holes[hole]! < (found.at(-1)?.last ?? -1)) hole++;
    while (range < goneRanges.length && goneRanges[range]!.last < gfn) range++;
    const comesAndGoes = range < goneRanges.length && goneRanges[range]!.first <= gfn;
    const large = host.large.has(Math.floor(gfn / HUGE));
    const before = found.at(-1);
    const parted = hole < holes.length && holes[hole]! < gfn;
    if (before && !parted && gfn - before.last <= WIDE && before.large === large && before.comesAndGoes === comesAndGoes) {
      found[found.length - 1] = { ...before, last: gfn };
    } else found.push({ first: gfn, last: gfn, large, comesAndGoes });
  }
  return rounded(found, never);
}

interface Range {
  first: number;
  last: number;
}

/** What was gone together: neighbours between which no memory was seen while it was gone. */
function rangesOfGone(host: HostModel, gone: ReadonlySet<number>): Range[] {
  if (gone.size === 0) return [];
  const windows = [...gone].flatMap((gfn) => host.absent.get(gfn)!);
  const from = windows.reduce((a, b) => Math.min(a, b));
  const to = windows.reduce((a, b) => Math.max(a, b));
  const there = new Set<number>();
  for (const [gfn, groups] of host.present) if (!gone.has(gfn) && groups.some((group) => group >= from && group <= to)) there.add(gfn);
  const ranges: Range[] = [];
  const all = [...new Set([...host.memory])].sort((a, b) => a - b);
  let open: Range | undefined;
  for (const gfn of all) {
    if (there.has(gfn) || (open && gfn - open.last > WIDE)) open = undefined;
    if (there.has(gfn)) continue;
    if (open) open.last = gfn;
    else ranges.push((open = { first: gfn, last: gfn }));
  }
  return ranges.filter((each) => [...gone].some((gfn) => gfn >= each.first && gfn <= each.last)).map((each) => shrunk(each, gone, host));
}

/** Tables and code that merely were not touched in between stay: the range begins at the alignment of what is gone. */
function shrunk(range: Range, gone: ReadonlySet<number>, host: HostModel): Range {
  let first = Infinity;
  for (const gfn of gone) if (gfn >= range.first && gfn <= range.last) first = Math.min(first, gfn - (gfn % HUGE));
  first = Math.max(first, range.first);
  while (host.memory.has(first - 1) && first - 1 >= range.first && (first - 1) % HUGE !== HUGE - 1) first--;
  return { first, last: range.last };
}

/** To 2 MiB, as far as nothing else is there. */
function rounded(found: readonly Piece[], holes: readonly number[]): Piece[] {
  const isHole = new Set(holes);
  let end = -1;
  return found.map((piece, i) => {
    let first = Math.max(piece.first - (piece.first % HUGE), end + 1);
    let last = Math.min(piece.last - (piece.last % HUGE) + HUGE - 1, (found[i + 1]?.first ?? Infinity) - 1);
    for (let gfn = piece.first - 1; gfn >= first; gfn--) if (isHole.has(gfn)) first = gfn + 1;
    for (let gfn = piece.last + 1; gfn <= last; gfn++) if (isHole.has(gfn)) last = gfn - 1;
    end = last;
    return { ...piece, first, last };
  });
}
