import { EntryState, entryState } from './entry.js';
import { accessedMask, dirtyMask, gpteFrame, gpteGpa, isPresentGpte, topLevel } from './gpte.js';
import { NO_PAGE, type PageId, type SpteIndex } from './ids.js';
import type { Kvm } from './kvm.js';
import { roleField } from './role.js';
import { spteIndexOf } from './spte.js';
import type { Vcpu } from './vcpu.js';
import type { GuestWalk } from './walk.js';

/**
 * A vCPU of a 4- or 5-level guest may have gone over to a cached root without an event. The tables of all cached roots are
 * write-protected, so that the entry which a walk reads from the one in use excludes those that are known to hold another.
 */
export function tellRoot(kvm: Kvm, vcpu: Vcpu, walk: GuestWalk): void {
  if (vcpu.isRootCertain() || vcpu.shape() !== 'single' || topLevel(walk.mode) !== vcpu.rootLevel()) return;
  const roots = [...vcpu.roots(), ...vcpu.previousRoots()];
  const { pages, state } = kvm.mmu;
  if (roots.some((root) => roleField(pages.role(state, root), 'guest_mode') === 1)) return;
  const fitting = roots.filter((root) => agrees(kvm, root, walk));
  if (fitting.length === 1) vcpu.switchTo(fitting[0]!);
}

function agrees({ mmu, guest }: Kvm, root: PageId, walk: GuestWalk): boolean {
  const { pages, state } = mmu;
  const { mode } = walk;
  const level = topLevel(mode);
  const gpte = walk.entry(level);
  if (root === NO_PAGE || gpte === undefined) return true;
  const cell = pages.entryCell(root, spteIndexOf(walk.page, level) as SpteIndex);
  if (entryState(state.tag(cell)) === EntryState.link) {
    const child = state.number(cell) as PageId;
    if (!isPresentGpte(mode, gpte) || gpteFrame(mode, gpte) !== pages.birth(child).gfn) return false;
  }
  const known = guest.at(Number(gpteGpa(mode, pages.birth(root).gfn, walk.address, level)), 8);
  return known === undefined || ((known ^ gpte) & ~(accessedMask(mode) | dirtyMask(mode))) === 0n;
}
