import { EntryState, entryState } from '../engine/entry.js';
import { NO_PAGE, type Gfn, type PageId, type Role, type SpteIndex } from '../engine/ids.js';
import { rootQuadrant } from '../engine/childRole.js';
import { roleField, withRole } from '../engine/role.js';
import { matchPage } from './pageMatch.js';
import type { RootLoad, Task } from './task.js';

/** A kvm_mmu_get_page that the kernel must emit next, made from what was known before the record is read. */
export interface AnnouncedPage extends WantedPage {
  readonly generation: number;
  /** nothing in the hash fits: a new page is made */
  readonly created: boolean;
  readonly rootCount: number;
  readonly unsync: boolean;
}

/** What find-or-create is asked for. */
interface WantedPage {
  readonly gfn: Gfn;
  readonly role: Role;
  /** below which SPTE it will hang; absent for the page of a root */
  readonly parent?: PageId;
  readonly index?: SpteIndex;
  /** slot of the root's PDPT */
  readonly slot?: number;
}

/** The next page that a task must take, if what it does is known: the rest of a root load, or the next level of a fault. */
export function announcePage(task: Task, roleMask: number): AnnouncedPage | undefined {
  const wanted = (task.rootLoad && nextRoot(task.rootLoad)) ?? nextChild(task);
  return wanted && findOrCreate(task, wanted, roleMask);
}

/** [6.1 mmu.c:__kvm_mmu_get_shadow_page]: what the event will say of the page, found in the hash or made. */
function findOrCreate({ mmu }: Task, wanted: WantedPage, roleMask: number): AnnouncedPage {
  const { pages, state } = mmu;
  const generation = mmu.generation();
  const record = { gfn: wanted.gfn, role: wanted.role, generation, rootCount: 0, unsync: false };
  const { page, by } = matchPage(mmu, record, roleMask);
  if (page === NO_PAGE || by === 'quadrant' || pages.birth(page).generation !== generation)
    return { ...wanted, generation, created: true, rootCount: 0, unsync: false };
  return { ...wanted, generation, created: false, rootCount: pages.rootCount(state, page), unsync: pages.isUnsync(state, page) };
}

function nextRoot(load: RootLoad): WantedPage | undefined {
  const { role, nextSlot: slot } = load;
  if (load.shape !== 'pae' || slot === 0 || slot > 3) return undefined;
  const has4ByteGpte = roleField(role, 'has4ByteGpte') === 1;
  const direct = roleField(role, 'direct') === 1;
  if (!has4ByteGpte && !direct) return undefined; // PAE: the guest's PDPTRs have no event
  return {
    gfn: (direct ? slot * 2 ** 18 : load.gfn) as Gfn,
    role: withRole(role, { quadrant: rootQuadrant(has4ByteGpte, slot) }),
    slot,
  };
}

/** [6.1 paging_tmpl.h:fetch]: top-down, the first level whose page is not linked yet. */
function nextChild(task: Task): WantedPage | undefined {
  const path = task.pathOf();
  if (!path || !task.vcpu || task.requested || !task.walk || task.walk.gfn === undefined) return undefined;
  for (let level = task.vcpu.rootLevel() - 1; level >= task.walk.leafLevel; level--) {
    const child = path.childAt(level, false);
    if (!child) return undefined;
    if (!leadsTo(task, child.parent, child.index, child.gfn, child.role)) return child;
  }
  return undefined;
}

/** `kvm_mmu_get_child_sp` finds the page already linked: same gfn, same role. */
function leadsTo(task: Task, parent: PageId, index: SpteIndex, gfn: Gfn, role: Role): boolean {
  const { pages, state } = task.mmu;
  const cell = pages.entryCell(parent, index);
  if (entryState(state.tag(cell)) !== EntryState.link) return false;
  const child = state.number(cell) as PageId;
  return pages.birth(child).gfn === gfn && pages.role(state, child) === role;
}
