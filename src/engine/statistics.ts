import type { CellId } from './journal.js';
import type { State, WritableState } from './state.js';

/** KVM's counters of a VM that follow from what the shadow MMU does (`struct kvm_vm_stat`; spec/getpage.md §9). */
export const STATISTICS = [
  'mmu_cache_miss',
  'mmu_shadow_zapped',
  'mmu_pte_write',
  'mmu_pde_zapped',
  'mmu_flooded',
  'mmu_recycled',
  'mmu_unsync',
  'max_mmu_page_hash_collisions',
] as const;
export type Statistic = (typeof STATISTICS)[number];

/** Counters that grow with what the emulator writes: only a trace with the instructions shows it. */
export const OF_EMULATION: ReadonlySet<Statistic> = new Set<Statistic>(['mmu_pte_write', 'mmu_pde_zapped', 'mmu_flooded']);

/** The counters of one VM, each in a cell, so that every position has them. */
export class Statistics {
  private readonly first: CellId;

  constructor(private readonly state: WritableState) {
    this.first = state.journal.allocate(STATISTICS.length + 1);
  }

  /** The emulator stored a register: whether the entry is 0 now, and so whether `mmu_pde_zapped` grows, is a guess from here on. */
  guessed(): void {
    this.state.keepNumber(this.first + STATISTICS.length, 1);
  }
  isGuess(name: Statistic, state: State = this.state): boolean {
    return name === 'mmu_pde_zapped' && state.number(this.first + STATISTICS.length) === 1;
  }

  value(name: Statistic, state: State = this.state): number {
    return state.number(this.cell(name));
  }

  add(name: Statistic, count = 1): void {
    if (count !== 0) this.state.setNumber(this.cell(name), this.value(name) + count);
  }

  /** A maximum. */
  raise(name: Statistic, to: number): void {
    if (to > this.value(name)) this.state.setNumber(this.cell(name), to);
  }

  private cell(name: Statistic): CellId {
    return this.first + STATISTICS.indexOf(name);
  }
}
