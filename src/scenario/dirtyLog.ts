import { EntryState, Trust, entryTag } from '../engine/entry.js';
import type { Gfn } from '../engine/ids.js';
import { roleField } from '../engine/role.js';
import type { Kvm } from '../engine/kvm.js';
import type { GuestMemory, HostMemory } from './memory.js';

type Vm = Kvm<GuestMemory, HostMemory>;

/**
 * User space switches dirty logging on, or reads the log: W goes from all leaves, and may come back
 * [6.1 mmu.c:kvm_mmu_slot_remove_write_access, kvm_arch_mmu_enable_log_dirty_pt_masked].
 */
export function logDirty({ mmu, dirtyLog }: Vm, first: Gfn, pages: number): void {
  for (let i = 0; i < pages; i++) {
    const gfn = (first + i) as Gfn;
    dirtyLog.shownAt(gfn);
    for (const { page, index } of [...mmu.leaves(gfn)]) {
      const cell = mmu.pages.entryCell(page, index);
      const spte = mmu.state.word(cell);
      if (spte & mmu.format.writable) mmu.state.setWord(cell, spte & ~mmu.format.writable, entryTag(EntryState.leaf, Trust.derived));
    }
  }
}

/** User space switches it off: direct leaves that are small only because of it go [6.1 mmu.c:kvm_mmu_zap_collapsible_sptes]. */
export function endLog({ mmu, dirtyLog, host }: Vm, first: Gfn, pages: number): void {
  for (let i = 0; i < pages; i++) {
    const gfn = (first + i) as Gfn;
    dirtyLog.ended(gfn);
    if (host.levelAt(gfn) === 1) continue;
    for (const { page, index } of [...mmu.leaves(gfn)]) {
      if (mmu.pages.level(page) === 1 && roleField(mmu.pages.role(mmu.state, page), 'direct')) mmu.clear(page, index);
    }
  }
}
