import { errorCodeFromNames } from '../errorNames.js';
import type { Text } from '../template.js';

/**
 * Messages that `trace-cmd report` prints in another way than the kernel: those of its plugin for kvm, and fields by name where it cannot
 * make anything of a print fmt (with `-N` those of all events about pages; with `-R` the same without the tag).
 */
const TAG = '{*tag:[FAILED TO PARSE]|} ';
const RAW_PAGE = `${TAG}mmu_valid_gen={mmu_valid_gen:d} gfn={gfn:D} role={*word:d} root_count={root_count:d} unsync={unsync:1|0}`;
const RAW_PAGE_WITHOUT_GENERATION = RAW_PAGE.replace('mmu_valid_gen={mmu_valid_gen:d} ', '');
const PAGE = '{*word:plugin} root {root_count:d} {unsync:unsync|sync}';
const OTHER_PAGE_EVENTS = ['kvm_mmu_sync_page', 'kvm_mmu_unsync_page', 'kvm_mmu_prepare_zap_page'];

export const REPORT_TEXTS: readonly Text[] = [
  ['kvm_mmu_get_page', `{created:new|existing} sp gfn {gfn:x} ${PAGE}`, ['role']],
  ...OTHER_PAGE_EVENTS.map((event): Text => [event, PAGE, ['role']]),
  ...[RAW_PAGE, RAW_PAGE_WITHOUT_GENERATION].flatMap((page): Text[] => [
    ['kvm_mmu_get_page', `${page} created={created:1|0}`, ['role']],
    ...OTHER_PAGE_EVENTS.map((event): Text => [event, page, ['role']]),
  ]),
  ['mark_mmio_spte', 'sptep:0x{sptep:x} gfn {gfn:x} access {access:w} gen {gen:w}'],
  // What came of it hangs on names of RET_PF_* that the formats of old kernels do not explain.
  ...['{spurious:d} fixed {fixed:d}', '{*spurious:d} fixed {*fixed:d}'].map((outcome): Text => [
    'fast_page_fault',
    `vcpu {vcpu_id:i} gva {cr2_or_gpa:x} error_code {*names:str} sptep 0x{sptep:x} old 0x{old_spte:x} new {new_spte:x} spurious ${outcome}`,
    ['error_code'],
    errorCodeFromNames,
  ]),
  ['kvm_entry', ' vcpu {vcpu_id:d} rip 0x{rip:x}'],
  ['kvm_exit', 'reason {exit_reason:exit} rip 0x{guest_rip:x} info {info1:x} {info2:x}'],
  ['kvm_exit', 'vcpu {vcpu_id:d} reason {exit_reason:exit} rip 0x{guest_rip:x} info {info1:x} {info2:x}'],
  [
    'kvm_nested_vmexit_inject',
    'reason {*reason:exit} info1 {exit_info1:x} info2 {exit_info2:x} int_info {exit_int_info:w} int_info_err {exit_int_info_err:w}',
  ],
  // A print fmt that chooses between two texts; the report takes the first, whatever it was.
  ['kvm_userspace_exit', 'reason KVM_EXIT_UNKNOWN ({*number:i})'],
  ['kvm_emulate_insn', '{csbase:x}:{rip:x}: {insn:insn}{failed: FAIL|}'],
  ['kvm_inj_exception', `${TAG}exception={exception:d} has_error={has_error:1|0} error_code={error_code:d} reinjected={reinjected:1|0}`],
  ['kvm_inj_exception', `${TAG}exception={exception:d} has_error={has_error:1|0} error_code={error_code:d}`],
];
