import type { CpuStream } from './ringBuffer.js';

/**
 * The events of several CPUs in one order: by time, then by CPU, then as they were recorded. Equal times of two CPUs are common; the
 * kernel itself shows them in this order. Yields the stream that stands at the next event.
 */
export function* mergeByTime(streams: readonly CpuStream[]): Generator<CpuStream> {
  const live = streams.filter((stream) => stream.next());
  while (live.length > 1) {
    let first = 0;
    for (let i = 1; i < live.length; i++) if (isBefore(live[i]!, live[first]!)) first = i;
    const best = live[first]!;
    let second = first === 0 ? 1 : 0;
    for (let i = second + 1; i < live.length; i++) if (i !== first && isBefore(live[i]!, live[second]!)) second = i;
    const rival = live[second]!;
    // One CPU usually has a run of events: no search while it stays the earliest.
    const tieWins = first < second;
    for (;;) {
      yield best;
      if (!best.next()) {
        live.splice(first, 1);
        break;
      }
      if (isBefore(rival, best) || (!tieWins && !isBefore(best, rival))) break;
    }
  }
  const last = live[0];
  if (!last) return;
  do yield last;
  while (last.next());
}

function isBefore(a: CpuStream, b: CpuStream): boolean {
  return a.timeHigh < b.timeHigh || (a.timeHigh === b.timeHigh && a.timeLow < b.timeLow);
}
