import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { runScenario, type RunOptions } from '../../../src/scenario/run.js';

/** The scenarios of spec/eras.md by their numbers, each under the rules before and after its patch. */

const GUEST = `
slot ram gfn 0..0xfff pfn 0x10000
vcpu 0 paging 32 cr3 gfn(1)
set gfn(1)[0] = gfn(5)|P|W|U|A
set gfn(5)[0] = gfn(0x10)|P|W|U|A|D
set gfn(5)[512] = gfn(0x20)|P|W|U|A|D
`;

/** Runs a scenario; every expectation must hold. */
function holds(text: string, options: RunOptions = {}): void {
  const { failures } = runScenario(text, 'test.mmu', options);
  assert.deepEqual(
    failures.map(({ line, message }) => `${line}: ${message}`),
    [],
    JSON.stringify(options),
  );
}

/** The same expectations say the opposite once the patch is gone: the scenario shows it. */
function shows(text: string, ...runs: readonly RunOptions[]): void {
  for (const options of runs) holds(text, options);
}

const E1 = `${GUEST}
read 0
read 0x200000
expect 2 pages gfn 5 level 1
emulate 0x5800 = gfn(0x30)|P|W|U|A|D as 4 bytes
if quadrant-filter: expect spte (gfn 5 quadrant 0)[0] is leaf gfn 0x10
if quadrant-filter: expect va 0 is gpa gfn(0x10)
if quadrant-filter: expect invariants hold
if not quadrant-filter and not update-on-write: expect spte (gfn 5 quadrant 0)[0] is empty
if not quadrant-filter and not update-on-write: expect spte (gfn 5 quadrant 1)[0] is empty
if not quadrant-filter and update-on-write: expect va 0 is gpa gfn(0x30)
if not quadrant-filter and update-on-write: expect invariants broken I-9
`;

/** A page directory with entries in all quadrants at one index; one of quadrant 3 is written. */
const E1_DIRECTORY = `
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1)
set gfn(1)[1] = gfn(6)|P|W|U|A
set gfn(1)[0x101] = gfn(6)|P|W|U|A
set gfn(1)[0x201] = gfn(6)|P|W|U|A
set gfn(1)[0x301] = gfn(6)|P|W|U|A
set gfn(6)[0] = gfn(0x10)|P|W|U|A|D
read 0x400000
read 0x40400000
read 0x80400000
read 0xc0400000
emulate 0x1c04 = 0 as 4 bytes
expect va 0xc0400000 is nothing
if quadrant-filter: expect va 0x400000 is gpa gfn(0x10)
if quadrant-filter: expect va 0x80400000 is gpa gfn(0x10)
if not quadrant-filter: expect va 0x400000 is nothing
if not quadrant-filter: expect va 0x80400000 is nothing
`;

const E2 = `
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1)
set gfn(1)[1] = gfn(6)|P|W|U|A
set gfn(6)[0] = gfn(0xfee00)|P|W|U|A|D
read 0x400000
expect result mmio
if mmio-sptes: expect spte va 0x400000 is mmio gfn 0xfee00
if mmio-sptes: expect page gfn 6
if mmio-sptes: expect gfn 6 is protected
if mmio-decoupling and not mmio-sptes: expect no page gfn 6
if mmio-decoupling and not mmio-sptes: expect gfn 6 is not protected
if mmio-decoupling and not mmio-sptes: expect va 0x400000 is nothing
if not mmio-decoupling and not mmio-sptes: expect page gfn 6 quadrant 0
if not mmio-decoupling and not mmio-sptes: expect spte va 0x400000 is marked
if not mmio-decoupling and not mmio-sptes: expect gfn 6 is protected
read 0x400000
expect result mmio
if mmio-sptes: expect no event kvm_mmu_pagetable_walk
# Another vCPU does not remember the address.
vcpu 1 paging 32 cr3 gfn(1)
read 0x400000
if mmio-sptes: expect event handle_mmio_page_fault gfn=0xfee00
`;

/** A 4 MiB page of the guest that the host backs with 4 KiB pages: its direct halves. */
const E3_SPLIT = `
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1) pse
set gfn(1)[1] = gfn(0x400)|P|W|U|A|D|PS
read 0x600000
expect page gfn 0x600 level 1 direct
if role-from-parent: expect page gfn 0x600 level 1 direct 4-byte quadrant 1
if direct-has-8-byte-gptes: expect page gfn 0x600 level 1 direct 8-byte
expect va 0x600000 is gpa gfn(0x600)
expect invariants hold
`;

/** Without paging: four roots. */
const E3_NONPAGING = `
slot ram gfn 0..0xfff
vcpu 0 paging off
read 0x5000
if not direct-mmu-quadrants: expect page gfn 0x40000 level 2 direct root 1
if not direct-mmu-quadrants: expect page gfn 0xc0000 level 2 direct root 1
if direct-mmu-quadrants: expect 4 pages gfn 0 level 2 direct root 1
expect va 0x5000 is gpa 0x5000
expect result done
`;

/** The other vCPU does not run, and so keeps its root. */
const E6 = `${GUEST}
read 0
vcpu 1 paging 32 cr3 gfn(1)
vcpu 0
emulate gfn(1)[3] = 0
emulate gfn(1)[3] = 0
emulate gfn(1)[3] = 0
if invalid-roots: expect 4 pages gfn 1 level 2 invalid root 1
if invalid-roots: expect 4 events kvm_mmu_prepare_zap_page gfn=1 invalid=0
if not invalid-roots: expect no page invalid
read 0
expect va 0 is gpa gfn(0x10)
if invalid-roots: expect 4 pages gfn 1 level 2 valid root 1
if not invalid-roots: expect 4 pages gfn 1 level 2 root 2
`;

/** The guest's page table is mapped by itself, both of its halves shadowed. */
const E7 = `${GUEST}
set gfn(5)[5] = gfn(5)|P|W|U|A|D
read 0
read 0x200000
write 0x5000 = gfn(0x40)|P|W|U|A|D
if unsync: expect 2 pages gfn 5 unsync
if unsync: expect 2 events kvm_mmu_unsync_page gfn=5
if unsync: expect result done
if not unsync: expect no page gfn 5 unsync
if not unsync: expect result emulated
if unsync: expect va 0 is gpa gfn(0x10)
invlpg 0
read 0
expect va 0 is gpa gfn(0x40)
`;

const E8 = `${GUEST}
read 0
emulate gfn(5)[0] = gfn(0x30)|P|W|U|A|D
if update-on-write: expect va 0 is gpa gfn(0x30)
if not update-on-write: expect spte va 0 is empty
read 0
expect va 0 is gpa gfn(0x30)
expect invariants hold
`;

/** A large page of the guest moves unseen, and its direct shadow is reused for another frame. */
const E9 = `
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1) pse
set gfn(1)[1] = gfn(0x400)|P|W|U|A|D|PS
read 0x400000
set gfn(1)[1] = gfn(0x800)|P|W|U|A|D|PS
write 0x401000 = 1
if child-gfn-check: expect page gfn 0x800 level 1 direct parents 1
if child-gfn-check: expect invariants hold
if not child-gfn-check: expect no page gfn 0x800
if not child-gfn-check: expect invariants broken I-15 I-28
`;

/** A page directory entry is a large page, then a table in the same frame. */
const E10 = `
slot ram gfn 0..0xfff
vcpu 0 paging 32 cr3 gfn(1) pse
set gfn(1)[1] = gfn(0x400)|P|W|U|A|D|PS
read 0x400000
set gfn(0x400)[1] = gfn(0x10)|P|W|U|A|D
set gfn(1)[1] = gfn(0x400)|P|W|U|A
write 0x401000 = 1
if child-role-check: expect page gfn 0x400 level 1 indirect parents 1
if child-role-check: expect invariants hold
if not child-role-check: expect no page gfn 0x400 indirect
`;

/** A leaf's guest entry comes to lead to a frame without memory, unseen. */
const E11 = `${GUEST}
set gfn(5)[0] = gfn(0x10)|P|W|U|A
read 0
expect spte va 0 is leaf gfn 0x10 read-only
set gfn(5)[0] = gfn(0xfee00)|P|W|U|A|D
write 0
expect result mmio
expect spte va 0 is mmio gfn 0xfee00
if drop-before-mmio: expect invariants hold
if not drop-before-mmio: expect invariants broken I-27
`;

const E12 = `
slot ram gfn 0..0xfff
vcpu 0 paging pae
set gfn(1)[0] = gfn(2)|P as 8 bytes
set gfn(1)[1] = gfn(3)|P as 8 bytes
vcpu 0 paging pae cr3 gfn(1)
emulate gfn(2)[7] = 0
emulate gfn(3)[7] = 0
emulate gfn(2)[7] = 0
emulate gfn(3)[7] = 0
emulate gfn(2)[7] = 0
if flood-per-page: expect event kvm_mmu_prepare_zap_page gfn=2 invalid=0
if flood-per-page: expect no event kvm_mmu_prepare_zap_page gfn=3
if not flood-per-page: expect no event kvm_mmu_prepare_zap_page
`;

const E13 = `${GUEST}
slot more gfn 0x1000..0x1fff
read 0
expect used 5
delete slot more
if generations: expect event kvm_mmu_zap_all_fast
if generations: expect generation 1
if generations: expect 4 pages gfn 1 invalid
if not generations: expect used 5
if not generations: expect no event kvm_mmu_prepare_zap_page
read 0
if generations: expect 4 pages gfn 1 level 2 generation 1 valid
expect va 0 is gpa gfn(0x10)
`;

describe('the scenarios of the specification of eras', () => {
  it('E1: a write to the other half of a page table', () => {
    shows(E1, { kernel: '2.6.21' }, { kernel: '2.6.22' }, { kernel: '2.6.24' }, { kernel: '6.1' });
    shows(E1, { kernel: '2.6.24', without: ['quadrant-filter'] }, { kernel: '6.1', without: ['quadrant-filter'] });
    shows(E1_DIRECTORY, { kernel: '6.1' }, { kernel: '2.6.24' }, { kernel: '6.1', without: ['quadrant-filter'] }, { kernel: '2.6.21' });
  });
  it('E2: MMIO twice', () =>
    shows(E2, { kernel: '2.6.24' }, { kernel: '2.6.26' }, { kernel: '5.10' }, { kernel: '6.1' }, { kernel: '7.x' }));
  it('E3: a 4 MiB page that is split', () => shows(E3_SPLIT, { kernel: '5.15' }, { kernel: '5.15.y-S002' }, { kernel: '6.1' }));
  it('E3, E14: no paging', () => shows(E3_NONPAGING, { kernel: '2.6.24' }, { kernel: '5.15' }, { kernel: '6.1' }));
  it('E6: a page directory that is zapped while it is the root', () =>
    shows(E6, { kernel: '2.6.24' }, { kernel: '2.6.26' }, { kernel: '6.1' }));
  it('E7: a guest writes its page table', () => shows(E7, { kernel: '2.6.26' }, { kernel: '5.10' }, { kernel: '6.1' }));
  it('E8: a guest entry is written over another', () => shows(E8, { kernel: '2.6.21' }, { kernel: '2.6.24' }, { kernel: '6.1' }));
  it('E9: a large page moves unseen', () =>
    shows(E9, { kernel: '6.1.192' }, { kernel: '6.1.192', without: ['child-gfn-check', 'child-role-check'] }));
  it('E10: a large page becomes a table unseen', () =>
    shows(E10, { kernel: '6.1.192' }, { kernel: '6.1.192', without: ['child-role-check'] }));
  it('E11: a page becomes MMIO unseen', () => shows(E11, { kernel: '6.1.192' }, { kernel: '6.1.192', without: ['drop-before-mmio'] }));
  it('E12: writes to two page directories in turn', () => shows(E12, { kernel: '2.6.24' }, { kernel: '6.1' }));
  it('E13: a slot is deleted', () => shows(E13, { kernel: '2.6.28' }, { kernel: '5.10' }, { kernel: '6.1' }));
});
