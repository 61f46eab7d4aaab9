import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { headlessTables } from '../../src/engine/headlessTables.js';
import type { Gfn, PageId, SpteIndex } from '../../src/engine/ids.js';
import { freeLocalRoot } from '../../src/engine/localPages.js';
import { Trail } from '../../src/engine/trail.js';
import type { Paging } from '../../src/scenario/cpu.js';
import type { Machine } from '../../src/scenario/machine.js';
import { DATA, DIRECTORIES, GIB, Guest } from './localGuest.js';

describe('nested page tables of a 32-bit hypervisor (seed 001, scenario F)', () => {
  const NPT: Partial<Paging> = { mode: 'npt-32', rootLevels: 5 };

  it('are shadowed below pml5_root, pml4_root and pae_root, which stay', () => {
    const guest = new Guest('6.1.0', { paging: NPT }).read(0n);
    const roots = guest.cpu.vcpu.roots();
    const tables = (): [string, (number | string)[]][] =>
      headlessTables(guest.mmu, guest.cpu.vcpu, guest.state).map(({ name, entries }) => [name, entries.map(({ to }) => to)]);
    assert.deepEqual(tables(), [
      ['pml5_root', ['pml4_root']],
      ['pml4_root', ['pae_root']],
      ['pae_root', roots],
    ]);
    guest.machine.setPaging(guest.cpu, { ...guest.cpu.paging, rootLevels: 4 });
    assert.deepEqual(
      tables().map(([name]) => name),
      ['pml4_root', 'pae_root'],
    );
    assert.deepEqual([guest.frameAt(0n), guest.violations()], [DATA, []]);
  });

  it('or below local pages of levels 5, 4 and 3, linked by the first fault', () => {
    const guest = new Guest('rfc-local', { paging: NPT });
    const { mmu, pages, state, root } = guest;
    assert.deepEqual([pages.level(root), mmu.localPages.size], [5, 1]);
    assert.deepEqual(guest.read(2n * GIB).asked(), ['0x23752+', '0x23711+']);
    const chain = [...mmu.localPages];
    assert.deepEqual(
      chain.map((page) => pages.level(page)),
      [5, 4, 3],
    );
    assert.deepEqual(
      chain.slice(1).map((page) => [...mmu.parents(page)]),
      [[{ page: chain[0], index: 0 }], [{ page: chain[1], index: 0 }]],
    );
    // Only a root of level 3 needs the table below 4 GiB, whose entries have next to no bits.
    assert.deepEqual(
      chain.map((page) => [pages.birth(page).local, mmu.linkFlags(page)]),
      chain.map(() => ['table', 0x827n]),
    );
    assert.equal(new Guest('rfc-local').mmu.linkFlags(1 as PageId), 0x801n);
    assert.deepEqual([guest.frameAt(2n * GIB), mmu.usedPages(), guest.violations()], [DATA + 2, 2, []]);
    assert.equal(pages.isLive(state, root), true);
  });

  it('a root of level 5 is freed level by level, each step a position of its own', () => {
    const guest = new Guest('rfc-local', { paging: NPT }).read(0n).read(3n * GIB);
    const { mmu, pages, state, machine } = guest;
    const [five, four, three] = [...mmu.localPages] as [PageId, PageId, PageId];
    const trail = new Trail(mmu);
    mmu.trail = trail;
    const begin = machine.journal.length;
    machine.setPaging(guest.cpu, { ...guest.cpu.paging, cr3: DIRECTORIES[1] as Gfn });
    const steps: string[] = [];
    const named = new Map<number, string>([five, four, three].flatMap((page, i) => [[pages.lifeCell(page), `L${5 - i} freed`]]));
    for (const page of [five, four, three]) {
      for (const index of [0, 1, 2, 3]) named.set(pages.entryCell(page, index as SpteIndex), `L${pages.level(page)}[${index}] cleared`);
    }
    for (let record = begin; record < machine.journal.length; record++) {
      const name = named.get(machine.journal.cell(record));
      if (name) steps.push(name);
    }
    // The cells of the page freed last serve the new root, which is born next.
    assert.deepEqual(steps.slice(0, 7), [
      'L5[0] cleared',
      'L5 freed',
      'L4[0] cleared',
      'L4 freed',
      'L3[0] cleared',
      'L3[3] cleared',
      'L3 freed',
    ]);
    const calls = trail.entries.filter(({ fn }) => fn === 'freeLocalRoot' || fn === 'zapPte');
    assert.deepEqual(
      calls.map(({ text }) => text),
      [
        'mmu_free_local_root_page(0 L5 q0)',
        'mmu_page_zap_pte(0 L5 q0 [000])',
        'mmu_page_zap_pte(0 L4 q0 [000])',
        ...[0, 1, 2, 3].map((slot) => `mmu_page_zap_pte(0 L3 q0 [00${slot}])`),
      ],
    );
    const livesBefore = (page: PageId, call: number): boolean => {
      const freed = journalRecordOf(machine, pages.lifeCell(page), begin);
      return calls[call]!.record <= freed;
    };
    assert.deepEqual(
      [livesBefore(five, 1), livesBefore(five, 2), livesBefore(four, 2), livesBefore(four, 3), livesBefore(three, 6)],
      [true, false, true, false, true],
    );
    assert.deepEqual(
      [...mmu.localPages].map((page) => pages.level(page)),
      [5],
    );
    assert.deepEqual(guest.violations(), []);
    assert.equal(pages.isLive(state, five), false);
  });

  it('freeing stops where entry 0 is not present', () => {
    const guest = new Guest('rfc-local', { paging: { ...NPT, rootLevels: 4 } });
    const { mmu, root } = guest;
    assert.deepEqual([...mmu.localPages], [root]);
    freeLocalRoot(mmu, root);
    assert.deepEqual([mmu.localPages.size, guest.pages.isLive(guest.state, root)], [0, false]);
  });

  it('revived by two fast zaps they keep the local pages below', () => {
    const guest = new Guest('rfc-local', { paging: NPT }).read(0n);
    const chain = [...guest.mmu.localPages];
    guest.machine.zapEverything();
    assert.deepEqual(guest.violations(), []);
    guest.machine.zapEverything();
    guest.read(0n);
    assert.deepEqual([[...guest.mmu.localPages], guest.frameAt(0n), guest.violations()], [chain, DATA, []]);
  });
});

/** The first record of a cell from a position on. */
function journalRecordOf({ journal }: Machine, cell: number, from: number): number {
  for (let record = from; record < journal.length; record++) if (journal.cell(record) === cell) return record;
  return Infinity;
}
