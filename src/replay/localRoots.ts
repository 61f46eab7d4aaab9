import type { Steps } from '../engine/announcement.js';
import { classOf, inClass, inMode } from '../engine/hiddenClasses.js';
import { NO_PAGE, type Gfn, type Role } from '../engine/ids.js';
import type { TracedKvm } from '../engine/kvm.js';
import { LOCAL_LEVEL, directoriesOf } from '../engine/localPages.js';
import { Life } from '../engine/pages.js';
import { ACC_ALL, PRINTED_MASK, makeRole, roleField, roleMask } from '../engine/role.js';
import { localRoot, type RootPage } from '../engine/rootPages.js';
import { makeMmuPagesAvailable } from '../engine/steps/available.js';
import { allocLocalRoot } from '../engine/steps/localRoot.js';
import { isObsolete } from '../engine/steps/roots.js';
import { syncRoots } from '../engine/steps/syncRoots.js';
import { freeRoots } from '../engine/steps/zap.js';
import type { Vcpu } from '../engine/vcpu.js';
import { baseRoleOf, localRootOf } from '../scenario/paging.js';
import type { Task } from './task.js';

/**
 * Roots of vCPUs under kernels with local pages (seed 001): the load of one has no event. Where the registers are known it is loaded as
 * the vCPU enters the guest; else the first walk of the guest's tables from it shows that it was.
 */

/** Bits of a role that are the registers' and that text does not print. */
const HIDDEN_BITS = ~(PRINTED_MASK | roleMask(['hidden'])) >>> 0;

/** The root that a vCPU with known registers must have, where that is a local one. */
export function knownLocalRoot(task: Task): RootPage | undefined {
  const { vcpu, mmu } = task;
  const paging = vcpu && task.registers.of(vcpu.id);
  const wanted = paging && localRootOf(mmu, paging);
  return wanted && { ...wanted, role: asTraced(task.kvm, vcpu, wanted.role) };
}

/** The first root of a vCPU. */
export function loadFirstLocalRoot(kvm: TracedKvm, vcpu: Vcpu, { role }: RootPage): void {
  if (vcpu.roots().length === 0) allocLocalRoot(kvm, vcpu, asTraced(kvm, vcpu, role));
}

/** In text: the class of the root that known registers ask for; undefined where they are not known. */
export function knownClass({ kvm, vcpu, registers }: Task): number | undefined {
  const paging = vcpu && registers.of(vcpu.id);
  return paging && kvm.mmu.has('local-pages') ? kvm.hidden?.ofBits(baseRoleOf(kvm.mmu, paging) & HIDDEN_BITS) : undefined;
}

/**
 * The registers of a vCPU changed, or its root was found obsolete: where they are known, the old root goes and the new one is there at
 * once, since no event lies between. A root that was zapped goes with an event, and is left to {@link enterFromLocalRoot}.
 */
export function renewLocalRoot(task: Task): void {
  const { vcpu, kvm, mmu, registers } = task;
  if (!vcpu || !registers.of(vcpu.id) || !mmu.has('local-pages')) return;
  const wanted = knownLocalRoot(task);
  if (vcpu.heldRoots().some((page) => mmu.pages.life(mmu.state, page) === Life.pinned)) return;
  if (!wanted) {
    if (vcpu.shape() === 'local') vcpu.release();
    return;
  }
  const { pages, state } = mmu;
  const [root = NO_PAGE] = vcpu.roots();
  const same = root !== NO_PAGE && pages.isLocal(root) && pages.role(state, root) === wanted.role;
  if (same && !registers.isStale(vcpu.id) && !isObsolete(kvm, root)) return;
  if (!same) vcpu.release();
  registers.renewed(vcpu.id);
  vcpu.beginLoad(false);
  allocLocalRoot(kvm, vcpu, wanted.role);
  task.loadedLocalRoot = true;
}

/** [6.1 mmu.c:kvm_mmu_reload] for a vCPU whose registers ask for a local root. */
export function* enterFromLocalRoot(task: Task, vcpu: Vcpu, flushes: boolean): Steps {
  const { kvm, mmu } = task;
  if (vcpu.heldRoots().some((page) => mmu.pages.life(mmu.state, page) === Life.pinned)) yield* freeRoots(kvm, vcpu);
  renewLocalRoot(task);
  const { loadedLocalRoot } = task;
  task.loadedLocalRoot = false;
  if (loadedLocalRoot) yield* makeMmuPagesAvailable(kvm, undefined, vcpu);
  if (flushes) yield* syncRoots(kvm, vcpu);
}

/** A walk of a 32-bit guest's tables for a fault: whatever no event showed, the vCPU has a local root for them. */
export function walkedFromLocalRoot(task: Task): void {
  const { vcpu, walk, mmu } = task;
  if (!vcpu || !walk || walk.empty || (walk.mode !== '32' && walk.mode !== 'pae') || !mmu.has('local-pages')) return;
  const has4ByteGpte = walk.mode === '32' ? 1 : 0;
  walk.topGfn ??= task.registers.of(vcpu.id)?.cr3 ?? tableBelow(task, vcpu);
  const [root = NO_PAGE] = vcpu.roots();
  if (root !== NO_PAGE && mmu.pages.isLocal(root)) {
    const { role } = mmu.pages.birth(root);
    if (roleField(role, 'has4ByteGpte') === has4ByteGpte && !roleField(role, 'direct')) return;
  }
  const { role } = localRoot(mmu, makeRole({ access: ACC_ALL, efer_nx: 1, has4ByteGpte }), LOCAL_LEVEL);
  const hidden = classOf(task.kvm, vcpu);
  vcpu.release();
  allocLocalRoot(task.kvm, vcpu, inClass(inMode(role, vcpu), hidden));
}

/** The table that CR3 leads to, by a page directory that a local root has already. */
function tableBelow({ mmu }: Task, vcpu: Vcpu): Gfn | undefined {
  const { pages } = mmu;
  const [root = NO_PAGE] = vcpu.roots();
  if (root === NO_PAGE || !pages.isLocal(root)) return undefined;
  const directory = directoriesOf(mmu, root).find((page) => roleField(pages.birth(page).role, 'has4ByteGpte'));
  return directory && pages.birth(directory).gfn;
}

/** The role as the trace's records have it: text does not print all of it, and its class stands for the rest. */
function asTraced(kvm: TracedKvm, vcpu: Vcpu, role: Role): Role {
  if (!kvm.hidden) return role;
  return inClass(inMode(((role & PRINTED_MASK) >>> 0) as Role, vcpu), kvm.hidden.ofBits(role & HIDDEN_BITS));
}
