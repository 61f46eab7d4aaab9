import type { GuestEntries } from './guestEntries.js';
import { DirtyLog } from './dirtyLog.js';
import { GuestTime } from './guestTime.js';
import type { HiddenClasses } from './hiddenClasses.js';
import type { HostPage, HostPages } from './hostPages.js';
import type { Gfn, PageId, Pfn } from './ids.js';
import type { Mmu } from './mmu.js';
import { PageLimit } from './pageLimit.js';
import type { Vcpu } from './vcpu.js';

/** The guest's own tables, as far as they are known. */
export interface GuestTables {
  /** the entry at a guest physical address; undefined when it is not known */
  at(gpa: number, bytes: 4 | 8): bigint | undefined;
  /** KVM itself set bits of an entry */
  set(gpa: number, bits: bigint): void;
  /** the emulator wrote there, what no one knows */
  forget(gpa: number, bytes: number): void;
  /** the emulator changed an entry of `entryBytes`, or a part of it */
  wrote(gpa: number, bytes: number, entryBytes: 4 | 8, change: Change): void;
}

/** What a store makes of the old contents, both as far as they are known. */
export type Change = (old: bigint | undefined) => bigint | undefined;

/** What backs guest frames in the host, as far as it is known. */
export interface HostBacking {
  at(gfn: Gfn): HostPage | undefined;
  /** no memory slot holds the frame */
  isAbsent(gfn: Gfn): boolean;
  /** the host has a page there already, so that prefetching finds one; undefined where that is not known */
  isAtHand(gfn: Gfn): boolean | undefined;
  /** level of the host's mapping around a frame */
  levelAt(gfn: Gfn): number | undefined;
}

/** One VM: its shadow MMU, and what is known of the guest's tables and the host's pages: all of it, or what a trace showed. */
export class Kvm<Guest extends GuestTables = GuestTables, Host extends HostBacking = HostBacking> {
  /** its vCPUs that had an event so far */
  readonly vcpus: Vcpu[] = [];
  readonly time: GuestTime;
  readonly dirtyLog = new DirtyLog();
  /** direct MMUs are the TDP MMU's, as its events show */
  usesTdpMmu = false;
  /** text traces only */
  hidden: HiddenClasses | undefined;
  /** roles of the trace say nothing of system management mode and nested guests: only other events do */
  rolesLackMode = false;
  /** low bits of the memslot generation, which MMIO SPTEs carry; undefined until one showed it, and after a possible slot change */
  slotGeneration: number | undefined;
  readonly pageLimit = new PageLimit();

  /** previous roots of a vCPU that a flush of the guest's TLB may have freed: their root_count is not certain */
  readonly doubtedRoots = new Map<PageId, Vcpu>();
  /** page frame of a vCPU's `pae_root`, or of another table for a local page, where it is known */
  localFrame: (vcpu: number, local: 'pae_root' | 'table') => Pfn | undefined = () => undefined;

  constructor(
    readonly mmu: Mmu,
    readonly guest: Guest,
    readonly host: Host,
  ) {
    this.time = new GuestTime(mmu);
  }
}

/** A VM of a trace. */
export type TracedKvm = Kvm<GuestEntries, HostPages>;
