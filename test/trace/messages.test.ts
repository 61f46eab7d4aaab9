import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ROLE_FIELDS, roleField, type RoleField } from '../../src/engine/role.js';
import type { Role } from '../../src/engine/ids.js';
import { secondsToHalves, digitsToHalves } from '../../src/trace/clock.js';
import { parseRole, roleText } from '../../src/trace/roleText.js';
import { Kind, specOf } from '../../src/trace/vocabulary.js';
import { readText } from './files.js';

/** Arguments as the table gives them: numbers, texts, roles by their fields that are not 0. */
function argumentsOf(message: string): Record<string, unknown> {
  const table = readText(`        kvmguest-470     [000] ...1.     7.552773: ${message}\n`);
  assert.deepEqual(table.info.notes, []);
  assert.notEqual(table.kind(0), Kind.other, message);
  assert.equal(`${table.name(0)}: ${table.message(0)}`, message);
  const { args } = specOf(table.kind(0))!;
  return Object.fromEntries<unknown>(
    args
      .map((arg, slot) => ({ arg, slot }))
      .filter(({ slot }) => table.has(0, slot))
      .map(({ arg, slot }) => {
        if (arg.type === 'string') return [arg.name, table.string(0, slot)];
        if (arg.type === 'role') return [arg.name, fieldsOf(table.num(0, slot) as Role)];
        return [arg.name, arg.type === 's32' ? table.num(0, slot) : table.word(0, slot)];
      }),
  );
}

function fieldsOf(role: Role): Partial<Record<RoleField, number>> {
  return Object.fromEntries(ROLE_FIELDS.map((field) => [field, roleField(role, field)] as const).filter(([, value]) => value !== 0));
}

const CASES: readonly (readonly [message: string, args: Record<string, unknown>])[] = [
  [
    'kvm_mmu_get_page: sp gen 0 gfn 1000 l2 4-byte q1 direct --- !nxe !ad root 0 sync new',
    {
      mmu_valid_gen: 0n,
      gfn: 0x1000n,
      role: { level: 2, has4ByteGpte: 1, quadrant: 1, direct: 1, access: 8, ad_disabled: 1 },
      root_count: 0n,
      unsync: 0n,
      created: 1n,
    },
  ],
  [
    'kvm_mmu_get_page: sp gen 1 gfn 111 l1 8-byte q0 r--x nxe ad root 12 unsync existing',
    { mmu_valid_gen: 1n, gfn: 0x111n, role: { level: 1, access: 9, efer_nx: 1 }, root_count: 12n, unsync: 1n, created: 0n },
  ],
  [
    'kvm_mmu_prepare_zap_page: sp gen 1 gfn 101 l2 4-byte q1 wux invalid nxe ad root 0 sync',
    {
      mmu_valid_gen: 1n,
      gfn: 0x101n,
      role: { level: 2, has4ByteGpte: 1, quadrant: 1, access: 15, invalid: 1, efer_nx: 1 },
      root_count: 0n,
      unsync: 0n,
    },
  ],
  [
    'kvm_mmu_set_spte: gfn 10 spte 80000006e10a21 (r--) level 1 at 9119080',
    { gfn: 0x10n, spte: 0x80000006e10a21n, sptep: 0x9119080n, level: 1n, r: 1n, x: 0n, u: -1 },
  ],
  ['kvm_mmu_set_spte: gfn 10 spte 6e10a23 (-wxu) level 3 at 8', { gfn: 16n, spte: 0x6e10a23n, sptep: 8n, level: 3n, r: 0n, x: 1n, u: 1 }],
  ['kvm_mmu_spte_requested: gfn 103 pfn 6303 level 1 access b', { gfn: 0x103n, pfn: 0x6303n, level: 1n, access: 11n }],
  ['mark_mmio_spte: sptep:00000000b07eaa0a gfn d0000 access 3 gen 4', { sptep: 0xb07eaa0an, gfn: 0xd0000n, access: 3n, gen: 4n }],
  ['check_mmio_spte: spte 80000d0000023 kvm_gen 4 spte-gen 4 valid 1', { kvm_gen: 4n, spte_gen: 4n, spte: 0x80000d0000023n }],
  ['handle_mmio_page_fault: addr:20000040 gfn d0000 access 2', { addr: 0x20000040n, gfn: 0xd0000n, access: 2n }],
  [
    'fast_page_fault: vcpu 0 gva 4000000 error_code P|W|0x100 sptep 00000000a2932a34 old 0xa302e65 new a302e67 spurious 0 fixed 1',
    {
      vcpu_id: 0,
      cr2_or_gpa: 0x4000000n,
      error_code: 0x103n,
      sptep: 0xa2932a34n,
      old_spte: 0xa302e65n,
      new_spte: 0xa302e67n,
      spurious: 0n,
      fixed: 1n,
    },
  ],
  ['kvm_mmu_zap_all_fast: kvm-mmu-valid-gen 0 used_pages 2e', { mmu_valid_gen: 0n, mmu_used_pages: 0x2en }],
  ['kvm_mmu_pagetable_walk: addr 800000 pferr 0 ', { addr: 0x800000n, pferr: 0n }],
  ['kvm_mmu_pagetable_walk: addr ffffffff81000000 pferr 11 P|F', { addr: 0xffffffff81000000n, pferr: 0x11n }],
  ['kvm_mmu_split_huge_page: gfn 4000 spte 18600ee7 level 2 errno -12', { gfn: 0x4000n, spte: 0x18600ee7n, level: 2n, errno: -12 }],
  [
    'kvm_tdp_mmu_spte_changed: as id 0 gfn 0 level 4 old_spte 0 new_spte 80000000000005a0',
    { gfn: 0n, old_spte: 0n, new_spte: 0x80000000000005a0n, level: 4n, as_id: 0n },
  ],
  ['kvm_entry: vcpu 3, rip 0x10000 intr_info 0x00000000 error_code 0x00000000', { vcpu_id: 3n, rip: 0x10000n }],
  ['kvm_entry: vcpu 0, rip 0x10000[immediate exit]', { vcpu_id: 0n, rip: 0x10000n }],
  [
    'kvm_exit: vcpu 1 reason EXCEPTION_NMI FAILED_VMENTRY rip 0xffffffff81000000 info1 0x0000000000000010 info2 0x0000000000010000 intr_info 0x80000b0e error_code 0x00000002 requests 0x0000000000000000',
    {
      exit_reason: 'EXCEPTION_NMI FAILED_VMENTRY',
      guest_rip: 0xffffffff81000000n,
      info1: 16n,
      info2: 0x10000n,
      intr_info: 0x80000b0en,
      error_code: 2n,
      vcpu_id: 1n,
    },
  ],
  ['kvm_exit: reason EPT_VIOLATION rip 0x1 info 184 0', { exit_reason: 'EPT_VIOLATION', guest_rip: 1n, info1: 0x184n, info2: 0n }],
  ['kvm_page_fault: address 10000 error_code 10', { fault_address: 0x10000n, error_code: 16n }],
  [
    'kvm_page_fault: vcpu 0 rip 0x10000 address 0x0000000000010000 error_code 0x100000004',
    { vcpu_id: 0n, guest_rip: 0x10000n, fault_address: 0x10000n, error_code: 0x100000004n },
  ],
  [
    'kvm_emulate_insn: 0:10064:0f 22 d9 (prot32) failed',
    { rip: 0x10064n, csbase: 0n, len: 3n, insn: 0xd9220fn, insn_hi: 0n, mode: 'prot32', failed: 1n },
  ],
  [
    'kvm_emulate_insn: ffff0:fff0:00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee (real)',
    { rip: 0xfff0n, csbase: 0xffff0n, len: 15n, insn: 0x7766554433221100n, insn_hi: 0xeeddccbbaa9988n, mode: 'real', failed: 0n },
  ],
  ['kvm_inj_exception: #PF (0x3) [reinjected]', { exception: 14n, has_error: 1n, error_code: 3n, reinjected: 1n }],
  ['kvm_inj_exception: #UD (0x0)', { exception: 6n, has_error: 0n, error_code: 0n, reinjected: 0n }],
  ['kvm_inj_exception: #DB', { exception: 1n, has_error: 0n, reinjected: 0n }],
  ['kvm_inj_exception: 0x9', { exception: 9n, has_error: 0n, reinjected: 0n }],
  ['kvm_cr: cr_write 3 = 0x100000', { rw: 1n, cr: 3n, val: 0x100000n }],
  ['kvm_mmio: mmio unsatisfied-read len 4 gpa 0xd0000020 val 0x0', { type: 'unsatisfied-read', len: 4n, gpa: 0xd0000020n, val: 0n }],
  ['vcpu_match_mmio: gva 0x20000020 gpa 0xd0000020 Read GPA', { gva: 0x20000020n, gpa: 0xd0000020n, write: 0n, gpa_match: 1n }],
  ['kvm_unmap_hva_range: mmu notifier unmap range: 0x000000004ac000 -- 0x7fb683e0000000', { start: 0x4ac000n, end: 0x7fb683e0000000n }],
  ['kvm_userspace_exit: reason KVM_EXIT_MMIO (6)', { reason: 'KVM_EXIT_MMIO' }],
  ['kvm_userspace_exit: reason restart (4)', { reason: 'restart', errno: -4 }],
  ['kvm_pio: pio_write at 0xe9 size 4 count 1 val 0x1 ', { rw: 1n, port: 0xe9n, size: 4n, count: 1n, val: 1n }],
  ['kvm_pio: pio_read at 0x3f8 size 1 count 7 val 0x61 (...)', { rw: 0n, port: 0x3f8n, size: 1n, count: 7n, val: 0x61n }],
];

describe('messages of the kernel', () => {
  for (const [message, args] of CASES) it(message, () => assert.deepEqual(argumentsOf(message), args));

  for (const message of [
    'kvm_mmu_paging_element: pte 0102007 level 2',
    'kvm_mmu_paging_element: pte 102007 level 2 more',
    'kvm_mmu_paging_element: pte 10200700000000000 level 2',
    'kvm_mmu_paging_element: pte 102007 level 4294967296',
    'kvm_mmu_set_spte: gfn 10 spte 6e10a21 (rw--) level 1 at 8',
    'kvm_mmu_get_page: sp gen 0 gfn 1 l2 2-byte q1 wux nxe ad root 0 sync new',
    'kvm_mmu_get_page: sp gen 0 gfn 1 l2 4-byte q4 wux nxe ad root 0 sync new',
    'kvm_mmu_get_page: sp gen 0 gfn 1 l2 4-byte q1 uxw nxe ad root 0 sync new',
  ]) {
    it(`is not what any kernel writes: ${message}`, () => {
      const table = readText(`        kvmguest-470     [000] ...1.     7.552773: ${message}\n`);
      assert.deepEqual([table.kind(0), table.info.damaged], [Kind.other, true]);
      assert.equal(`${table.name(0)}: ${table.message(0)}`, message);
    });
  }
});

describe('parts of messages', () => {
  it('writes and reads every role that text can show', () => {
    const printed = 0x2_3fff & ~0x800;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x3_ffff }), (word) => {
        const four = (word & printed) as Role;
        const three = (four | 0x800) as Role;
        assert.equal(parseRole(roleText(four, 4), 4), four);
        assert.equal(parseRole(roleText(three, 3), 3), three);
        assert.equal(parseRole(roleText(three, 3), 4), undefined);
      }),
    );
  });

  it('makes 64-bit times without rounding', () => {
    const whole = ({ low, high }: { low: number; high: number }): bigint => (BigInt(high) << 32n) | BigInt(low);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 999_999_999 }), (seconds, nanos) => {
        const out = { low: 0, high: 0 };
        secondsToHalves(seconds, nanos, out);
        assert.equal(whole(out), BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 66n) - 1n }), (value) => {
        const out = { low: 0, high: 0 };
        const digits = new TextEncoder().encode(String(value));
        const fits = digitsToHalves(digits, 0, digits.length, out);
        assert.equal(fits, value < 1n << 64n);
        if (fits) assert.equal(whole(out), value);
      }),
    );
  });
});
