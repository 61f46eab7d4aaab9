import type { GuestEntries } from './guestEntries.js';
import type { HostPage, HostPages } from './hostPages.js';
import type { Gfn } from './ids.js';
import type { Mmu } from './mmu.js';
import type { Vcpu } from './vcpu.js';

/** What the rules of one kernel differ in, as far as the four recorded kernels show it. */
export interface KernelRules {
  /** kvm_mmu_spte_requested prints the address >> 12 instead of a gfn (5.10) */
  readonly requestPrintsAddress: boolean;
  /** a present SPTE with any child counts as linked (before 6.0 with the fixes of spec/getpage.md §3.1) */
  readonly anyChildIsLinked: boolean;
  /** an SPTE that is made anew while it is writable gets D (from 6.12 on as recorded) */
  readonly keepsDirty: boolean;
  /** MMU notifiers have events (5.10 has none) */
  readonly showsNotifiers: boolean;
  /** a kvm_mmu_set_spte follows mark_mmio_spte (5.10) */
  readonly mmioHasSetSpte: boolean;
}

export function rulesOf(kernel: string): KernelRules {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  const before513 = major > 0 && (major < 5 || (major === 5 && minor < 13));
  const before612 = major > 0 && (major < 6 || (major === 6 && minor < 12));
  return {
    requestPrintsAddress: before513,
    anyChildIsLinked: before513,
    mmioHasSetSpte: before513,
    keepsDirty: !before612,
    showsNotifiers: !before513,
  };
}

/** The guest's own tables, as far as they are known. */
export interface GuestTables {
  /** the entry at a guest physical address; undefined when it is not known */
  at(gpa: number, bytes: 4 | 8): bigint | undefined;
  /** KVM itself set bits of an entry */
  set(gpa: number, bits: bigint): void;
  /** the emulator wrote there */
  forget(gpa: number, bytes: number): void;
}

/** What backs guest frames in the host, as far as it is known. */
export interface HostBacking {
  at(gfn: Gfn): HostPage | undefined;
  /** no memory slot holds the frame */
  isAbsent(gfn: Gfn): boolean;
  /** level of the host's mapping around a frame */
  levelAt(gfn: Gfn): number | undefined;
}

/** One VM: its shadow MMU, and what is known of the guest's tables and the host's pages: all of it, or what a trace showed. */
export class Kvm<Guest extends GuestTables = GuestTables, Host extends HostBacking = HostBacking> {
  /** its vCPUs that had an event so far */
  readonly vcpus: Vcpu[] = [];
  /** low bits of the memslot generation, which MMIO SPTEs carry; undefined until one showed it, and after a possible slot change */
  slotGeneration: number | undefined;
  /** `n_max_mmu_pages`, as far as recycling showed it */
  maxPages: number | undefined;

  constructor(
    readonly mmu: Mmu,
    readonly rules: KernelRules,
    readonly guest: Guest,
    readonly host: Host,
  ) {}
}

/** A VM of a trace. */
export type TracedKvm = Kvm<GuestEntries, HostPages>;
