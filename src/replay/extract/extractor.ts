import { accessedMask, dirtyMask, gpteFrame, isPresentGpte } from '../../engine/gpte.js';
import type { EventIndex, Gfn, SpteIndex } from '../../engine/ids.js';
import { PferrBit } from '../../engine/permission.js';
import { NX } from '../../engine/spte.js';
import type { Replayer } from '../replayer.js';
import type { Doing, Store } from './doings.js';
import type { Exit, Fault, Leaf, Stored, Walk } from './exits.js';
import { Following, frameOf, type Listener } from './follow.js';
import { GuestModel, type Difference } from './guestModel.js';
import { HostAddresses } from './hostAddresses.js';
import { HostModel } from './hostModel.js';
import { HUGE } from './memorySlots.js';
import { Prelude } from './prelude.js';
import { Registers } from './registers.js';
import { addressOf } from './places.js';

/** What was done in one exit, or by the host: statements that belong together. */
export interface Group {
  readonly seq: number;
  readonly event: EventIndex;
  /** undefined: the host */
  readonly vcpu: number | undefined;
  readonly title: string;
  /** what must be so before, and shows only here or later */
  readonly before: Doing[];
  readonly doings: Doing[];
}

const PAGE = 4096;
const ACCESSED = 0x20n;
const ACCESSED_DIRTY = 0x60n;
const FLUSHES = /invlpg|cr[034]|msr|cr_access/i;

/** Turns what the followers of a recording tell into statements. What is not known when it happens is filled in when it shows. */
export class Extractor implements Listener {
  readonly groups: Group[] = [];
  /** the guest's entries that nothing but their first look shows: taken to have been so all the time */
  readonly initial: Doing[] = [];
  readonly guest = new GuestModel();
  readonly host = new HostModel();
  readonly registers: Registers;
  /** what brings about the shadow pages that there are when the range begins; undefined where it begins with the recording */
  prelude: Prelude | undefined;
  private readonly hva = new HostAddresses();
  readonly following: Following;
  /** groups that zapped everything, for a look at which slots came and went */
  readonly zaps: Group[] = [];
  private seq = 0;
  /** the last group after which the guest's TLB holds nothing old */
  private lastFlush: Group | undefined;
  /** an INVLPG whose address the next fault shows, by vCPU */
  private readonly invlpgs = new Map<number, Extract<Doing, { kind: 'invlpg' }>>();
  private teardown: EventIndex | undefined;
  private group!: Group;

  constructor(
    private readonly replay: Replayer,
    private readonly vm: number,
    /** the first event that counts: what comes before is followed, so that it is known */
    private readonly from: number,
  ) {
    this.registers = new Registers(replay, vm);
    this.following = new Following(replay, vm, this);
  }

  /** The range begins: what there is now is what the scenario begins with. */
  begin(): void {
    this.initial.length = 0;
    for (const entry of this.guest.entries(this.host.tables)) this.initial.push({ kind: 'set', ...entry });
    this.host.begin();
    this.lastFlush = undefined;
    this.invlpgs.clear();
    this.prelude = new Prelude(this.replay, this.vm, this.guest, this.registers, this.host.sharedNow).make();
  }

  /** The range has ended. */
  finish(last: EventIndex): void {
    this.following.finish(last);
    if (this.teardown !== undefined) this.hostGroup(this.teardown, 'the VM ends', { kind: 'teardown' });
  }

  exitOver(exit: Exit, vcpu: number): void {
    this.group = this.newGroup(exit.event as EventIndex, vcpu, titleOf(exit));
    for (const fault of exit.faults) this.fault(exit, fault, vcpu);
    for (const walk of exit.others) this.noticed(walk);
    const [first] = exit.faults;
    for (const store of exit.stores) if (!first || !this.isStoreOf(first, store)) this.emulated(exit, store);
    this.controls(exit, vcpu);
    if (FLUSHES.test(exit.reason)) this.lastFlush = this.group;
    this.keep(this.group);
  }

  rootShown(vcpu: number, gfn: number): void {
    this.registers.rootShown(vcpu, gfn);
  }

  zapAllFast(event: EventIndex): void {
    this.zaps.push(this.hostGroup(event, 'everything is zapped: a memory slot was deleted or moved', { kind: 'zap-all' }));
  }

  smm(event: EventIndex, entered: boolean): void {
    const text = entered
      ? 'the vCPU enters system management mode: its accesses follow, but not the roots of their own that KVM has for it'
      : 'the vCPU leaves system management mode';
    this.hostGroup(event, 'system management mode', { kind: 'note', text });
  }

  zapped(event: EventIndex): void {
    if (this.zaps.at(-1)?.seq !== this.seq) this.teardown ??= event;
  }

  goesOn(): void {
    this.teardown = undefined;
  }

  unmapped(event: EventIndex, start: bigint, end: bigint): void {
    if (!this.registers.isBegun) return;
    const where = this.hva.framesOf(start, end);
    const frames = where && this.host.memoryWithin(where.first, where.last);
    if (!where) {
      const text = `the host took ${(end - start) / BigInt(PAGE)} pages of its own address space away: no event shows which guest frames`;
      this.hostGroup(event, 'a notifier', { kind: 'note', text });
    } else if (frames) {
      for (let gfn = frames.first; gfn <= frames.last; gfn++) this.host.took(gfn, this.seq);
      this.hostGroup(event, 'a notifier', { kind: 'take', gfn: frames.first, last: frames.last });
    }
  }

  private newGroup(event: EventIndex, vcpu: number | undefined, title: string): Group {
    return { seq: ++this.seq, event, vcpu, title, before: [], doings: [] };
  }

  private hostGroup(event: EventIndex, title: string, doing: Doing): Group {
    const group = this.newGroup(event, undefined, title);
    group.doings.push(doing);
    this.keep(group);
    return group;
  }

  private keep(group: Group): void {
    if (group.event >= this.from) this.groups.push(group);
  }

  /** A fault is an access of the guest, unless nothing came of it: then it comes again. */
  private fault(exit: Exit, fault: Fault, vcpu: number): void {
    const { walk } = fault;
    const gfn = walk?.walk.gfn ?? (walk ? undefined : Number(fault.address >> 12n));
    for (const { start, end } of fault.taken) if (gfn !== undefined) this.take(gfn, start, end);
    // KVM did not emulate the write, but gave up the shadows of what it hits: the guest tries again.
    const gaveUp = exit.stores.length === 0 && exit.zapped.some((zapped) => zapped === gfn);
    if (!gaveUp && !this.led(exit, fault)) return;
    const { error, address } = fault;
    const writes = (error & PferrBit.write) !== 0 && !gaveUp;
    const wasKnown = walk !== undefined && this.knows(walk);
    if (walk && (!gaveUp || fault.requested)) this.walked(fault, walk, writes);
    if (fault.requested && gfn !== undefined) this.backed(fault, gfn, walk);
    if (gfn !== undefined && (fault.lostWrite || fault.fast)) this.logged(gfn);
    if (wasKnown) this.showInvlpg(vcpu, fault);
    const user = (error & PferrBit.user) !== 0;
    if (writes) this.group.doings.push(this.write(exit, fault, gfn, user));
    else if (!gaveUp || fault.requested) this.group.doings.push({ kind: error & PferrBit.fetch ? 'fetch' : 'read', address, user });
    if (gaveUp) this.group.doings.push({ kind: 'unprotect', gfn: gfn! });
  }

  /** The entry at the end of a walk was seen before: there may have been an SPTE for it. */
  private knows({ elements }: Walk): boolean {
    const leaf = elements.at(-1);
    return leaf?.gpa !== undefined && this.guest.has(leaf.gpa);
  }

  /** Something came of the fault: a mapping, an MMIO access, a #PF for the guest, or an emulated instruction. */
  private led(exit: Exit, fault: Fault): boolean {
    return fault.requested !== undefined || fault.injected || fault.fast || exit.emulating || exit.mmio || (fault.walk?.failed ?? false);
  }

  private write(exit: Exit, fault: Fault, gfn: number | undefined, user: boolean): Store {
    const { address } = fault;
    const stored = exit.stores.find((store) => this.isStoreOf(fault, store));
    const offset = Number(address & 0xfffn);
    const native = this.entrySize(fault, offset);
    const bytes = stored?.bytes ?? native;
    const gpa = gfn === undefined ? undefined : gfn * PAGE + offset;
    const value = stored ? this.valueOf(exit, stored) : undefined;
    const store: Store = { kind: 'write', address, user, bytes, value, needsValue: stored !== undefined };
    const lands = gpa !== undefined && !fault.mmio && !exit.mmio && !fault.injected && !(fault.walk?.failed ?? false);
    if (lands && gpa % 4 === 0) this.guest.store(gpa, store, this.seq);
    return store;
  }

  /** A native store to a page table is one of an entry, as far as one can tell. */
  private entrySize({ walk, address }: Fault, offset: number): 1 | 2 | 4 | 8 {
    const eight = walk !== undefined && walk.walk.mode !== '32';
    return eight && offset % 8 === 0 ? 8 : address % 4n === 0n ? 4 : 1;
  }

  private isStoreOf(fault: Fault, { gpa }: Stored): boolean {
    const gfn = fault.walk?.walk.gfn ?? Number(fault.address >> 12n);
    return (fault.error & PferrBit.write) !== 0 && gpa === gfn * PAGE + Number(fault.address & 0xfffn);
  }

  private valueOf({ instruction }: Exit, { value, gpa, bytes }: Stored): bigint | undefined {
    if (value !== undefined || bytes < 4) return value;
    const old = this.guest.at(gpa, bytes as 4 | 8);
    return old === undefined ? undefined : instruction?.combine?.(old);
  }

  /** The emulator stores for a reason of its own, or more than the one word that the fault was about. */
  private emulated(exit: Exit, stored: Stored): void {
    const store: Store = {
      kind: 'emulate',
      address: BigInt(stored.gpa),
      user: false,
      bytes: stored.bytes,
      value: this.valueOf(exit, stored),
      needsValue: true,
    };
    this.group.doings.push(store);
    this.guest.store(stored.gpa, store, this.seq);
  }

  /** KVM's walk for the fault: what it read must be there, and what it sets is set in the scenario as well. */
  private walked(fault: Fault, { walk, elements, failed }: Walk, writes: boolean): void {
    const { mode } = walk;
    const bottom = walk.leafLevel;
    for (const { level, value, gpa, bytes } of elements) {
      // PDPTEs come from registers.
      if (gpa === undefined) continue;
      const sets = failed ? 0n : accessedMask(mode) | (level === bottom && writes ? dirtyMask(mode) : 0n);
      this.host.sawTable(Math.floor(gpa / PAGE), bytes);
      this.must(this.guest.read(gpa, bytes, value, this.seq, sets), level === 1);
      if (sets) this.guest.set(gpa, sets);
    }
    const leaf = elements.at(-1);
    if (!failed && bottom === 1 && leaf?.gpa !== undefined) this.prefetched(fault, leaf.gpa, leaf.bytes);
  }

  /** Leaves that were set besides the faulting one show guest entries that no walk has read. */
  private prefetched(fault: Fault, leafGpa: number, bytes: 4 | 8): void {
    const [main, ...others] = fault.leaves;
    if (!main) return;
    const { format } = this.replay.mmu(this.vm);
    for (const { gfn, spte, index, level } of others) {
      if (level !== 1) continue;
      const gpa = leafGpa + (index - main.index) * bytes;
      const known = this.guest.at(gpa, bytes);
      if (known !== undefined && known & 0x20n && Number((known & 0x000f_ffff_ffff_f000n) >> 12n) === gfn) continue;
      const writable = (spte & format.mmuWritable) !== 0n || (spte & format.writable) !== 0n;
      const flags = 0x21n | (writable ? 0x42n : 0n) | (spte & format.user ? 4n : 0n) | (bytes === 8 && spte & NX ? NX : 0n);
      this.must(this.guest.read(gpa, bytes, (BigInt(gfn) << 12n) | flags, this.seq, 0n));
    }
  }

  /** Walks of the emulator, and for INVLPG and the like: their entries are as they were seen, but KVM's own bits do not count. */
  private noticed({ elements }: Walk): void {
    for (const { gpa, bytes, value, level } of elements) {
      if (gpa !== undefined) this.must(this.guest.read(gpa, bytes, value, this.seq, ACCESSED_DIRTY), level === 1);
    }
  }

  /**
   * Guest memory must have changed unseen: as late as possible, but before the TLB was flushed that still held the old entry.
   *
   * @param table a page table's entry was looked at: its accessed bit, which would have had KVM prefetch it, may be of any age
   */
  private must(differences: Difference[], table = false): void {
    for (const { gpa, bytes, value: now, before, seen } of differences) {
      const value = table && before === undefined ? now & ~ACCESSED : now;
      if (value !== now) this.guest.put(gpa, bytes, value, this.seq);
      const entry: Doing = { kind: 'set', gpa, bytes, value };
      const flush = this.lastFlush;
      const gfn = Math.floor(gpa / PAGE) as Gfn;
      if (before === undefined && this.replay.mmu(this.vm).heldSince(gfn) < this.from) this.initial.push(entry);
      else if (before !== undefined && flush && flush.seq > seen && this.dropsOld(before, value, bytes)) flush.before.push(entry);
      else this.group.before.push(entry);
    }
  }

  /** What a TLB, or an SPTE, holds of the old entry is not good any more. */
  private dropsOld(before: bigint, after: bigint, bytes: 4 | 8): boolean {
    const mode = bytes === 4 ? '32' : 'pae';
    if (!isPresentGpte(mode, before)) return false;
    return !isPresentGpte(mode, after) || gpteFrame(mode, before) !== gpteFrame(mode, after) || (before & ~after & 6n) !== 0n;
  }

  private backed(fault: Fault, gfn: number, walk: Walk | undefined): void {
    const { pfn, level } = fault.requested!;
    if (pfn === undefined) return this.host.sawNone(gfn, this.seq);
    const whole = !walk || walk.walk.leafLevel > 1;
    if (this.host.endsLog(gfn, fault.leaves[0]?.level ?? level, fault.leaves.length > 1 && !walk)) {
      const first = gfn - (gfn % HUGE);
      this.group.before.push({ kind: 'unlog', gfn: first, last: first + HUGE - 1 });
    }
    // Up to 5.15 the request has the level of the guest's own page.
    this.map(gfn, pfn, fault.leaves[0]?.level ?? level, whole);
    const format = this.replay.mmu(this.vm).format;
    for (const [i, { gfn: its, spte, level: mapped }] of fault.leaves.entries()) {
      if (i > 0) this.map(its, frameOf(spte), mapped, whole);
      if (!(spte & format.hostWritable)) this.share(its, mapped);
    }
  }

  private map(gfn: number, pfn: number, level: number, whole: boolean): void {
    const { largePages } = this.replay.mmu(this.vm);
    const small = largePages.disallowed(gfn as Gfn) || this.host.isLogging(gfn);
    if (!this.host.sawFrame(gfn, pfn, level, whole, small, this.seq)) return;
    const pages = level > 1 ? HUGE : 1;
    const first = gfn - (gfn % pages);
    this.group.before.push({ kind: 'map', gfn: first, last: first + pages - 1, pfn: pfn - (pfn % pages) });
  }

  /** Dirty logging took W away from what the fault hits, and from its neighbours: user space switches it by memory slot. */
  private logged(gfn: number): void {
    const first = gfn - (gfn % HUGE);
    if (!this.host.isLogged(gfn)) {
      this.host.log(first);
      const within = this.host.memoryWithin(first, first + HUGE - 1) ?? { first: gfn, last: gfn };
      this.group.before.push({ kind: 'log', gfn: within.first, last: within.last });
    }
    this.host.wroteLogged(gfn);
  }

  private share(gfn: number, level: number): void {
    const pages = level > 1 ? HUGE : 1;
    if (this.host.isShared(gfn, pages, this.seq)) return;
    this.group.before.push({ kind: 'share', gfn: gfn - (gfn % pages), last: gfn - (gfn % pages) + pages - 1 });
  }

  /** The host takes the page that the fault is about, or the large page around it. */
  private take(gfn: number, start: bigint, end: bigint): void {
    const bytes = Number(end - start);
    const pages = bytes >= HUGE * PAGE ? HUGE : 1;
    const first = gfn - (gfn % pages);
    if (bytes === PAGE) this.hva.saw(start, gfn);
    for (let i = 0; i < pages; i++) this.host.took(first + i, this.seq);
    const take: Doing = { kind: 'take', gfn: first, last: first + pages - 1 };
    const said = this.group.before.at(-1);
    if (said?.kind === 'take' && said.gfn <= take.gfn && said.last >= take.last) return;
    this.group.before.push(take);
  }

  /** The address of an INVLPG is not in the trace of an AMD machine: the next address that faults for want of an SPTE is likely it. */
  private showInvlpg(vcpu: number, { address, error }: Fault): void {
    const invlpg = this.invlpgs.get(vcpu);
    if (!invlpg || error & (PferrBit.present | PferrBit.fetch | PferrBit.reserved)) return;
    invlpg.address = address;
    this.invlpgs.delete(vcpu);
  }

  /** Control registers that were written, and INVLPG. */
  private controls(exit: Exit, vcpu: number): void {
    const { reason } = exit;
    if (FLUSHES.test(reason)) this.invlpgs.delete(vcpu);
    if (/^invlpg/i.test(reason)) {
      const invlpg: Extract<Doing, { kind: 'invlpg' }> = { kind: 'invlpg', address: exit.info || this.refreshed(exit.leaves) };
      if (invlpg.address === undefined) this.invlpgs.set(vcpu, invlpg);
      this.group.doings.push(invlpg);
    }
    this.group.doings.push(...this.registers.after(exit, vcpu));
  }

  /** An SPTE that was made anew shows the address. */
  private refreshed([leaf]: readonly Leaf[]): bigint | undefined {
    return leaf && addressOf(this.replay.mmu(this.vm), this.replay.kvm(this.vm).vcpus, leaf.page, leaf.index as SpteIndex);
  }
}

function titleOf({ reason, faults }: Exit): string {
  const [fault] = faults;
  if (fault) return `${reason ? 'page fault' : 'page fault, its exit not in the trace'}`;
  return reason || 'the vCPU begins';
}
