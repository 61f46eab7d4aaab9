import { compile, type Finish, type Template, type Text } from './template.js';
import { writeMessage } from './templateWriter.js';
import { errorCodeFromNames } from './errorNames.js';
import { exceptionHasError } from './exceptions.js';
import { REPORT_TEXTS } from './report/messages.js';
import type { Kind } from './vocabulary.js';

/**
 * The messages of the events in the vocabulary, as kernels print them (spec/tracepoints.md §2, §3, §8 and what recordings of
 * 5.10, 6.1, 6.12 and 7.2 show). Several lines for one event are its forms in different eras, newest first.
 */
const SP3 = 'sp gen {mmu_valid_gen:d} gfn {gfn:x} {role:role3} root {root_count:d} {unsync:unsync|sync}';
const SP4 = SP3.replace('role3', 'role4');

/** Kernels before 6.0 print an error code for every exception; only some vectors have one. */
const hasErrorByVector: Finish = (units, base, at) => {
  units[base + at('has_error')] = exceptionHasError(units[base + at('exception')]!) ? 1 : 0;
  return true;
};

/** Only an exit with an error prints its `errno`, without the sign. */
const errnoOfFailure: Finish = (units, base, at, strings) => {
  const reason = strings(units[base + at('reason')]!);
  units[base + at('errno')] = -units[base + at('number')]!;
  return reason === 'restart' || reason === 'error';
};

/** With nohash-ptr, kernel 6.1 prints the first of the letters as nothing; the others must still fit. */
const lettersWithoutFirst: Finish = (units, base, at, strings) => {
  const letters = strings(units[base + at('perms')]!);
  return /^[w-][x-][u-]?$/.test(letters) && letters.startsWith('w') === ((units[base + at('spte')]! & 2) !== 0);
};

const TEXTS: readonly Text[] = [
  ['kvm_mmu_get_page', `${SP3} {created:new|existing}`],
  ['kvm_mmu_get_page', `${SP4} {created:new|existing}`],
  ...['kvm_mmu_sync_page', 'kvm_mmu_unsync_page', 'kvm_mmu_prepare_zap_page'].flatMap((event): [string, string][] => [
    [event, SP3],
    [event, SP4],
  ]),
  ['kvm_mmu_set_spte', 'gfn {gfn:x} spte {spte:x} ({r:r|-}{w:wbit}{x:x|-}{u:u}) level {level:d} at {sptep:x}'],
  ['kvm_mmu_set_spte', 'gfn {gfn:x} spte {spte:x} ({*perms:str}) level {level:d} at {sptep:x}', [], lettersWithoutFirst],
  ['kvm_mmu_spte_requested', 'gfn {gfn:x} pfn {pfn:x} level {level:d}'],
  ['kvm_mmu_spte_requested', 'gfn {gfn:x} pfn {pfn:x} level {level:d} access {access:w}'],
  ['mark_mmio_spte', 'sptep:{sptep:x16} gfn {gfn:x} access {access:w} gen {gen:w}'],
  ['mark_mmio_spte', 'sptep:{*pointer:str} gfn {gfn:x} access {access:w} gen {gen:w}'],
  ['check_mmio_spte', 'spte {spte:x} kvm_gen {kvm_gen:w} spte-gen {spte_gen:w} valid {*valid:d}'],
  ['handle_mmio_page_fault', 'addr:{addr:x} gfn {gfn:x} access {access:w}'],
  ...['{sptep:x16}', '{*pointer:str}'].map((sptep): [string, string, string[], Finish] => [
    'fast_page_fault',
    `vcpu {vcpu_id:i} gva {cr2_or_gpa:x} error_code {*names:str} sptep ${sptep} old 0x{old_spte:x} new {new_spte:x} spurious {spurious:d} fixed {fixed:d}`,
    ['error_code'],
    errorCodeFromNames,
  ]),
  ['kvm_mmu_zap_all_fast', 'kvm-mmu-valid-gen {mmu_valid_gen:d} used_pages {mmu_used_pages:w}'],
  ['kvm_mmu_pagetable_walk', 'addr {addr:x} pferr {pferr:w} {*names:str}'],
  ['kvm_mmu_paging_element', 'pte {pte:x} level {level:d}'],
  ['kvm_mmu_walker_error', 'pferr {pferr:w} {*names:str}'],
  ['kvm_mmu_set_accessed_bit', 'gpa {gpa:x}'],
  ['kvm_mmu_set_dirty_bit', 'gpa {gpa:x}'],
  ['kvm_mmu_split_huge_page', 'gfn {gfn:x} spte {spte:x} level {level:d} errno {errno:i}'],
  ['kvm_tdp_mmu_spte_changed', 'as id {as_id:d} gfn {gfn:x} level {level:d} old_spte {old_spte:x} new_spte {new_spte:x}'],
  ['kvm_entry', 'vcpu {vcpu_id:d}, rip 0x{rip:x}{*rest:tail}'],
  ['kvm_entry', 'vcpu {vcpu_id:d}'],
  [
    'kvm_exit',
    'vcpu {vcpu_id:d} reason {exit_reason:str} rip 0x{guest_rip:x} info1 0x{info1:x16} info2 0x{info2:x16} intr_info 0x{intr_info:w8} error_code 0x{error_code:w8}{*rest:tail}',
  ],
  ['kvm_exit', 'vcpu {vcpu_id:d} reason {exit_reason:str} rip 0x{guest_rip:x} info {info1:x} {info2:x}'],
  ['kvm_exit', 'reason {exit_reason:str} rip 0x{guest_rip:x} info {info1:x} {info2:x}'],
  ['kvm_page_fault', 'vcpu {vcpu_id:d} rip 0x{guest_rip:x} address 0x{fault_address:x16} error_code 0x{error_code:x}'],
  ['kvm_page_fault', 'address {fault_address:x} error_code {error_code:x}'],
  ['kvm_emulate_insn', '{csbase:w}:{rip:x}:{insn:insn} ({mode:str}){failed: failed|}'],
  ['kvm_inj_exception', '{exception:exc} (0x{error_code:w}){reinjected: [reinjected]|}', ['has_error'], hasErrorByVector],
  ['kvm_inj_exception', '{exception:exc}{reinjected: [reinjected]|}', ['has_error']],
  ['kvm_cr', 'cr_{rw:write|read} {cr:w} = 0x{val:x}'],
  ['kvm_mmio', 'mmio {type:str} len {len:d} gpa 0x{gpa:x} val 0x{val:x}'],
  ['vcpu_match_mmio', 'gva 0x{gva:x} gpa 0x{gpa:x} {write:Write|Read} {gpa_match:GPA|GVA}'],
  ['kvm_unmap_hva_range', 'mmu notifier unmap range: 0x{start:x14} -- 0x{end:x14}'],
  ['kvm_set_spte_hva', 'mmu notifier set pte hva: 0x{hva:x14}'],
  ['kvm_age_hva', 'mmu notifier age hva: 0x{start:x14} -- 0x{end:x14}'],
  ['kvm_test_age_hva', 'mmu notifier test age hva: 0x{hva:x14}'],
  ['kvm_userspace_exit', 'reason {reason:str} ({*number:i})', ['errno'], errnoOfFailure],
  ['kvm_userspace_exit', 'reason {reason:str} ({*number:i})'],
  ['kvm_pio', 'pio_{rw:write|read} at 0x{port:w} size {size:d} count {count:d} val 0x{val:w} {*more:str}'],
  ['kvm_pio', 'pio_{rw:write|read} at 0x{port:w} size {size:d} count {count:d}'],
  ['kvm_invlpga', 'rip: 0x{rip:x16} asid: {asid:i} address: 0x{address:x16}'],
  ['kvm_smm_transition', 'vcpu {vcpu_id:d}: {entering:entering|leaving} SMM, smbase 0x{smbase:x}'],
  ['kvm_msr', 'msr_{write:write|read} {ecx:w} = 0x{data:x}{*rest:tail}'],
  [
    'kvm_nested_vmenter',
    'rip: 0x{rip:x16} {*area:str}: 0x{vmcb:x16} nested_rip: 0x{nested_rip:x16} int_ctl: 0x{int_ctl:w8} event_inj: 0x{event_inj:w8} nested_{*tdp:str}={tdp_enabled:y|n} {*pgd:str}: 0x{guest_pgd:x16}',
  ],
  [
    'kvm_nested_vmexit_inject',
    'reason: {*reason:str} ext_inf1: 0x{exit_info1:x16} ext_inf2: 0x{exit_info2:x16} ext_int: 0x{exit_int_info:w8} ext_int_err: 0x{exit_int_info_err:w8}',
  ],
  ['kvm_page_track_write', '(kvm_page_track_write+0x0/0x{*size:w} [kvm]) gpa=0x{gpa:x} bytes={bytes:d} new=0x{new:x}'],
  ['kvm_page_track_write', '(kvm_page_track_write+0x0/0x{*size:w} [kvm]) gpa=0x{gpa:x} bytes={bytes:d}'],
];

/** All templates, by their numbers. */
export const TEMPLATES: readonly Template[] = [...TEXTS, ...REPORT_TEXTS].map(([event, source, derived, finish], number) =>
  compile(number, event, source, derived, finish),
);

/** The templates of each kind as kernels print it, in the order in which they are tried. */
export const TEMPLATES_OF: ReadonlyMap<Kind, readonly Template[]> = byKind(TEMPLATES.slice(0, TEXTS.length));

/** The templates that only `trace-cmd report` has. */
export const REPORT_TEMPLATES_OF: ReadonlyMap<Kind, readonly Template[]> = byKind(TEMPLATES.slice(TEXTS.length));

/** The message of an event that a template read. `unit` reads the arena. */
export function renderTemplate(number: number, unit: (i: number) => number, base: number, strings: readonly string[]): string {
  return writeMessage(TEMPLATES[number]!, unit, base, strings);
}

function byKind(templates: readonly Template[]): Map<Kind, Template[]> {
  const map = new Map<Kind, Template[]>();
  for (const template of templates) map.set(template.kind, [...(map.get(template.kind) ?? []), template]);
  return map;
}
