import type { CpuStream } from './ringBuffer.js';

/** Lost events: where the ring buffer's pages tell of them, and how many the kernel counted per CPU. */
export class Losses {
  /** by CPU: overwritten and dropped, as `per_cpu/cpuN/stats` counts them */
  readonly #counted = new Map<number, number>();
  readonly #seen = new Map<number, number>();

  constructor(cpuStats: readonly string[]) {
    for (const text of cpuStats) {
      const value = (name: string): number => Number(new RegExp(`^${name}: *(\\d+)`, 'm').exec(text)?.[1] ?? 0);
      const cpu = value('CPU');
      this.#counted.set(cpu, (this.#counted.get(cpu) ?? 0) + value('overrun') + value('dropped events'));
    }
  }

  /** Events lost directly before the one the stream stands at; -1: an unknown number. */
  before(stream: CpuStream): number {
    const { lost, cpu } = stream;
    if (lost > 0) this.#seen.set(cpu, (this.#seen.get(cpu) ?? 0) + lost);
    return lost;
  }

  /** Lost events that are known of. */
  get total(): number {
    const cpus = new Set([...this.#counted.keys(), ...this.#seen.keys()]);
    return [...cpus].reduce((sum, cpu) => sum + Math.max(this.#counted.get(cpu) ?? 0, this.#seen.get(cpu) ?? 0), 0);
  }

  /** Of those, the ones whose place no page tells. */
  get elsewhere(): number {
    return this.total - [...this.#seen.values()].reduce((sum, n) => sum + n, 0);
  }
}
