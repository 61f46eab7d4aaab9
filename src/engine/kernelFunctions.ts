import { ERAS, type Era } from './eras.js';

/**
 * The functions of the kernel that the engine models, by a name that holds for all eras: what the trail reports. The order is that of a
 * fault, then of what else changes the shadow MMU.
 */
export const KERNEL_FUNCTIONS = [
  'pageFault',
  'walkPageFault',
  'walkAddr',
  'fetch',
  'directFault',
  'directMap',
  'fastPageFault',
  'mmioFault',
  'makeAvailable',
  'zapOldest',
  'getChild',
  'childRole',
  'getPage',
  'findPage',
  'allocPage',
  'setSpte',
  'makeSpte',
  'tryToUnsync',
  'unsyncPage',
  'prefetch',
  'markMmio',
  'load',
  'allocRoot',
  'allocLocalPage',
  'freeRoots',
  'freeLocalRoot',
  'newPgd',
  'syncRoots',
  'syncChildren',
  'syncPage',
  'trackWrite',
  'flooding',
  'misaligned',
  'writtenSptes',
  'zapPte',
  'updatePte',
  'unprotect',
  'prepareZap',
  'zapUnsyncChildren',
  'zapAllFast',
  'zapObsolete',
  'zapAll',
  'invalidate',
  'unmapGfn',
  'changePages',
] as const;

export type KernelFunction = (typeof KERNEL_FUNCTIONS)[number];

/** Names with the era from which on they hold, the oldest first; before the first one the code is a part of its caller's. */
type Names = string | readonly (readonly [era: string, name: string])[];

const NAMES: Readonly<Record<KernelFunction, Names>> = {
  pageFault: 'kvm_mmu_page_fault',
  walkPageFault: 'FNAME(page_fault)',
  walkAddr: [
    ['2.6.21', 'FNAME(walk_addr)'],
    ['5.10', 'FNAME(walk_addr_generic)'],
  ],
  fetch: 'FNAME(fetch)',
  directFault: [
    ['2.6.21', 'nonpaging_page_fault'],
    ['5.10', 'direct_page_fault'],
  ],
  directMap: [
    ['2.6.21', 'nonpaging_map'],
    ['2.6.28', '__direct_map'],
    ['6.6.0', 'direct_map'],
    ['rfc-local', '__direct_map'],
    ['7.0', 'direct_map'],
  ],
  fastPageFault: [['5.10', 'fast_page_fault']],
  mmioFault: [['5.10', 'handle_mmio_page_fault']],
  makeAvailable: [
    ['2.6.21', 'kvm_mmu_free_some_pages'],
    ['5.10', 'make_mmu_pages_available'],
  ],
  zapOldest: [['5.10', 'kvm_mmu_zap_oldest_mmu_pages']],
  getChild: [['6.1.0', 'kvm_mmu_get_child_sp']],
  childRole: [
    ['5.15.y-S002', 'kvm_mmu_child_role'],
    ['5.18', ''],
    ['6.1.0', 'kvm_mmu_child_role'],
  ],
  getPage: [
    ['2.6.21', 'kvm_mmu_get_page'],
    ['6.1.0', '__kvm_mmu_get_shadow_page'],
  ],
  findPage: [['6.1.0', 'kvm_mmu_find_shadow_page']],
  allocPage: [
    ['2.6.21', 'kvm_mmu_alloc_page'],
    ['6.1.0', 'kvm_mmu_alloc_shadow_page'],
  ],
  setSpte: [
    ['2.6.21', 'FNAME(set_pte)'],
    ['2.6.24', 'FNAME(set_pte)'],
    ['2.6.25', 'mmu_set_spte'],
  ],
  makeSpte: [
    ['2.6.28', 'set_spte'],
    ['5.15', 'make_spte'],
  ],
  tryToUnsync: [
    ['2.6.28', 'mmu_need_write_protect'],
    ['5.15', 'mmu_try_to_unsync_pages'],
  ],
  unsyncPage: [['2.6.28', 'kvm_unsync_page']],
  prefetch: [
    ['2.6.21', 'FNAME(prefetch_page)'],
    ['5.10', 'FNAME(pte_prefetch)'],
  ],
  markMmio: [['5.10', 'mark_mmio_spte']],
  load: 'kvm_mmu_load',
  allocRoot: [
    ['2.6.21', 'mmu_alloc_roots'],
    ['5.10', 'mmu_alloc_root'],
  ],
  allocLocalPage: [
    ['rfc-local', 'kvm_mmu_alloc_local_shadow_page'],
    ['7.0', ''],
  ],
  freeRoots: [
    ['2.6.21', 'mmu_free_roots'],
    ['5.10', 'kvm_mmu_free_roots'],
  ],
  freeLocalRoot: [
    ['rfc-local', 'mmu_free_local_root_page'],
    ['7.0', ''],
  ],
  newPgd: [
    ['2.6.21', 'paging_new_cr3'],
    ['5.10', 'kvm_mmu_new_pgd'],
  ],
  syncRoots: [
    ['2.6.28', 'mmu_sync_roots'],
    ['5.10', 'kvm_mmu_sync_roots'],
  ],
  syncChildren: [['2.6.28', 'mmu_sync_children']],
  syncPage: [['2.6.28', 'kvm_sync_page']],
  trackWrite: [
    ['2.6.21', 'kvm_mmu_pte_write'],
    ['6.6.0', 'kvm_mmu_track_write'],
    ['rfc-local', 'kvm_mmu_pte_write'],
    ['7.0', 'kvm_mmu_track_write'],
  ],
  flooding: [['5.10', 'detect_write_flooding']],
  misaligned: [['5.10', 'detect_write_misaligned']],
  writtenSptes: [['5.10', 'get_written_sptes']],
  zapPte: [
    ['2.6.21', 'mmu_pre_write_zap_pte'],
    ['2.6.24', 'mmu_pte_write_zap_pte'],
    ['5.10', 'mmu_page_zap_pte'],
  ],
  updatePte: [['2.6.24', 'mmu_pte_write_new_pte']],
  unprotect: 'kvm_mmu_unprotect_page',
  prepareZap: [
    ['2.6.21', 'kvm_mmu_zap_page'],
    ['5.10', '__kvm_mmu_prepare_zap_page'],
  ],
  zapUnsyncChildren: [['2.6.28', 'mmu_zap_unsync_children']],
  zapAllFast: [['5.10', 'kvm_mmu_zap_all_fast']],
  zapObsolete: [['5.10', 'kvm_zap_obsolete_pages']],
  zapAll: 'kvm_mmu_zap_all',
  invalidate: [
    ['2.6.26', 'FNAME(invlpg)'],
    ['5.10', 'kvm_mmu_invalidate_gva'],
  ],
  unmapGfn: [
    ['2.6.28', 'kvm_unmap_hva'],
    ['5.15', 'kvm_unmap_gfn_range'],
  ],
  changePages: 'kvm_mmu_change_mmu_pages',
};

/** What a kernel calls a function; '' where it has none of its own for that. */
export function kernelName(fn: KernelFunction, era: Era): string {
  const names = NAMES[fn];
  if (typeof names === 'string') return names;
  const at = rank(era.name);
  return names.findLast(([from]) => rank(from) <= at)?.[1] ?? '';
}

function rank(era: string): number {
  return ERAS.findIndex(({ name }) => name === era);
}

/**
 * The functions that a user means: by the name in any era, and for those that the kernel compiles once for each format of guest tables
 * by its name there, `paging32_fetch`.
 */
export function functionsNamed(name: string): KernelFunction[] {
  const plain = name.trim().replace(/\(\)$/u, '');
  const compiled = /^(?:paging(?:32|64)|ept)_(\w+)$/u.exec(plain);
  const wanted = compiled ? `FNAME(${compiled[1]})` : plain;
  return KERNEL_FUNCTIONS.filter((fn) => namesOf(fn).includes(wanted));
}

/** Every name that a function has or had. */
export function namesOf(fn: KernelFunction): string[] {
  const names = NAMES[fn];
  return typeof names === 'string' ? [names] : [...new Set(names.map(([, name]) => name).filter((name) => name !== ''))];
}
