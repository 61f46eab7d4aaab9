import { Unseen } from '../engine/entry.js';
import { FaultPath } from '../engine/faultPath.js';
import { gptesWritten } from '../engine/guestWrite.js';
import { BEFORE_FIRST, NO_PAGE, type EventIndex, type Gfn, type PageId, type Role } from '../engine/ids.js';
import type { Store } from '../engine/instruction.js';
import type { TracedKvm } from '../engine/kvm.js';
import type { Mmu } from '../engine/mmu.js';
import { roleField } from '../engine/role.js';
import type { RootShape, Vcpu } from '../engine/vcpu.js';
import type { RootPage } from '../engine/rootPages.js';
import type { RootChange } from '../engine/steps/roots.js';
import { GuestWalk } from '../engine/walk.js';
import type { Kind } from '../trace/vocabulary.js';
import type { KnownRegisters } from './registers.js';
import type { Work } from './work.js';

/** A root load under way: its pages come one after the other, without a fault between them. */
export interface RootLoad {
  readonly shape: RootShape;
  /** gfn and role of the page that began it */
  readonly gfn: Gfn;
  readonly role: Role;
  nextSlot: number;
}

/** What the replay knows of one task at the newest event: the exit and the fault it is in, and how far the fault got. */
export class Task {
  lastEvent: EventIndex = BEFORE_FIRST;
  /** inside a VM exit: between kvm_exit and kvm_entry */
  inExit = false;
  /** an exit of it had an event */
  seenExit = false;
  /** the walk, once its events have begun */
  walk: GuestWalk | undefined;
  path: FaultPath | undefined;
  rootLoad: RootLoad | undefined;
  /** the exit is a write of CR0, CR4 or an MSR: a root load in it comes after a reset of the MMU */
  resetsMmu = false;
  /** the exit entered or left a nested guest: a root load in it keeps the root before, though the role is another */
  keepsRoots = false;
  /** address and error code of the last kvm_page_fault of this exit */
  pageFault: { readonly address: bigint; readonly error: number } | undefined;
  /** the fault has got a page frame: kvm_mmu_spte_requested was seen */
  requested = false;
  /** kvm_emulate_insn was seen since the exit; with the instruction's bytes as far as they are known */
  emulating: Uint8Array | undefined;
  /** pages whose guest table this fault's write may have changed through the emulator, with what was suspected before */
  suspected: { readonly page: PageId; readonly before: EventIndex | undefined }[] = [];
  /** what the exit did to the registers that choose the root */
  change: RootChange = 'none';
  /** CR3 was written with a value that is known: its root has to be loaded, or was there and the guest's TLB is flushed */
  cr3: { readonly wanted: readonly RootPage[]; readonly releasing: readonly PageId[] } | 'flush' | undefined;
  /** what the root load under way, or the next one, is for */
  loading: RootChange = 'none';
  /** roots that were zapped have been looked for since the last input */
  settled = false;
  /** the task runs its process's own code: before the first entry, and from kvm_userspace_exit to the next */
  outside = true;
  /** the exit came while an exception was being delivered: the fault unprotects its target, first or last */
  reinjecting = false;
  /** the same may be so: an event was injected at the last entry, and the exit does not say whether it got through */
  mayBeReinjecting = false;
  /** an exception or an interrupt is injected at the next entry */
  injected = false;
  /** the walk of such a fault that finds what to unprotect is under way; another one is the fault's own */
  unprotecting = false;
  /** the exit is an INVLPG's */
  invalidating = false;
  /** the instruction under emulation */
  store: Store | undefined;
  /** the fault wrote to a frame with shadowed tables: the instruction is emulated */
  trackedWrite: Gfn | undefined;
  /** a local root was loaded since the last entry */
  loadedLocalRoot = false;
  /** a page that was zapped while unsync: its sync event follows */
  zappedUnsync: PageId = NO_PAGE;

  /** without exits: the last write that KVM must emulate, whether the instruction has been fetched for it, and whether it has written */
  toEmulate: { readonly address: bigint; fetched: boolean; readonly wrote: boolean } | undefined;

  /** outputs that came with a message that cannot be read, and no announcement stands for yet */
  unread: Kind[] = [];

  readonly work: Work;

  constructor(
    readonly pid: number,
    readonly kvm: TracedKvm,
    makeWork: (task: Task) => Work,
    /** undefined for a thread that runs no guest */
    readonly vcpu: Vcpu | undefined,
    /** what the task is doing may have begun before its first event */
    private begunUnseen: boolean,
    /** of all vCPUs of its VM */
    readonly registers: KnownRegisters,
  ) {
    this.work = makeWork(this);
    if (vcpu && begunUnseen) vcpu.mayBeMidLoad = true;
  }

  get mmu(): Mmu {
    return this.kvm.mmu;
  }

  /** The walk in hand is the one that KVM makes for the fault, not the emulator's. */
  get walksForFault(): boolean {
    const { walk, pageFault } = this;
    return this.emulating === undefined && walk !== undefined && walk.address === pageFault?.address;
  }

  /** The way of an address through the shadow pages, for a fault that walks no guest tables. */
  pathTo(address: bigint): FaultPath | undefined {
    const shape = this.vcpu?.shape();
    const page = Number(BigInt.asUintN(shape === 'pae' || shape === 'local' ? 32 : 57, address) >> 12n);
    return this.vcpu && new FaultPath(this.mmu, this.vcpu, undefined, page);
  }

  get inFault(): boolean {
    return this.walk !== undefined || this.pageFault !== undefined;
  }

  beginWalk(address: bigint, error: number): void {
    this.walk = new GuestWalk(address, error);
    this.path = undefined;
    this.requested = false;
    this.rootLoad = undefined;
  }

  /** The way of the fault through the shadow pages; `gfn` serves a direct MMU, which walks no guest tables. */
  pathOf(gfn?: number): FaultPath | undefined {
    if (this.path || !this.vcpu) return this.path;
    if (this.walk && !this.walk.empty) this.path = new FaultPath(this.mmu, this.vcpu, this.walk, this.walk.page);
    else if (gfn !== undefined) this.path = new FaultPath(this.mmu, this.vcpu, undefined, gfn);
    return this.path;
  }

  /** The fault made its SPTE writable: the guest writes by itself, and KVM emulates nothing. */
  writesItself(): void {
    const { pages, state } = this.mmu;
    for (const { page, before } of this.suspected) pages.setWrittenSince(state, page, before);
    this.suspected = [];
  }

  /** KVM makes the write itself, and it is not the beginning of a longer one: of each shadow one entry may have gone. */
  doubtOnlyEntry(): void {
    const suspected = this.suspected.map(({ page }) => page);
    this.writesItself();
    const offset = Number(this.walk!.address & 0xfffn);
    const { pages, state } = this.mmu;
    for (const page of suspected)
      for (const index of gptesWritten(pages.role(state, page), offset)) this.mmu.doubt(page, index, Unseen.gone);
  }

  /** The sync event of the zapped page came. */
  takeZappedUnsync(): PageId {
    const page = this.zappedUnsync;
    this.zappedUnsync = NO_PAGE;
    return page;
  }

  /** An announced output was not read; whether it came all the same, with a message that cannot be read. */
  takeUnread(kind: Kind): boolean {
    const at = this.unread.indexOf(kind);
    if (at >= 0) this.unread.splice(at, 1);
    return at >= 0;
  }

  /** Events were lost: nothing that was under way can be relied on. */
  reset(): void {
    this.unread = [];
    this.endFault();
    this.rootLoad = undefined;
    this.emulating = undefined;
    this.store = undefined;
    this.zappedUnsync = NO_PAGE;
    this.work.abandon();
    this.settled = false;
    this.begunUnseen = true;
    if (this.vcpu) this.vcpu.mayBeMidLoad = true;
  }

  /** A root load that may have begun where no event shows it, in a gap or before the trace: its slot is told by the record. */
  resynchronise(recorded: Role): void {
    if (!this.begunUnseen || !this.rootLoad) return;
    this.begunUnseen = false;
    if (this.rootLoad.nextSlot !== 0 || !roleField(recorded, 'has4ByteGpte') || !roleField(recorded, 'quadrant')) return;
    this.rootLoad.nextSlot = roleField(recorded, 'quadrant');
    this.mmu.incomplete = true;
  }

  /** The fault is over; what follows belongs to another, or to none. */
  endFault(): void {
    this.walk = undefined;
    this.path = undefined;
    this.unprotecting = false;
    this.pageFault = undefined;
    this.requested = false;
    if (this.suspected.length > 0) this.suspected = [];
  }
}
