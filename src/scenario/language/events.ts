/** Events that a scenario can have, and the fields by which `expect` tells them apart; names are those of the kernel's trace. */

const PAGE = ['gfn', 'level', 'quadrant', 'role', 'direct', 'access', 'invalid', 'root_count', 'unsync', 'mmu_valid_gen'] as const;

export const EVENT_FIELDS = {
  kvm_mmu_get_page: [...PAGE, 'created'],
  kvm_mmu_sync_page: PAGE,
  kvm_mmu_unsync_page: PAGE,
  kvm_mmu_prepare_zap_page: PAGE,
  kvm_mmu_set_spte: ['gfn', 'spte', 'level', 'index'],
  kvm_mmu_spte_requested: ['gfn', 'pfn', 'level'],
  mark_mmio_spte: ['gfn', 'access', 'gen', 'index'],
  check_mmio_spte: ['kvm_gen', 'spte_gen', 'spte', 'valid'],
  handle_mmio_page_fault: ['addr', 'gfn', 'access'],
  fast_page_fault: ['cr2_or_gpa', 'error_code', 'old_spte', 'new_spte', 'fixed'],
  kvm_mmu_zap_all_fast: ['mmu_valid_gen', 'mmu_used_pages'],
  kvm_exit: ['exit_reason', 'guest_rip', 'info1', 'info2'],
  kvm_entry: ['rip'],
  kvm_page_fault: ['guest_rip', 'fault_address', 'error_code'],
  kvm_mmu_pagetable_walk: ['addr', 'pferr'],
  kvm_mmu_paging_element: ['pte', 'level'],
  kvm_mmu_set_accessed_bit: ['gpa'],
  kvm_mmu_set_dirty_bit: ['gpa'],
  kvm_mmu_walker_error: ['pferr'],
  kvm_inj_exception: ['exception', 'error_code'],
  kvm_emulate_insn: ['rip'],
  kvm_page_track_write: ['gpa', 'bytes', 'val'],
  vcpu_match_mmio: ['gva', 'gpa', 'write', 'gpa_match'],
  kvm_mmio: ['type', 'len', 'gpa', 'val'],
  kvm_userspace_exit: ['reason'],
  kvm_cr: ['cr', 'val'],
  kvm_unmap_hva_range: ['start', 'end'],
  kvm_set_spte_hva: ['hva'],
} as const satisfies Record<string, readonly string[]>;

export type EventName = keyof typeof EVENT_FIELDS;
export const EVENT_NAMES = Object.keys(EVENT_FIELDS) as EventName[];
