import assert from 'node:assert/strict';
import { KernelWriter, errorNames, type EventFields, type TextKernel } from '../../src/trace/kernelWriter.js';
import type { EventTable } from '../../src/trace/table.js';
import { tableOf } from '../../src/trace/textTable.js';
import { Kind, specOf } from '../../src/trace/vocabulary.js';

/** Lines of recordings. */
const RECORDED: Readonly<Record<TextKernel, string>> = {
  '5.10': `kvm_entry: vcpu 0, rip 0x10000
kvm_exit: vcpu 0 reason PF excp rip 0x10000 info1 0x0000000000000010 info2 0x0000000000010000 intr_info 0x00000000 error_code 0x00000000
kvm_page_fault: address 10000 error_code 10
kvm_mmu_pagetable_walk: addr 200000 pferr 0 
kvm_mmu_get_page: sp gen 0 gfn 100 l2 4-byte q0 wux !nxe ad root 0 sync new
kvm_mmu_prepare_zap_page: sp gen 0 gfn 100 l2 4-byte q3 wux !nxe ad root 1 sync
kvm_mmu_spte_requested: gfn c0202 pfn 2eb7 level 1
kvm_mmu_set_spte: gfn 40e2 spte 2eb7025 (r-xu) level 1 at 9400010
mark_mmio_spte: sptep:ffff8880081c0000 gfn d0000 access 3 gen 4
fast_page_fault: vcpu 0 gva 4000000 error_code P|W sptep ffff88800818e000 old 0x1d46c65 new 1d46c67 spurious 0 fixed 1
kvm_pio: pio_write at 0xe9 size 4 count 1 val 0x1 `,
  '6.1': `kvm_page_fault: vcpu 0 rip 0x10000 address 0x0000000000010000 error_code 0x10
kvm_emulate_insn: 0:10069:0f 01 3a (prot32)
kvm_inj_exception: #PF (0x3)
kvm_mmu_walker_error: pferr 3 P|W
kvm_mmu_set_accessed_bit: gpa 1003fc
kvm_mmio: mmio unsatisfied-read len 4 gpa 0xd0000020 val 0x0
vcpu_match_mmio: gva 0xd0000000 gpa 0xd0000000 Write GPA
kvm_userspace_exit: reason KVM_EXIT_MMIO (6)
check_mmio_spte: spte 80000d0000023 kvm_gen 4 spte-gen 4 valid 1
handle_mmio_page_fault: addr:20000040 gfn d0000 access 2
kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 0 used_pages 26
kvm_set_spte_hva: mmu notifier set pte hva: 0x000000004ac000
kvm_mmu_get_page: sp gen 0 gfn 107 l1 4-byte q1 wux nxe ad root 0 sync existing
kvm_mmu_spte_requested: gfn d0000 pfn 8000000000000000 level 1
kvm_mmu_set_spte: gfn 520 spte 9d20a21 (r-x-) level 1 at 92d5000`,
  '6.12': `kvm_unmap_hva_range: mmu notifier unmap range: 0x000000004ac000 -- 0x000000004ad000
fast_page_fault: vcpu 0 gva 4000000 error_code P|W sptep 000000002bae7d1c old 0x3b66e65 new 3b66e67 spurious 0 fixed 1
kvm_mmu_paging_element: pte 40e0027 level 1`,
  '7.2': `kvm_entry: vcpu 0, rip 0x10000 intr_info 0x00000000 error_code 0x00000000
kvm_exit: vcpu 0 reason interrupt rip 0x10000 info1 0x0000000000000000 info2 0x0000000000000000 intr_info 0x00000000 error_code 0x00000000 requests 0x0000000000000000
kvm_mmu_get_page: sp gen 0 gfn 100 l2 4-byte q0 rwux nxe ad root 0 sync new
kvm_mmu_spte_requested: gfn 10 pfn 9c10 level 1 access 9`,
};

/** What the vocabulary knows of an event. */
function fieldsOf(table: EventTable, event: number): EventFields {
  const fields: Record<string, bigint | string> = {};
  for (const [slot, { name, type }] of specOf(table.kind(event))!.args.entries()) {
    if (table.has(event, slot)) fields[name] = type === 'string' ? table.string(event, slot) : table.word(event, slot);
  }
  return fields;
}

describe('writing what a kernel prints', () => {
  for (const [kernel, lines] of Object.entries(RECORDED)) {
    it(`gives each line of ${kernel} again, from its fields`, () => {
      const prefix = '        kvmguest-470     [000] .....     7.492017: ';
      const recorded = lines.split('\n');
      const table = tableOf(`# tracer: nop\n${recorded.map((line) => `${prefix}${line}\n`).join('')}`, 'recorded.txt');
      const writer = new KernelWriter(kernel as TextKernel);
      assert.equal(table.length, recorded.length);
      for (const [event, line] of recorded.entries()) {
        assert.notEqual(table.kind(event), Kind.other, line);
        const name = table.name(event);
        assert.equal(`${name}: ${writer.message(name, fieldsOf(table, event))}`, line);
      }
    });
  }

  it('names the bits of an error code, and gives the others as a number', () => {
    assert.equal(errorNames(0), '');
    assert.equal(errorNames(0x7), 'P|W|U');
    assert.equal(errorNames(0x19), 'P|RSVD|F');
    assert.equal(errorNames(0x103), 'P|W|0x100');
  });
});
