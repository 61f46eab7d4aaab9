import type { Announcement, Came, Steps } from '../engine/announcement.js';
import { apply } from '../engine/apply.js';
import { rootQuadrant } from '../engine/childRole.js';
import { EntryState, Trust, entryState } from '../engine/entry.js';
import { eraFor } from '../engine/eras.js';
import { FaultPath } from '../engine/faultPath.js';
import { accessedMask, dirtyMask, gpteBytes, gpteFrame, gpteGpa, isPdpte, pageOf, topLevel, type PagingMode } from '../engine/gpte.js';
import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Role, type SpteIndex } from '../engine/ids.js';
import { Journal } from '../engine/journal.js';
import { Kvm } from '../engine/kvm.js';
import { Mmu } from '../engine/mmu.js';
import { ShadowPages } from '../engine/pages.js';
import { PferrBit, type GuestControl } from '../engine/permission.js';
import { ACC_ALL, makeRole, roleField } from '../engine/role.js';
import { NX, PAGE_SIZE_BIT } from '../engine/spte.js';
import { WritableState } from '../engine/state.js';
import { directPageFault } from '../engine/steps/directFault.js';
import type { Fault, ShadowFault } from '../engine/steps/fault.js';
import { shadowPageFault } from '../engine/steps/fetch.js';
import { invalidate } from '../engine/steps/invalidate.js';
import { mmioPageFault } from '../engine/steps/mmio.js';
import { beforeEntry, loadRoots, type RootPage } from '../engine/steps/roots.js';
import { syncRoots } from '../engine/steps/syncRoots.js';
import { trackWrite } from '../engine/steps/trackWrite.js';
import { freeRoots, zapAllFast } from '../engine/steps/zap.js';
import { Vcpu } from '../engine/vcpu.js';
import { GuestWalk } from '../engine/walk.js';
import { walkOutcome } from '../engine/walkOutcome.js';
import { GuestMemory, HostMemory } from './memory.js';

/** How a vCPU is set up; without paging there is no CR3 to speak of. */
export interface Paging {
  readonly mode: PagingMode | 'off';
  readonly cr3: Gfn;
  readonly wp: boolean;
}

export interface Access {
  readonly write?: boolean;
  readonly user?: boolean;
  readonly fetch?: boolean;
  /** what is stored, for a write */
  readonly value?: { readonly bytes: 4 | 8; readonly word: bigint };
}

/** How an access ended. */
export type AccessResult = 'done' | 'emulated' | 'mmio' | 'guest-fault';

/** A fault that is handled again and again without progress is a defect of the engine. */
const MOST_FAULTS = 16;
const FIRST_FRAME = 0x1000;

/**
 * A whole VM: guest memory, memory slots, vCPUs, and the engine between them. What KVM does is the engine's steps; what the CPU and
 * the host do is here. There is no trace: an announced event takes place as announced.
 */
export class Machine {
  readonly journal = new Journal();
  readonly state = new WritableState(this.journal);
  readonly pages = new ShadowPages(this.journal);
  readonly guest = new GuestMemory();
  readonly host = new HostMemory(FIRST_FRAME);
  readonly mmu: Mmu;
  readonly kvm: Kvm;
  readonly vcpus: Vcpu[] = [];
  private readonly paging: Paging[] = [];
  /** called for each event of the MMU */
  onEvent: (announced: Announcement) => void = () => undefined;

  constructor(kernel = '6.1') {
    this.mmu = new Mmu(0, this.state, this.pages, eraFor(kernel));
    this.kvm = new Kvm(this.mmu, this.guest, this.host);
    this.kvm.slotGeneration = 0;
    this.state.now = 0 as EventIndex;
  }

  addVcpu(paging: Paging): Vcpu {
    const vcpu = new Vcpu(0, this.vcpus.length, this.state, this.pages);
    this.vcpus.push(vcpu);
    this.paging.push(paging);
    this.setPaging(vcpu, paging);
    return vcpu;
  }

  pagingOf(vcpu: Vcpu): Paging {
    return this.paging[vcpu.id]!;
  }

  /** CR0, CR3, CR4 are written: another mode, or another table [6.1 mmu.c:kvm_mmu_reset_context, kvm_mmu_new_pgd]. */
  setPaging(vcpu: Vcpu, paging: Paging): void {
    const before = this.pagingOf(vcpu);
    this.paging[vcpu.id] = paging;
    const reset = vcpu.roots().length === 0 || before.mode !== paging.mode || before.wp !== paging.wp;
    const wanted = this.rootsFor(paging);
    const single = wanted.length === 1 && !reset ? wanted[0]! : undefined;
    vcpu.mmio.clear();
    if (single && this.switchToCached(vcpu, single)) return this.run(vcpu, syncRoots(this.kvm, vcpu));
    this.run(vcpu, freeRoots(this.kvm, vcpu));
    vcpu.beginLoad(reset);
    this.run(vcpu, loadRoots(this.kvm, vcpu, wanted, []));
  }

  /** INVLPG [6.1 mmu.c:kvm_mmu_invalidate_gva]. */
  invlpg(vcpu: Vcpu, address: bigint): void {
    const { mode } = this.pagingOf(vcpu);
    vcpu.mmio.clear();
    if (mode === 'off') return;
    this.run(vcpu, invalidate(this.faultAt(vcpu, address, 0, this.walk(mode, vcpu, address, 0)) as ShadowFault));
  }

  /** The guest reads, writes or fetches at an address until it can go on. */
  access(vcpu: Vcpu, address: bigint, access: Access): AccessResult {
    this.run(vcpu, beforeEntry(this.kvm, vcpu, 'none'));
    for (let tries = 0; tries < MOST_FAULTS; tries++) {
      const error = this.translate(vcpu, address, access);
      if (error === undefined) {
        if (access.write) this.store(vcpu, address, access);
        return 'done';
      }
      const result = this.pageFault(vcpu, address, error, access);
      this.run(vcpu, beforeEntry(this.kvm, vcpu, 'none'));
      if (result) return result;
    }
    throw new Error(`an access to ${address.toString(16)} makes no progress`);
  }

  /** User space deletes a memory slot: everything is zapped. */
  deleteSlot(first: Gfn): void {
    this.host.removeSlot(first);
    this.run(undefined, zapAllFast(this.kvm));
    this.kvm.slotGeneration = (this.kvm.slotGeneration ?? 0) + 2;
    for (const vcpu of this.vcpus) this.run(vcpu, beforeEntry(this.kvm, vcpu, 'none'));
  }

  addSlot(first: Gfn, pages: number): void {
    this.host.addSlot(first, pages);
    this.kvm.slotGeneration = (this.kvm.slotGeneration ?? 0) + 2;
  }

  /** The host takes a page away: an MMU notifier drops its SPTEs. */
  unmap(gfn: Gfn): void {
    for (const { page, index } of [...this.mmu.leaves(gfn)]) this.mmu.clear(page, index);
    this.host.take(gfn);
  }

  /** Runs a function of the kernel to its end; each of its events takes place. */
  private run(vcpu: Vcpu | undefined, steps: Steps<unknown>, path?: FaultPath): void {
    let came: Came | undefined;
    for (;;) {
      const next = steps.next(came);
      if (next.done) return;
      const announced = next.value;
      if (announced.output === -1) throw new Error(`nothing may be unknown in a machine: ${announced.maybe}`);
      came = apply({ mmu: this.mmu, vcpu, path }, announced, Trust.derived);
      this.settle(announced, came.page);
      this.onEvent(announced);
      this.state.now = (this.state.now + 1) as EventIndex;
    }
  }

  /** What the records of a trace would show besides: the page frames of new pages; a page that is gone is no root any more. */
  private settle(announced: Announcement, page: PageId): void {
    if (announced.output === 0 && announced.fields.created) this.mmu.setFrame(page, this.host.allocate());
    if (announced.output === 3 && !this.pages.isLive(this.state, page)) for (const vcpu of this.vcpus) vcpu.drop(page);
  }

  private pageFault(vcpu: Vcpu, address: bigint, error: number, access: Access): AccessResult | undefined {
    const { mode } = this.pagingOf(vcpu);
    if (error & PferrBit.reserved) {
      const fault = this.faultAt(vcpu, address, error, undefined);
      let over = true;
      this.run(
        vcpu,
        handled(mmioPageFault(fault, mode === 'off'), (value) => (over = value)),
        fault.path,
      );
      if (over) return 'mmio';
    }
    if (mode === 'off') return this.directFault(vcpu, address, error);
    const walk = this.walk(mode, vcpu, address, error & ~PferrBit.reserved);
    const outcome = walkOutcome(walk, { control: this.controlOf(vcpu) });
    if (outcome.kind !== 'ok') {
      const refused = outcome.kind === 'fault' ? outcome.error : 0;
      if (refused & PferrBit.present) this.run(vcpu, invalidate(this.faultAt(vcpu, address, error, walk) as ShadowFault));
      return 'guest-fault';
    }
    const fault = this.faultAt(vcpu, address, error & ~PferrBit.reserved, walk) as ShadowFault;
    this.run(vcpu, shadowPageFault(fault), fault.path);
    if (this.host.isAbsent(outcome.gfn)) return this.keepMmio(vcpu, address, false);
    if (!access.write || !this.mmu.isTracked(outcome.gfn)) return undefined;
    this.emulate(vcpu, outcome.gfn * 4096 + Number(address & 0xfffn), access);
    return 'emulated';
  }

  private directFault(vcpu: Vcpu, address: bigint, error: number): AccessResult | undefined {
    const fault = this.faultAt(vcpu, address, error & ~PferrBit.reserved, undefined);
    const gfn = Number(address >> 12n) as Gfn;
    this.run(vcpu, directPageFault(fault), fault.path);
    if (this.host.isAbsent(gfn)) return this.keepMmio(vcpu, address, true);
    if ((error & PferrBit.write) === 0 || !this.mmu.isTracked(gfn)) return undefined;
    this.emulate(vcpu, gfn * 4096 + Number(address & 0xfffn), {});
    return 'emulated';
  }

  private keepMmio(vcpu: Vcpu, address: bigint, direct: boolean): AccessResult {
    vcpu.mmio.keep(address, direct, this.kvm.slotGeneration);
    return 'mmio';
  }

  /** KVM makes the guest's write to a tracked table itself. */
  private emulate(vcpu: Vcpu, gpa: number, { value }: Access): void {
    const bytes = value?.bytes ?? 4;
    if (value) this.guest.write(gpa, bytes, value.word);
    const { mode } = this.pagingOf(vcpu);
    this.run(vcpu, trackWrite(this.kvm, gpa, bytes, mode !== '32' && mode !== 'off'));
  }

  private store(vcpu: Vcpu, address: bigint, { value }: Access): void {
    const leaf = this.leafOf(vcpu, address);
    if (!value || !leaf) return;
    const gfn = this.state.number(this.pages.gfnCell(leaf.page, leaf.index)) as Gfn;
    this.guest.write(gfn * 4096 + Number(address & 0xfffn), value.bytes, value.word);
  }

  /** The CPU's own walk through the shadow pages: undefined when the access may be made, else the error code of the fault. */
  private translate(vcpu: Vcpu, address: bigint, { write, user, fetch }: Access): number | undefined {
    const asked = (write ? PferrBit.write : 0) | (user ? PferrBit.user : 0) | (fetch ? PferrBit.fetch : 0);
    const leaf = this.leafOf(vcpu, address);
    if (!leaf) return asked;
    const spte = this.state.word(this.pages.entryCell(leaf.page, leaf.index));
    if (leaf.mmio) return asked | PferrBit.present | PferrBit.reserved;
    const { writable, user: userBit } = this.mmu.format;
    const refused = (write && !(spte & writable)) || (user && !(spte & userBit)) || (fetch && (spte & NX) !== 0n);
    return refused ? asked | PferrBit.present : undefined;
  }

  private leafOf(vcpu: Vcpu, address: bigint): { page: PageId; index: SpteIndex; mmio: boolean } | undefined {
    const path = this.pathOf(vcpu, address, undefined);
    let page = vcpu.rootFor(path.page);
    for (let level = vcpu.rootLevel(); level >= 1 && page !== NO_PAGE; level--) {
      const index = path.indexAt(level);
      const cell = this.pages.entryCell(page, index);
      const kind = entryState(this.state.tag(cell));
      if (kind === EntryState.mmio) return { page, index, mmio: true };
      if (kind === EntryState.leaf && (level === 1 || this.state.word(cell) & PAGE_SIZE_BIT)) return { page, index, mmio: false };
      if (kind !== EntryState.link) return undefined;
      page = this.state.number(cell) as PageId;
    }
    return undefined;
  }

  /** The guest walk as KVM makes it: entries are read until the outcome is settled, then accessed and dirty bits are set. */
  private walk(mode: PagingMode, vcpu: Vcpu, address: bigint, error: number): GuestWalk {
    const walk = new GuestWalk(address, error & (PferrBit.write | PferrBit.user | PferrBit.fetch), mode);
    const control = this.controlOf(vcpu);
    for (let level = topLevel(mode); level >= 1; level--) {
      walk.read(level, this.guest.at(this.gpaOf(mode, vcpu, walk, level), gpteBytes(mode)));
      const outcome = walkOutcome(walk, { control });
      if (outcome.kind === 'incomplete') continue;
      if (outcome.kind === 'ok') {
        for (const { level: at, bit } of outcome.toSet) {
          this.guest.set(this.gpaOf(mode, vcpu, walk, at), bit === 'accessed' ? accessedMask(mode) : dirtyMask(mode));
        }
      }
      break;
    }
    return walk;
  }

  private gpaOf(mode: PagingMode, vcpu: Vcpu, walk: GuestWalk, level: number): number {
    const { cr3 } = this.pagingOf(vcpu);
    if (isPdpte(mode, level)) return cr3 * 4096 + Number((walk.address >> 30n) & 3n) * 8;
    return Number(gpteGpa(mode, walk.tableGfn(level) ?? cr3, walk.address, level));
  }

  private controlOf(vcpu: Vcpu): GuestControl {
    return { wp: this.pagingOf(vcpu).wp, smep: false, smap: false, nx: true, pse: true };
  }

  private faultAt(vcpu: Vcpu, address: bigint, error: number, walk: GuestWalk | undefined): Fault {
    return { kvm: this.kvm, vcpu, path: this.pathOf(vcpu, address, walk), walk, address, error };
  }

  private pathOf(vcpu: Vcpu, address: bigint, walk: GuestWalk | undefined): FaultPath {
    const { mode } = this.pagingOf(vcpu);
    const page = mode === 'off' ? Number(address >> 12n) : pageOf(mode, address);
    return new FaultPath(this.mmu, vcpu, walk, page);
  }

  /** What a load of the root asks for by slot (spec/roots.md §3-4). */
  private rootsFor({ mode, cr3, wp }: Paging): (RootPage | undefined)[] {
    const base = makeRole({ access: ACC_ALL, efer_nx: 1, cr0_wp: mode === 'off' || !wp ? 0 : 1 });
    const level2 = (fields: Partial<Parameters<typeof makeRole>[0]>): Role =>
      makeRole({ level: 2, access: ACC_ALL, efer_nx: 1, cr0_wp: roleField(base, 'cr0_wp'), ...fields });
    const slots = [0, 1, 2, 3];
    switch (mode) {
      case 'off':
        return slots.map((slot) => ({ gfn: (slot * 2 ** 18) as Gfn, role: level2({ direct: 1 }) }));
      case '32':
        return slots.map((slot) => ({ gfn: cr3, role: level2({ has4ByteGpte: 1, quadrant: rootQuadrant(true, slot) }) }));
      case 'pae':
        return slots.map((slot) => {
          const pdpte = this.guest.at(cr3 * 4096 + slot * 8, 8);
          return pdpte & 1n ? { gfn: gpteFrame('pae', pdpte), role: level2({}) } : undefined;
        });
      default:
        return [{ gfn: cr3, role: makeRole({ level: topLevel(mode), access: ACC_ALL, efer_nx: 1, cr0_wp: wp ? 1 : 0 }) }];
    }
  }

  /** [6.1 mmu.c:fast_pgd_switch]: one of the cached roots, or the current one, is the root wanted. */
  private switchToCached(vcpu: Vcpu, { gfn, role }: RootPage): boolean {
    const fits = (page: PageId): boolean =>
      page !== NO_PAGE && this.pages.birth(page).gfn === gfn && this.pages.role(this.state, page) === role;
    const page = [...vcpu.roots(), ...vcpu.previousRoots()].find(fits);
    if (page === undefined) return false;
    vcpu.switchTo(page);
    this.pages.setWriteFlooding(this.state, page, 0);
    return true;
  }
}

function* handled(steps: Steps<boolean>, then: (value: boolean) => void): Steps {
  then(yield* steps);
}
