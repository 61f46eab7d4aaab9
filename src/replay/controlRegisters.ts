import { rootQuadrant } from '../engine/childRole.js';
import { NO_PAGE, type Gfn } from '../engine/ids.js';
import { roleField, withRole } from '../engine/role.js';
import type { RootPage } from '../engine/rootPages.js';
import type { Task } from './task.js';

const FRAME = 0x000f_ffff_ffff_f000n;
const SLOTS = [0, 1, 2, 3];

/** A control register gets a value that the trace shows. */
export function wroteCr(task: Task, register: number, value: bigint): void {
  if (task.vcpu) task.registers.wrote(task.vcpu.id, register, value);
  if (register === 3) wroteCr3(task, value);
}

/**
 * CR3 gets a value that the trace shows [6.1 x86.c:kvm_set_cr3, mmu.c:kvm_mmu_new_pgd]. The same table again, or a root that is cached:
 * the guest's TLB is flushed; else the root to be loaded is known. What PDPTEs lead to no event shows.
 */
function wroteCr3(task: Task, value: bigint): void {
  const { vcpu, mmu } = task;
  const { pages, state } = mmu;
  const current = vcpu?.firstRoot();
  if (!vcpu || current === undefined || pages.birth(current).local) return;
  const role = withRole(pages.role(state, current), { invalid: 0, quadrant: 0 });
  const has4ByteGpte = roleField(role, 'has4ByteGpte') === 1;
  const single = vcpu.shape() === 'single';
  if (roleField(role, 'direct') || !(single || has4ByteGpte)) return;
  const gfn = Number((value & FRAME) >> 12n) as Gfn;
  const wanted: RootPage[] = single
    ? [{ gfn, role }]
    : SLOTS.map((slot) => ({ gfn, role: withRole(role, { quadrant: rootQuadrant(true, slot) }) }));
  task.change = 'none';
  // Kernels that keep no roots load each time.
  const held = !mmu.has('previous-roots') ? [] : single ? [...vcpu.roots(), ...vcpu.previousRoots()] : [current];
  const cached = held.find((page) => page !== NO_PAGE && pages.birth(page).gfn === gfn && pages.role(state, page) === role);
  if (cached === undefined) {
    task.cr3 = { wanted, releasing: vcpu.keepsRoots() ? [] : vcpu.roots().filter((page) => page !== NO_PAGE) };
    return;
  }
  if (single) vcpu.switchTo(cached);
  task.cr3 = 'flush';
}
