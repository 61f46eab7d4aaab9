import type { CpuStream } from './ringBuffer.js';

/**
 * The events of several CPUs in one order: by time, then by CPU, then as they were recorded. Equal times of two CPUs are common; the
 * kernel itself shows them in this order.
 */
export class Merge {
  readonly #live: CpuStream[];
  /** the stream that has the run, and the next best one */
  #best: CpuStream | undefined;
  #rival: CpuStream | undefined;
  /** the best one comes before the rival when their times are equal */
  #tieWins = true;

  constructor(streams: readonly CpuStream[]) {
    this.#live = streams.filter((stream) => stream.next());
    this.#choose();
  }

  /** The stream that stands at the next event; undefined at the end. */
  get current(): CpuStream | undefined {
    return this.#best;
  }

  /** Goes on to the next event. */
  advance(): void {
    const best = this.#best;
    if (!best) return;
    if (!best.next()) this.#live.splice(this.#live.indexOf(best), 1);
    // One CPU usually has a run of events: no search while it stays the earliest.
    else if (!this.#rival || isBefore(best, this.#rival) || (this.#tieWins && !isBefore(this.#rival, best))) return;
    this.#choose();
  }

  #choose(): void {
    const live = this.#live;
    const first = earliest(live, -1);
    const second = earliest(live, first);
    this.#best = live[first];
    this.#rival = live[second];
    this.#tieWins = first < second;
  }
}

/** The index of the earliest stream except one; -1 when there is none. */
function earliest(streams: readonly CpuStream[], except: number): number {
  let found = -1;
  for (let i = 0; i < streams.length; i++) {
    if (i !== except && (found < 0 || isBefore(streams[i]!, streams[found]!))) found = i;
  }
  return found;
}

function isBefore(a: CpuStream, b: CpuStream): boolean {
  return a.timeHigh < b.timeHigh || (a.timeHigh === b.timeHigh && a.timeLow < b.timeLow);
}
