import { strict as assert } from 'node:assert';
import { eraNamed } from '../../src/engine/eras.js';
import { GuestEntries } from '../../src/engine/guestEntries.js';
import { HostPages } from '../../src/engine/hostPages.js';
import type { EventIndex, Gfn, PageId, SpteIndex } from '../../src/engine/ids.js';
import { Journal } from '../../src/engine/journal.js';
import { Kvm } from '../../src/engine/kvm.js';
import { Mmu } from '../../src/engine/mmu.js';
import { ShadowPages } from '../../src/engine/pages.js';
import { ACC_ALL, makeRole } from '../../src/engine/role.js';
import { State, WritableState } from '../../src/engine/state.js';
import { Trust } from '../../src/engine/entry.js';
import { trackWrite } from '../../src/engine/steps/trackWrite.js';

const TABLE = 0x100 as Gfn;
const GPA = TABLE * 4096;

function vm(): { kvm: Kvm; mmu: Mmu; guest: GuestEntries } {
  const state = new WritableState(new Journal());
  state.now = 10 as EventIndex;
  const mmu = new Mmu(0, state, new ShadowPages(state.journal), eraNamed('6.1.192')!);
  const guest = new GuestEntries(mmu);
  return { kvm: new Kvm(mmu, guest, new HostPages()), mmu, guest };
}

describe('guest entries that the emulator writes', () => {
  it('a whole entry becomes the immediate', () => {
    const { guest } = vm();
    guest.wrote(GPA, 4, 4, () => 0x5063n);
    assert.equal(guest.at(GPA), 0x5063n);
  });

  it('half of an 8-byte entry changes, and the other half stays', () => {
    const { guest } = vm();
    guest.saw(GPA, 0x1_0000_5063n);
    guest.wrote(GPA, 4, 8, () => 0n);
    assert.equal(guest.at(GPA), 0x1_0000_0000n);
    guest.wrote(GPA + 4, 4, 8, () => 2n);
    assert.equal(guest.at(GPA), 0x2_0000_0000n);
  });

  it('a locked or takes the old contents, where they are known', () => {
    const { guest } = vm();
    const or = (old: bigint | undefined): bigint | undefined => (old === undefined ? undefined : old | 0x20n);
    guest.wrote(GPA, 4, 4, or);
    assert.equal(guest.at(GPA), undefined);
    guest.saw(GPA, 0x5003n);
    guest.wrote(GPA, 4, 4, or);
    assert.equal(guest.at(GPA), 0x5023n);
  });

  it('a register, or a part of an entry, makes it unknown', () => {
    const { guest } = vm();
    guest.saw(GPA, 0x5063n);
    guest.wrote(GPA, 4, 4, () => undefined);
    assert.equal(guest.at(GPA), undefined);
    guest.saw(GPA, 0x5063n);
    guest.wrote(GPA + 1, 1, 4, () => 0n);
    assert.equal(guest.at(GPA), undefined);
  });
});

describe('a tracked write', () => {
  const role = makeRole({ level: 2, has4ByteGpte: 1, quadrant: 0, access: ACC_ALL });

  function linked(): { kvm: Kvm; mmu: Mmu; table: PageId } {
    const { kvm, mmu } = vm();
    const table = mmu.create({ gfn: TABLE, role, generation: 0, before: false });
    const child = mmu.create({
      gfn: 0x200 as Gfn,
      role: makeRole({ level: 1, has4ByteGpte: 1, access: ACC_ALL }),
      generation: 0,
      before: false,
    });
    for (const index of [4, 5, 6]) mmu.link(table, index as SpteIndex, child, Trust.recorded);
    return { kvm, mmu, table };
  }
  const run = (kvm: Kvm, value: bigint | undefined): void => {
    for (const announced of trackWrite(kvm, GPA + 8, 4, false, () => value)) assert.fail(`nothing is announced, but ${announced.output}`);
  };

  it('of a 4-byte PDE clears its two SPTEs and counts', () => {
    const { kvm, mmu, table } = linked();
    run(kvm, 0x7027n);
    const links = [4, 5, 6].map((index) => mmu.state.tag(mmu.pages.entryCell(table, index as SpteIndex)) !== 0);
    assert.deepEqual(links, [false, false, true]);
    assert.equal(mmu.statistics.value('mmu_pte_write'), 1);
    assert.equal(mmu.statistics.value('mmu_pde_zapped'), 2);
    assert.equal(mmu.statistics.isGuess('mmu_pde_zapped'), false);
  });

  it('of 0 counts as a write only, and of a register leaves the count a guess', () => {
    const zero = linked();
    run(zero.kvm, 0n);
    assert.equal(zero.mmu.statistics.value('mmu_pde_zapped'), 0);
    const register = linked();
    run(register.kvm, undefined);
    assert.equal(register.mmu.statistics.isGuess('mmu_pde_zapped', new State(register.mmu.state.journal)), false, 'before the write');
    assert.equal(register.mmu.statistics.isGuess('mmu_pde_zapped'), true);
  });
});
