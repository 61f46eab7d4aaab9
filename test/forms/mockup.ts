import type { PageId } from '../../src/engine/ids.js';
import type { FormContext } from '../../src/debug/forms/index.js';
import { at, gfn, pfn, World } from '../query/world.js';

/** The state that ui.md and its mockups show: k6.1-i386-linux-nonpae-smp2 after event 300,045, as far as the forms need it. */
export const pageDirectory = 1 as PageId;
export const largePageHalf = 2 as PageId;
export const otherHalf = 3 as PageId;
export const unknownChild = 4 as PageId;
export const pageTable = 5 as PageId;

const PD = 0x2cd2;
const LINKED = at(299516);

/** Page-directory entries that lead to tables, beside the two halves of the 4 MiB page. */
const TABLES = [0x00e, 0x00f, 0x010, 0x011, 0x04e, 0x04f, 0x1fa];

export function mockup(): FormContext & { world: World } {
  const world = new World();
  world.event = at(300045);
  world.events.length = 300046;
  const roots: PageId[] = [0, 1, 2].map((q) => world.addPage(20 + q, { gfn: PD, level: 2, has4ByteGpte: 1, quadrant: q }, root(q)).id);
  world.addPage(pageDirectory, { gfn: PD, level: 2, has4ByteGpte: 1, quadrant: 3 }, { ...root(3), frame: pfn(0x102c03), born: at(299427) });
  world.rootPages.push({ vcpu: 0, pages: [...roots, pageDirectory] });
  halves(world);
  world.addPage(unknownChild, { gfn: 0x1e73, level: 1, has4ByteGpte: 1, quadrant: 1, access: 11 });
  world.addPage(pageTable, { gfn: 0x2ced, level: 1, has4ByteGpte: 1 }, { unsync: true, unsyncSince: at(300018), born: at(299928) });
  directory(world);
  world.set(unknownChild, 5, { kind: 'M', value: 0x80000fee00097n, gfn: gfn(0xfee00) });
  world.bases.set(pageDirectory, 0xc0000000n);
  world.bases.set(largePageHalf, 0xc2c00000n);
  world.bases.set(otherHalf, 0xc2e00000n);
  world.bases.set(pageTable, 0x08000000n);
  events(world);
  return { replay: world, cursor: world, world };
}

function root(slot: number): { rootCount: number; roots: { vcpu: number; slot: number }[] } {
  return { rootCount: 1, roots: [{ vcpu: 0, slot }] };
}

function directory(world: World): void {
  const leaf = { setBy: at(299465), grade: 'recorded' as const };
  for (const [index, frame, host] of [
    [0x008, 0x1000, 0x16bc00],
    [0x009, 0x1200, 0x16be00],
    [0x00a, 0x1400, 0x16c000],
    [0x00c, 0x1800, 0x16c400],
    [0x00d, 0x1a00, 0x16b800],
  ] as const) {
    world.set(pageDirectory, index, { kind: 'R', value: (BigInt(host) << 12n) | 0xaa1n, gfn: gfn(frame), ...leaf });
  }
  for (const index of [0x012, 0x014, 0x018]) {
    world.set(pageDirectory, index, { kind: 'W', value: 0x16c800ee3n, gfn: gfn(0x2000 + index), ...leaf });
  }
  const link = { kind: 'T' as const, grade: 'derived' as const, flags: 0x827n, setBy: LINKED };
  for (const index of TABLES) {
    const id = 100 + index;
    world.addPage(id, { gfn: 0x2000 + index, level: 1, has4ByteGpte: 1, quadrant: index & 1 });
    world.set(pageDirectory, index, { ...link, child: id as PageId, value: 0x169524827n });
  }
  world.set(pageDirectory, 0x016, { ...link, child: largePageHalf, value: 0x1694a8827n });
  world.set(pageDirectory, 0x017, { ...link, child: otherHalf, value: 0x102e35827n });
  world.set(pageDirectory, 0x1ff, { ...link, child: unknownChild, value: null });
}

function halves(world: World): void {
  const role = { level: 1, has4ByteGpte: 1, direct: 1, access: 11 };
  const rest = { parents: [{ page: pageDirectory, index: 0x16 as never }], born: at(161528), frame: pfn(0x1694a8) };
  world.addPage(largePageHalf, { gfn: 0x2c00, ...role }, rest);
  world.addPage(otherHalf, { gfn: 0x2e00, quadrant: 1, ...role }, { ...rest, parents: [{ page: pageDirectory, index: 0x17 as never }] });
  world.set(otherHalf, 0, { kind: 'W', value: 0x16e000e43n, gfn: gfn(0x2e00) });
  const empty = new Set([0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, ...Array.from({ length: 16 }, (_, i) => 0xb0 + i)]);
  const shadowed = new Set([0xd2, 0x113, 0x131, 0x14f, 0x162, 0x169, 0x1ff]);
  for (let i = 0; i < 512; i++) {
    if (empty.has(i)) continue;
    const value = (BigInt(0x16ce00 + i) << 12n) | (shadowed.has(i) ? 0xa61n : 0xe63n);
    world.set(largePageHalf, i, { kind: shadowed.has(i) ? 'P' : 'W', value, gfn: gfn(0x2c00 + i), setBy: at(161600) });
  }
  const made = world.set(largePageHalf, 0xed, { kind: 'W', value: 0x16ceede63n, gfn: gfn(0x2ced), setBy: at(300019) });
  const cleared = world.set(largePageHalf, 0x152, {
    kind: 'P',
    value: 0x16cf52a61n,
    gfn: gfn(0x2d52),
    setBy: at(300033),
    grade: 'derived',
  });
  const before = { ...made, value: 0x16ceeda61n, grade: 'derived' as const, setBy: at(299928) };
  const beforeCleared = { ...cleared, value: 0x16cf52e63n, grade: 'recorded' as const, setBy: at(296992) };
  world.changes.push({ page: largePageHalf, index: 0xed, before }, { page: largePageHalf, index: 0x152, before: beforeCleared });
  world.histories.set(`${largePageHalf}.${0xed}`, [
    { event: 300019, entry: made, why: 'kvm_mmu_set_spte' },
    { event: 299928, entry: before, why: 'kvm_mmu_get_page' },
    { event: 299912, entry: { ...made, setBy: at(299912) }, why: 'kvm_mmu_set_spte' },
  ]);
}

/** The events that the state leans on; the others are blank. */
function events(world: World): void {
  const blank = { name: 'kvm_fpu', pid: 1 };
  world.events.fill(blank);
  const here = { pid: 100, comm: 'CPU 0/KVM' };
  world.events[161526] = { name: 'kvm_mmu_pagetable_walk', args: { addr: 0xc2c00000, pferr: 2 }, ...here };
  world.events[161527] = { name: 'kvm_mmu_paging_element', args: { pte: 0x02c001e3, level: 2 }, ...here };
  world.events[161528] = { name: 'kvm_mmu_get_page', args: { gfn: 0x2c00 }, ...here, page: largePageHalf };
  world.events[299516] = { name: 'kvm_mmu_get_page', args: { gfn: 0x2c00 }, ...here, page: largePageHalf };
  world.events[299928] = { name: 'kvm_mmu_get_page', args: { gfn: 0x2ced, created: 1 }, ...here, page: pageTable, line: 299941 };
  world.events[300011] = { name: 'kvm_mmu_pagetable_walk', args: { addr: 0xc2ced4c0, pferr: 3 }, ...here };
  world.events[300018] = { name: 'kvm_mmu_unsync_page', args: { gfn: 0x2ced }, ...here, page: pageTable };
  world.events[300019] = {
    name: 'kvm_mmu_set_spte',
    args: { gfn: 0x2ced, spte: 0x16ceede63n, sptep: 0x1694a8768n, level: 1, r: 1, x: 1, u: 0 },
    spte: { page: largePageHalf, index: 0xed },
    time: '34.466762',
    line: 300032,
    ...here,
  };
  world.events[300033] = { name: 'kvm_mmu_get_page', args: { gfn: 0x2d52 }, ...here };
  world.events[300036] = { name: 'kvm_mmu_pagetable_walk', args: { addr: 0x81313ae, pferr: 0x14 }, ...here };
  for (let i = 0; i < 8; i++) {
    world.events[300038 + i] = { name: 'kvm_mmu_set_spte', args: { gfn: 0x1f13 + i, spte: 0x16b513a05n, level: 1 }, ...here };
  }
}
