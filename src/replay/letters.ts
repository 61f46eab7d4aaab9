import type { PageId } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { Life } from '../engine/pages.js';
import { ACC_WRITE, roleField } from '../engine/role.js';
import type { State } from '../engine/state.js';
import type { EntryView, SpteKind } from './view.js';

/** Values that mean "busy" in the TDP MMU: REMOVED_SPTE, since 6.10 FROZEN_SPTE (spec/spte.md §5). */
const FROZEN: readonly bigint[] = [0x5a0n, (1n << 63n) | 0x5a0n];

/** The letter of an SPTE (ui.md §2; write states: spec/spte.md §3). */
export function spteLetter(mmu: Mmu, state: State, page: PageId, entry: EntryView): SpteKind {
  switch (entry.state) {
    case 'empty':
      return '·';
    case 'link':
      return 'T';
    case 'mmio':
      return 'M';
    case 'unknown':
      return '?';
    case 'leaf':
      return leafLetter(mmu, state, page, entry);
  }
}

function leafLetter(mmu: Mmu, state: State, page: PageId, entry: EntryView): SpteKind {
  const { format } = mmu;
  const spte = entry.value ?? 0n;
  if (FROZEN.includes(spte)) return 'F';
  if ((spte & format.present) === 0n) return '!';
  if (spte & format.writable) return 'W';
  if (spte & format.mmuWritable) return 'w';
  if (!(spte & format.hostWritable)) return 'H';
  if (isShadowed(mmu, state, entry)) return 'P';
  return mayWrite(mmu, page, spte) ? 'p' : 'R';
}

/** A live page of the leaf's gfn that is sync, or above level 1, keeps the gfn write-protected (I-33, I-34). */
function isShadowed(mmu: Mmu, state: State, entry: EntryView): boolean {
  const { pages } = mmu;
  if (entry.gfn === undefined) return false;
  return pages
    .everOfGfn(mmu.vm, entry.gfn)
    .some((id) => pages.life(state, id) === Life.active && pages.hasGptes(id) && !pages.isUnsync(state, id));
}

/**
 * W was once granted and taken away: D is set, which KVM sets with W only (make_spte, step 8), in a page whose role allows writing.
 * Without D the guest forbids the write, or its own D bit is clear so that the first write traps.
 */
function mayWrite(mmu: Mmu, page: PageId, spte: bigint): boolean {
  return (spte & mmu.format.dirty) !== 0n && (roleField(mmu.pages.birth(page).role, 'access') & ACC_WRITE) !== 0;
}
