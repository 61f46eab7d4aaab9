const PAGE = 4096n;

/** Where guest memory lies in the address space of the VMM, as notifiers in the middle of faults show it: one distance for each slot. */
export class HostAddresses {
  /** from a guest frame's address to the host's, with the range of host addresses that it was seen in */
  private readonly distances = new Map<bigint, { low: bigint; high: bigint }>();

  saw(address: bigint, gfn: number): void {
    const distance = address - BigInt(gfn) * PAGE;
    const range = this.distances.get(distance);
    if (!range) this.distances.set(distance, { low: address, high: address });
    else if (address < range.low) range.low = address;
    else if (address > range.high) range.high = address;
  }

  /** Guest frames behind a range of host addresses, by the distance of the nearest address that is known; undefined: none is near. */
  framesOf(start: bigint, end: bigint): { readonly first: number; readonly last: number } | undefined {
    let best: { distance: bigint; away: bigint } | undefined;
    for (const [distance, { low, high }] of this.distances) {
      const away = end <= low ? low - end : start > high ? start - high : 0n;
      if (away <= NEAR && (!best || away < best.away)) best = { distance, away };
    }
    if (!best || start < best.distance) return undefined;
    return { first: Number((start - best.distance) / PAGE), last: Number((end - best.distance) / PAGE) - 1 };
  }
}

/** Memory of one slot is in one piece; 256 MiB around an address are taken for it. */
const NEAR = 1n << 28n;
