import type { Announcement, Came, Steps } from '../engine/announcement.js';
import { Output } from '../engine/announcement.js';
import { apply } from '../engine/apply.js';
import { Trust } from '../engine/entry.js';
import { eraFor, type Era } from '../engine/eras.js';
import type { FaultPath } from '../engine/faultPath.js';
import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Pfn } from '../engine/ids.js';
import { Journal } from '../engine/journal.js';
import { Kvm } from '../engine/kvm.js';
import { Mmu } from '../engine/mmu.js';
import { Life, ShadowPages } from '../engine/pages.js';
import { WritableState } from '../engine/state.js';
import { Cause } from '../engine/unseen.js';
import { zapOldest } from '../engine/steps/available.js';
import type { RootPage } from '../engine/rootPages.js';
import { loadRoots } from '../engine/steps/roots.js';
import { dropLeaves, flushSlot } from '../engine/steps/slots.js';
import { syncRoots } from '../engine/steps/syncRoots.js';
import { unprotect } from '../engine/steps/unprotect.js';
import { freeRoots, zapAll, zapAllFast } from '../engine/steps/zap.js';
import { Vcpu } from '../engine/vcpu.js';
import { Cpu, type Access, type Paging } from './cpu.js';
import { endLog, logDirty } from './dirtyLog.js';
import { GuestMemory, HostMemory } from './memory.js';
import { HOST, type Happening, type Input } from './happening.js';
import { invalidateAddress, pageFault, writePhysical, type FaultingVm, type FaultResult } from './pageFault.js';
import { Recorder } from './recorder.js';
import { crWrite } from './registers.js';
import { VcpuRun } from './vcpuRun.js';

export interface MachineOptions {
  readonly era?: Era;
  /** the shadow MMU, where it is to differ from the engine's own */
  readonly mmu?: (state: WritableState, pages: ShadowPages, era: Era) => Mmu;
  /** `n_max_mmu_pages`: more shadow pages are recycled */
  readonly maxPages?: number;
}

/** How an access ended. */
export type AccessResult = 'done' | Exclude<FaultResult, 'fixed' | 'retry'>;

/** A fault that is handled again and again without progress is a defect of the engine. */
const MOST_FAULTS = 16;
const PAGE = 4096;
const FIRST_FRAME = 0x1000;
/** where the vCPUs' `pae_root` tables lie: below 4 GiB, from the creation of the vCPU on */
const FIRST_PAE_ROOT = 0x800;
/** Memslot generations of the two address spaces of x86 go up in turn. */
const GENERATION_STEP = 2;
const ALL = (1n << 64n) - 1n;
/** where the VMM has mapped the guest's memory, bytes */
const HVA = 0x7f00_0000_0000n;

/**
 * A whole VM: guest memory, memory slots, vCPUs, and the engine between them. What KVM does is the engine's steps; what the CPU and
 * the host do is here and in `cpu.ts` and `memory.ts`. There is no trace: an announced event takes place as announced, and nothing is
 * unknown.
 */
export class Machine implements FaultingVm {
  readonly journal = new Journal();
  readonly state = new WritableState(this.journal);
  readonly pages = new ShadowPages(this.journal);
  readonly guest = new GuestMemory();
  readonly host = new HostMemory(FIRST_FRAME);
  readonly mmu: Mmu;
  readonly kvm: Kvm<GuestMemory, HostMemory>;
  readonly cpus: Cpu[] = [];
  private readonly recorder = new Recorder(this.state);
  private readonly runs = new Map<Cpu, VcpuRun>();
  /** vCPUs that have to look at their roots before they enter the guest (KVM_REQ_MMU_FREE_OBSOLETE_ROOTS) */
  private readonly reloading = new Set<Cpu>();
  /** called after each event of the MMU has taken place */
  onEvent: (announced: Announcement) => void = () => undefined;
  /** called after each fault of the guest */
  onFault: (cpu: Cpu, address: bigint, error: number, result: FaultResult) => void = () => undefined;

  constructor({ era = eraFor('6.1'), mmu, maxPages }: MachineOptions = {}) {
    this.mmu = mmu ? mmu(this.state, this.pages, era) : new Mmu(0, this.state, this.pages, era);
    this.kvm = new Kvm(this.mmu, this.guest, this.host);
    this.kvm.slotGeneration = 0;
    this.kvm.localFrame = (vcpu, local) => (local === 'pae_root' ? ((FIRST_PAE_ROOT + vcpu) as Pfn) : this.host.allocate());
    if (maxPages !== undefined) this.kvm.pageLimit.set(maxPages);
    this.state.now = 0 as EventIndex;
    this.mmu.unseen.happened(Cause.exitsSeen);
  }

  /** All that took place, in order. */
  get happenings(): readonly Happening[] {
    return this.recorder.happenings;
  }

  /**
   * A statement of a scenario begins.
   *
   * @param task who runs it: a vCPU, or HOST
   */
  mark(task: number, line: number, text: string): void {
    this.recorder.mark(task, line, text);
  }

  addCpu(paging: Paging): Cpu {
    this.recorder.begin(this.cpus.length, 'vcpu');
    const vcpu = new Vcpu(this.mmu, this.cpus.length);
    const cpu = new Cpu(vcpu, this.mmu, this.guest, this.host);
    this.cpus.push(cpu);
    this.runs.set(cpu, new VcpuRun(cpu, (input) => this.happens(cpu, input)));
    this.kvm.vcpus.push(vcpu);
    cpu.load(paging);
    this.enter(cpu);
    return cpu;
  }

  /** A vCPU has to look at its roots before it can go on. */
  mustReload(cpu: Cpu): boolean {
    return this.reloading.has(cpu);
  }

  /** CR0, CR3 or CR4 is written: another mode, other rules, or another table; always a flush of the TLB. */
  setPaging(cpu: Cpu, paging: Paging): void {
    this.begin(cpu, 'vcpu');
    const run = this.runOf(cpu);
    const write = crWrite(cpu.paging, paging);
    if (write) run.writesCr(write.cr, write.value);
    else run.leaves();
    const change = cpu.load(paging);
    if (cpu.vcpu.shape() === 'local') this.leaveLocalRoot(cpu, change);
    else if (change === 'reset') this.letGo(cpu, () => cpu.vcpu.release());
    else if (change === 'switch' || (cpu.mode && !this.mmu.has('previous-roots'))) this.switchRoot(cpu);
    this.enter(cpu, true);
  }

  /** INVLPG [6.1 mmu.c:kvm_mmu_invlpg]. */
  invlpg(cpu: Cpu, address: bigint): void {
    this.begin(cpu, 'invlpg');
    this.runOf(cpu).exit('invlpg', address);
    invalidateAddress(this, cpu, address, [...cpu.vcpu.roots(), ...cpu.vcpu.previousRoots()]);
    this.enter(cpu);
  }

  /** The guest reads, writes or fetches at an address until it can go on. */
  access(cpu: Cpu, address: bigint, access: Access): AccessResult {
    this.begin(cpu, 'access');
    let retried = false;
    for (let tries = 0; tries < MOST_FAULTS; tries++) {
      const error = cpu.translate(address, access);
      if (error === undefined) {
        if (access.write) this.store(cpu, address, access);
        return 'done';
      }
      const result = pageFault(this, cpu, address, error, { ...access, odd: access.odd && !retried });
      this.onFault(cpu, address, error, result);
      this.enter(cpu);
      if (result !== 'fixed' && result !== 'retry') return result;
      // An instruction is not let run in vain twice [6.1 x86.c:retry_instruction].
      retried ||= result === 'retry';
    }
    throw new Error(`an access to ${address.toString(16)} makes no progress`);
  }

  /** KVM emulates an instruction for a reason of its own, and that writes to memory. */
  emulate(cpu: Cpu, gpa: number, value: NonNullable<Access['value']>): void {
    this.begin(cpu, 'emulate');
    this.runOf(cpu).exit('interrupt');
    this.happens(cpu, { name: 'kvm_page_track_write', gpa, bytes: value.bytes, value: value.word });
    writePhysical(this, cpu, gpa, value);
    this.enter(cpu);
  }

  /** User space or a device writes to guest memory: KVM learns nothing of it. */
  writeUnseen(gpa: number, bytes: number, word: bigint): void {
    this.recorder.begin(HOST, 'set');
    this.host.touch(Math.floor(gpa / PAGE) as Gfn);
    this.guest.write(gpa, bytes, word);
  }

  /** User space deletes a memory slot: everything is zapped. */
  deleteSlot(first: Gfn): void {
    this.recorder.begin(HOST, 'delete slot');
    const pages = this.host.removeSlot(first);
    if (this.mmu.has('generations')) for (const cpu of this.cpus) this.reloading.add(cpu);
    this.run(undefined, flushSlot(this.kvm, first, pages));
    this.slotsChanged();
  }

  /**
   * @param large the host backs it with 2 MiB pages
   * @param frame behind the first page, with the others after it; absent: any
   */
  addSlot(first: Gfn, pages: number, large = false, frame?: Pfn): void {
    this.recorder.begin(HOST, 'slot');
    this.host.addSlot(first, pages, large, frame);
    this.slotsChanged();
  }

  /** The host takes a page away: an MMU notifier drops its SPTEs [6.1 mmu.c:kvm_unmap_gfn_range]. */
  takePage(gfn: Gfn): void {
    this.recorder.begin(HOST, 'host take');
    this.unmap(gfn);
  }

  /** The host puts other page frames behind guest frames. */
  mapPages(gfn: Gfn, pages: number, frame: Pfn): void {
    this.recorder.begin(HOST, 'host map');
    this.notified(gfn, pages);
    for (let i = 0; i < pages; i++) this.drop((gfn + i) as Gfn);
    this.host.map(gfn, pages, frame);
  }

  /** The host maps pages for reading only, since another process shares them. */
  sharePages(gfn: Gfn, pages: number): void {
    this.recorder.begin(HOST, 'host share');
    this.notified(gfn, pages);
    for (let i = 0; i < pages; i++) this.dropLeaves((gfn + i) as Gfn);
    this.host.share(gfn, pages);
  }

  /** Dirty logging is switched on, or its log is read. */
  logDirty(gfn: Gfn, pages: number): void {
    this.recorder.begin(HOST, 'host log');
    logDirty(this.kvm, gfn, pages);
  }
  endLog(gfn: Gfn, pages: number): void {
    this.recorder.begin(HOST, 'host unlog');
    endLog(this.kvm, gfn, pages);
  }

  /** KVM gives up the shadows of a guest table, for an instruction that it will not emulate or an event that it must deliver. */
  unprotect(cpu: Cpu, gfn: Gfn): void {
    this.recorder.begin(cpu.vcpu.id, 'unprotect');
    this.run(cpu, unprotect(this.kvm, gfn));
  }

  /** Everything is zapped without a change of slots, as a change of nx_huge_pages does [6.1 mmu.c:set_nx_huge_pages]. */
  zapEverything(): void {
    this.recorder.begin(HOST, 'zap all');
    for (const cpu of this.cpus) this.reloading.add(cpu);
    this.run(undefined, zapAllFast(this.kvm));
  }

  /** The host is short of memory: the oldest pages go [6.1 mmu.c:mmu_shrink_scan]. */
  reclaim(pages: number): void {
    this.recorder.begin(HOST, 'reclaim');
    this.run(undefined, zapOldest(this.kvm, pages));
  }

  /** User space sets `n_max_mmu_pages` [6.1 mmu.c:kvm_mmu_change_mmu_pages]. */
  limitPages(limit: number): void {
    this.recorder.begin(HOST, 'limit');
    const { mmu, pageLimit } = this.kvm;
    if (mmu.usedPages() > limit) this.run(undefined, zapOldest(this.kvm, mmu.usedPages() - limit));
    pageLimit.set(Math.max(limit, mmu.usedPages()));
  }

  /** The VM ends [6.1 mmu.c:kvm_mmu_zap_all]. */
  end(): void {
    this.recorder.begin(HOST, 'teardown');
    this.run(undefined, zapAll(this.kvm));
    for (const cpu of this.cpus) this.letGo(cpu, () => cpu.vcpu.release());
  }

  /** @param cpu that waits for another frame */
  unmap(gfn: Gfn, cpu?: Cpu): void {
    this.notified(gfn, 1, cpu);
    this.drop(gfn);
  }

  runOf(cpu: Cpu): VcpuRun {
    return this.runs.get(cpu)!;
  }

  happens(cpu: Cpu | undefined, input: Input): void {
    this.recorder.input(cpu ? cpu.vcpu.id : HOST, input);
  }

  /** Runs a function of the kernel to its end; each of its events takes place. */
  run<T>(cpu: Cpu | undefined, steps: Steps<T>, path?: FaultPath): T {
    let came: Came | undefined;
    for (;;) {
      const next = steps.next(came);
      if (next.done) return next.value;
      came = this.takePlace(cpu, next.value, path);
    }
  }

  private takePlace(cpu: Cpu | undefined, announced: Announcement, path: FaultPath | undefined): Came | undefined {
    if (!this.comes(announced)) return undefined;
    const cameTo = this.recorder.output(cpu ? cpu.vcpu.id : HOST, announced);
    const came = apply({ mmu: this.mmu, vcpu: cpu?.vcpu, path }, announced, Trust.derived);
    if (announced.output === Output.getPage && announced.fields.created) this.mmu.setFrame(came.page, this.host.allocate());
    if (announced.output === Output.prepareZap) this.zapped(announced.page);
    const spte = announced.output === Output.fastPageFault ? cpu?.spteAt(announced.address!) : undefined;
    const place = spte ?? came;
    cameTo(place, place.page === NO_PAGE ? undefined : this.pages.frame(this.state, place.page));
    this.onEvent(announced);
    return came;
  }

  /** Nothing may be unknown here; only what the hardware did to accessed and dirty bits is not the engine's to know. */
  private comes(announced: Announcement): boolean {
    const { maybe, open = [] } = announced;
    const unknown = announced.output === Output.setSpte && announced.spte.mask !== ALL;
    if (announced.output === Output.anything || unknown || open.some((reason) => reason !== 'pointer' && reason !== 'hw-ad')) {
      throw new Error(
        `nothing may be unknown in a machine: ${JSON.stringify(announced, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value))}`,
      );
    }
    if (maybe === 'hw-ad' && announced.output === Output.setSpte) {
      return this.state.word(this.pages.entryCell(announced.page, announced.index!)) !== announced.spte.value;
    }
    // A load lets its old roots go before anything is recycled: none of them is left to doubt.
    if (maybe === 'root' && announced.output === Output.prepareZap) return false;
    if (maybe !== undefined && maybe !== 'trigger') throw new Error(`a machine knows whether an event comes: ${maybe}`);
    return true;
  }

  /** What the records of a trace would show besides: a page that is gone is no root; one that waits makes the vCPUs look at theirs. */
  private zapped(page: PageId): void {
    if (this.pages.life(this.state, page) === Life.none) for (const { vcpu } of this.cpus) vcpu.drop(page);
    else if (this.pages.life(this.state, page) === Life.pinned) for (const cpu of this.cpus) this.reloading.add(cpu);
  }

  /**
   * What a vCPU does before it enters the guest [6.1 x86.c:vcpu_enter_guest]: roots that are no longer good go, a missing one is loaded.
   *
   * @param flush the guest's TLB is flushed: what is unsync is synced
   */
  private enter(cpu: Cpu, flush = false): void {
    const { vcpu } = cpu;
    const run = this.runOf(cpu);
    if (run.inGuest && !this.reloading.has(cpu)) return;
    // Who takes its roots away interrupts it.
    if (run.inGuest) run.exit('interrupt');
    run.resumes();
    const freeObsolete = (): void => vcpu.freeObsolete((page) => this.mmu.isObsolete(page));
    if (this.reloading.delete(cpu)) {
      if (vcpu.shape() === 'local') freeObsolete();
      else this.letGo(cpu, freeObsolete);
    }
    run.injects();
    if (vcpu.roots().length === 0) {
      this.run(cpu, loadRoots(this.kvm, vcpu, cpu.roots(), []));
      if (vcpu.shape() === 'pae') vcpu.setHeadlessLevel(cpu.rootLevel);
    }
    if (flush) this.run(cpu, syncRoots(this.kvm, vcpu));
    run.enters();
  }

  /** [6.1 mmu.c:kvm_mmu_free_roots]: zapped pages that lose their last root_count have an event, others do not. */
  private letGo(cpu: Cpu, others: () => void): void {
    this.run(cpu, freeRoots(this.kvm, cpu.vcpu));
    this.shownByLoad(cpu);
    others();
  }

  /** Old roots go with the first event of the load that follows; the load of a local root has none, and is over at once. */
  private shownByLoad(cpu: Cpu): void {
    if (cpu.vcpu.shape() !== 'local' && !cpu.roots().some((root) => root?.local)) this.recorder.beforeNext();
  }

  /** A local root goes level by level, before the next event: none of its pages has one. */
  private leaveLocalRoot({ vcpu, paging }: Cpu, change: ReturnType<Cpu['load']>): void {
    if (change === 'keep') return;
    const call = change === 'switch' ? this.mmu.trail?.enter('newPgd', paging.cr3 * PAGE) : undefined;
    if (change === 'switch') vcpu.mmio.clear();
    vcpu.release();
    if (call !== undefined) this.mmu.trail?.leave(call, 0);
  }

  /** CR3 has another value [6.1 mmu.c:kvm_mmu_new_pgd]. */
  private switchRoot(cpu: Cpu): void {
    const { vcpu } = cpu;
    const [wanted, more] = cpu.roots();
    vcpu.mmio.clear();
    const call = this.mmu.trail?.enter('newPgd', cpu.paging.cr3 * PAGE);
    const cached = more === undefined && vcpu.keepsRoots() ? this.cachedRoot(vcpu, wanted) : undefined;
    if (cached !== undefined) vcpu.switchTo(cached);
    else {
      this.shownByLoad(cpu);
      vcpu.beginLoad(false);
    }
    this.mmu.trail?.leave(call!, cached === undefined ? 0 : 1);
  }

  /** [6.1 mmu.c:fast_pgd_switch] */
  private cachedRoot(vcpu: Vcpu, wanted: RootPage | undefined): PageId | undefined {
    return [...vcpu.roots(), ...vcpu.previousRoots()].find(
      (page) => page !== NO_PAGE && this.pages.birth(page).gfn === wanted?.gfn && this.pages.role(this.state, page) === wanted.role,
    );
  }

  private store(cpu: Cpu, address: bigint, { value }: Access): void {
    const gpa = cpu.reaches(address);
    if (value?.word !== undefined && gpa !== undefined) this.guest.write(gpa, value.bytes, value.word);
  }

  /** An MMU notifier; the host maps guest frames one behind the other. */
  private notified(gfn: Gfn, pages: number, cpu?: Cpu): void {
    const start = HVA + BigInt(gfn) * BigInt(PAGE);
    const end = start + BigInt(pages) * BigInt(PAGE);
    this.happens(cpu, { name: 'kvm_unmap_hva_range', start, end });
  }

  private drop(gfn: Gfn): void {
    const call = this.mmu.trail?.enter('unmapGfn', gfn);
    this.dropLeaves(gfn);
    this.mmu.trail?.leave(call!);
    this.host.take(gfn);
  }

  private dropLeaves(gfn: Gfn): void {
    dropLeaves(this.kvm, gfn);
  }

  private slotsChanged(): void {
    this.kvm.slotGeneration = (this.kvm.slotGeneration ?? 0) + GENERATION_STEP;
  }

  /** An operation of a vCPU begins, in the guest. */
  private begin(cpu: Cpu, text: string): void {
    this.recorder.begin(cpu.vcpu.id, text);
    this.enter(cpu);
  }
}
