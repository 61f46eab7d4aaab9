import type { Announcement } from '../engine/announcement.js';
import type { PageId, Pfn } from '../engine/ids.js';

/** Who does something: the number of a vCPU, or HOST for what the VMM or the host does. */
export const HOST = -1;

/** One thing that takes place. Its index among all of them is the event index: what follows from it is written at that position. */
export type Happening = Marker | InputHappening | OutputHappening;

interface Common {
  /** vCPU, or {@link HOST} */
  readonly task: number;
  /** index of the statement it belongs to; -1 before the first */
  readonly statement: number;
}

/** A statement begins. */
export interface Marker extends Common {
  readonly kind: 'marker';
  /** in the scenario's file, from 1; 0 for what no file asks for */
  readonly line: number;
  readonly text: string;
}

/** What the guest or the host did, as an event of `kvm:*` or of the guest walk. */
export type InputHappening = Common & { readonly kind: 'input' } & Input;

/** What the MMU did. */
export interface OutputHappening extends Common {
  readonly kind: 'output';
  readonly announced: Announcement;
  /** the page it turned out to be about; NO_PAGE for none */
  readonly page: PageId;
  /** of the SPTE; -1 for none */
  readonly index: number;
  /** page frame of that page */
  readonly frame: Pfn | undefined;
}

/** Why a vCPU left the guest, as KVM names it on AMD. */
export type ExitReason = 'PF excp' | 'npf' | 'invlpg' | 'write_cr0' | 'write_cr3' | 'write_cr4' | 'msr' | 'interrupt';

/** Addresses are bytes; error codes are those of a page fault. */
export type Input =
  | { readonly name: 'kvm_exit'; readonly reason: ExitReason; readonly rip: bigint; readonly info1: bigint; readonly info2: bigint }
  | { readonly name: 'kvm_entry'; readonly rip: bigint; /** error code of a #PF */ readonly injects: number | undefined }
  | { readonly name: 'kvm_page_fault'; readonly rip: bigint; readonly address: bigint; readonly error: number }
  | { readonly name: 'kvm_mmu_pagetable_walk'; readonly address: bigint; readonly error: number }
  | { readonly name: 'kvm_mmu_paging_element'; readonly gpte: bigint; readonly level: number }
  | { readonly name: 'kvm_mmu_set_accessed_bit' | 'kvm_mmu_set_dirty_bit'; readonly gpa: number }
  | { readonly name: 'kvm_mmu_walker_error'; readonly error: number }
  | { readonly name: 'kvm_inj_exception'; readonly vector: number; readonly error: number }
  | { readonly name: 'kvm_emulate_insn'; readonly rip: bigint; readonly bytes: readonly number[]; readonly mode: 'prot32' | 'prot64' }
  | { readonly name: 'kvm_page_track_write'; readonly gpa: number; readonly bytes: number; readonly value: bigint | undefined }
  | { readonly name: 'vcpu_match_mmio'; readonly gva: bigint; readonly gpa: number; readonly write: boolean; readonly gpaMatch: boolean }
  | { readonly name: 'kvm_mmio'; readonly type: MmioType; readonly bytes: number; readonly gpa: number; readonly value: bigint }
  | { readonly name: 'kvm_userspace_exit'; readonly reason: 'KVM_EXIT_MMIO' | 'KVM_EXIT_INTR' | 'KVM_EXIT_INTERNAL_ERROR' }
  /** a write */
  | { readonly name: 'kvm_cr'; readonly cr: 0 | 3 | 4; readonly value: bigint }
  | { readonly name: 'kvm_unmap_hva_range'; readonly start: bigint; readonly end: bigint }
  | { readonly name: 'kvm_set_spte_hva'; readonly hva: bigint };

export type MmioType = 'read' | 'unsatisfied-read' | 'write';
