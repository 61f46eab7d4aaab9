import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Output } from '../../src/engine/announcement.js';
import type { Feature } from '../../src/engine/features.js';
import { headlessTables } from '../../src/engine/headlessTables.js';
import type { Gfn, PageId } from '../../src/engine/ids.js';
import { usingLocalRootPage } from '../../src/engine/localPages.js';
import { Life } from '../../src/engine/pages.js';
import { roleField } from '../../src/engine/role.js';
import { unsyncBelow } from '../../src/engine/steps/unsync.js';
import { DATA, DIRECTORIES, GIB, Guest, PAGING, TABLE } from './localGuest.js';

describe('local pages (seed 001)', () => {
  it('the predicate holds in exactly the five cases of spec/roots.md §8.1', () => {
    const cases: [direct: boolean, guest: number, root: number, local: boolean][] = [
      [true, 0, 3, true], // without paging, or NPT on a 32-bit host
      [false, 2, 3, true],
      [false, 3, 3, true],
      [false, 2, 4, true], // NPT of a 32-bit hypervisor on a 64-bit host
      [false, 3, 5, true],
      [false, 4, 4, false],
      [false, 4, 5, false],
      [false, 5, 5, false],
      [true, 0, 4, false],
      [true, 0, 5, false],
    ];
    for (const [direct, guest, root, local] of cases)
      assert.equal(usingLocalRootPage(direct, guest, root), local, `${direct} ${guest} ${root}`);
  });

  describe('A: what a load shows, and what a fault', () => {
    it('tables without a header: four page directories at once, each with a root_count and no parent', () => {
      const guest = new Guest('6.1.0');
      assert.deepEqual(guest.asked(), ['0x3712+', '0x3732+', '0x3752+', '0x3772+']);
      const roots = guest.cpu.vcpu.roots();
      assert.equal(guest.mmu.usedPages(), 4);
      for (const page of roots) assert.deepEqual([guest.pages.rootCount(guest.state, page), [...guest.mmu.parents(page)]], [1, []]);
      assert.deepEqual(
        headlessTables(guest.mmu, guest.cpu.vcpu, guest.state).map(({ name, entries }) => [name, entries.map(({ to }) => to)]),
        [['pae_root', roots]],
      );
      assert.deepEqual(guest.read(0n).asked(), ['0x3711+']);
    });

    it('local page: nothing at the load; a fault makes the page directory that it needs, a child without root_count', () => {
      const guest = new Guest('rfc-local');
      const { mmu, pages, state } = guest;
      assert.deepEqual(guest.asked(), []);
      assert.deepEqual([mmu.usedPages(), mmu.active.size, mmu.livePages(0 as Gfn).length], [0, 0, 0]);
      assert.deepEqual([pages.isLocal(guest.root), pages.gfn(state, guest.root), pages.rootCount(state, guest.root)], [true, 0, 1]);
      assert.deepEqual(guest.read(0n).asked(), ['0x3712+', '0x3711+']);
      const [directory] = guest.directories();
      assert.deepEqual([...mmu.parents(directory!)], [{ page: guest.root, index: 0 }]);
      assert.equal(pages.rootCount(state, directory!), 0);
      assert.deepEqual(guest.directories().slice(1), [undefined, undefined, undefined]);
      assert.deepEqual(headlessTables(mmu, guest.cpu.vcpu, state), []);
      assert.deepEqual(guest.violations(), []);
    });

    it('without paging and with PAE as well', () => {
      const flat = new Guest('rfc-local', { paging: { mode: 'off' } });
      assert.deepEqual(flat.asked(), []);
      assert.deepEqual(flat.read(0x10000n).asked(), ['0x1782+', '0x1781+']);
      assert.equal(roleField(flat.pages.role(flat.state, flat.root), 'direct'), 1);
      const pae = new Guest('rfc-local', { paging: { mode: 'pae', cr3: 0x20 as Gfn } });
      assert.deepEqual(pae.asked(), []);
      pae.machine.writeUnseen(0x20000 + 3 * 8, 8, 0x21001n);
      pae.machine.writeUnseen(0x21000, 8, 0x22067n);
      pae.machine.writeUnseen(0x22000, 8, 0x10067n);
      pae.machine.setPaging(pae.cpu, { ...pae.cpu.paging, cr3: 0x21 as Gfn });
      pae.machine.setPaging(pae.cpu, { ...pae.cpu.paging, cr3: 0x20 as Gfn });
      assert.deepEqual(pae.read(3n * GIB).asked(), ['0x3702+', '0x3701+']);
      assert.equal(pae.frameAt(3n * GIB), 0x10);
      assert.deepEqual([...flat.violations(), ...pae.violations()], []);
    });

    it('an unsync page table is found from the local page, and not from a table without a header', () => {
      for (const kernel of ['6.1.0', 'rfc-local']) {
        const guest = new Guest(kernel);
        guest.put(TABLE, 1, TABLE);
        guest.machine.access(guest.cpu, 0x1000n, { write: true });
        const [table] = guest.mmu.livePages(TABLE as Gfn);
        assert.ok(guest.pages.isUnsync(guest.state, table!), kernel);
        const top = kernel === 'rfc-local' ? guest.root : guest.cpu.vcpu.roots()[0]!;
        assert.deepEqual(unsyncBelow(guest.machine.kvm, top), [table]);
        const bits = guest.observer.snapshot().pages.find(({ id }) => id === top)!.unsyncBitmap!;
        assert.deepEqual([guest.pages.level(top), [...bits]], [kernel === 'rfc-local' ? 3 : 2, [0]]);
        assert.deepEqual(guest.violations(), []);
      }
    });
  });

  describe('B: a zapped page directory', () => {
    /** A write of four bytes that begins within an entry: no page table. */
    const zapDirectory = (guest: Guest): void => guest.machine.emulate(guest.cpu, DIRECTORIES[0] * 4096 + 0x802, { bytes: 4, word: 0n });

    it('stays invalid behind a table without a header, until the vCPU loads its root anew', () => {
      const guest = new Guest('6.1.0').read(0n).read(GIB);
      const before = guest.cpu.vcpu.roots();
      const zapped: string[] = [];
      guest.machine.onEvent = ({ output }) => {
        const [table] = headlessTables(guest.mmu, guest.cpu.vcpu, guest.state);
        const leadsTo = table?.entries.map(({ to }) => (guest.pages.life(guest.state, to as PageId) === Life.pinned ? 'zapped' : 'valid'));
        if (output === Output.prepareZap) zapped.push(leadsTo?.join(' ') ?? 'none');
      };
      zapDirectory(guest);
      // Four when they are zapped, and four when the vCPU lets them go.
      assert.equal(zapped.length, 8);
      assert.deepEqual(zapped.slice(0, 4).at(-1), 'zapped zapped zapped zapped');
      for (const page of before) assert.equal(guest.pages.life(guest.state, page), Life.none);
      assert.deepEqual(
        guest.cpu.vcpu.roots().filter((page) => before.includes(page)),
        [],
      );
    });

    it('is gone at once below a local page, whose entry is empty', () => {
      const guest = new Guest('rfc-local').read(0n).read(GIB);
      const { root } = guest;
      const before = guest.directories();
      assert.equal(before.filter((page) => page !== undefined).length, 2);
      zapDirectory(guest);
      assert.deepEqual(guest.directories(), [undefined, undefined, undefined, undefined]);
      for (const page of before) if (page !== undefined) assert.equal(guest.pages.life(guest.state, page), Life.none);
      assert.deepEqual([guest.violations(), guest.read(0n).root], [[], root]);
    });
  });

  it('C: at the page limit page directories go below a local page, and stay behind a table without a header', () => {
    const recycledRoots = (kernel: string): number => {
      const guest = new Guest(kernel)
        .read(0n)
        .read(GIB)
        .read(2n * GIB)
        .read(3n * GIB);
      const first = kernel === 'rfc-local' ? guest.directories() : guest.cpu.vcpu.roots();
      for (let i = 1; i < 40; i++) {
        guest.put(DIRECTORIES[0], i, 0x100 + i);
        guest.put(0x100 + i, 0, DATA);
        guest.put(0x100 + i, 512, DATA);
        guest.read(BigInt(i) << 22n).read((BigInt(i) << 22n) | (1n << 21n));
      }
      assert.deepEqual(guest.violations(), []);
      assert.ok(guest.mmu.statistics.value('mmu_recycled') > 0);
      return first.filter((page) => !guest.pages.isLive(guest.state, page!)).length;
    };
    assert.equal(recycledRoots('6.1.0'), 0);
    assert.equal(recycledRoots('rfc-local'), 4);
  });

  describe('D: obsoleted through their children', () => {
    it('one fast zap: the local page is empty and obsolete, and freed before the vCPU enters the guest', () => {
      const guest = new Guest('rfc-local').read(0n).read(GIB);
      const { root } = guest;
      guest.machine.zapEverything();
      assert.deepEqual([guest.root, guest.mmu.isObsolete(root), guest.mmu.usedPages()], [root, true, 0]);
      assert.deepEqual(guest.directories(), [undefined, undefined, undefined, undefined]);
      assert.deepEqual(guest.violations(), []);
      assert.notEqual(guest.read(0n).root, root);
      assert.equal(guest.pages.life(guest.state, root), Life.none);
    });

    it('two while the vCPU does not run: its generation is the current one again, and the vCPU goes on with it', () => {
      const guest = new Guest('rfc-local');
      const other = guest.machine.addCpu({ ...PAGING, cr3: DIRECTORIES[1] as Gfn });
      guest.read(0n).read(GIB);
      const { root } = guest;
      guest.machine.zapEverything();
      guest.machine.access(other, 0n, {});
      assert.notEqual(guest.mmu.usedPages(), 0);
      guest.machine.zapEverything();
      assert.deepEqual([guest.mmu.isObsolete(root), guest.mmu.usedPages()], [false, 0]);
      assert.deepEqual(guest.directories(), [undefined, undefined, undefined, undefined]);
      guest.events.length = 0;
      assert.equal(guest.read(0n).root, root);
      assert.deepEqual(guest.asked(), ['0x3712+', '0x3711+']);
      assert.deepEqual([guest.frameAt(0n), guest.violations()], [DATA, []]);
    });

    it('tables without a header never come back to life: the directories that they lead to are zapped', () => {
      const guest = new Guest('6.1.0').read(0n);
      const before = guest.cpu.vcpu.roots();
      guest.machine.zapEverything();
      guest.machine.zapEverything();
      for (const page of before) assert.equal(guest.pages.life(guest.state, page), Life.pinned);
      guest.read(0n);
      for (const page of before) assert.equal(guest.pages.life(guest.state, page), Life.none);
    });
  });

  it('E: neither design keeps the root of a 32-bit guest; a local one is made anew in the same pae_root', () => {
    for (const kernel of ['6.1.0', 'rfc-local']) {
      const guest = new Guest(kernel).read(0n);
      const first = guest.root;
      const frame = guest.pages.frame(guest.state, first);
      const switchTo = (directory: number): void => guest.machine.setPaging(guest.cpu, { ...PAGING, cr3: directory as Gfn });
      guest.asked();
      switchTo(DIRECTORIES[1]);
      assert.deepEqual(guest.cpu.vcpu.previousRoots(), []);
      switchTo(DIRECTORIES[0]);
      assert.deepEqual(guest.cpu.vcpu.previousRoots(), []);
      if (kernel === '6.1.0') {
        assert.equal(guest.root, first);
        continue;
      }
      assert.deepEqual(guest.asked(), []);
      assert.notEqual(guest.root, first);
      assert.deepEqual([guest.mmu.localPages.size, guest.pages.frame(guest.state, guest.root)], [1, frame]);
      assert.deepEqual(guest.directories(), [undefined, undefined, undefined, undefined]);
      // The page directory waited in the hash, and its page table below it.
      assert.deepEqual(guest.read(0n).asked(), ['0x3712']);
    }
  });

  describe('the quadrant of a page directory below a local page', () => {
    const all = (without: readonly Feature[]): Guest =>
      new Guest('rfc-local', { without })
        .read(0n)
        .read(GIB)
        .read(2n * GIB)
        .read(3n * GIB);

    it('is the index modulo 4', () => {
      const guest = all([]);
      assert.deepEqual(
        guest.directories().map((page) => roleField(guest.pages.role(guest.state, page!), 'quadrant')),
        [0, 1, 2, 3],
      );
      assert.deepEqual(
        [0n, 1n, 2n, 3n].map((gib) => guest.frameAt(gib * GIB)),
        [DATA, DATA + 1, DATA + 2, DATA + 3],
      );
      assert.deepEqual(guest.violations(), []);
    });

    it('by parity, the rule for page tables, four directories collapse into two: the 2 GiB read last alias the other two', () => {
      const guest = all(['local-quadrant-mod-4']);
      const [zero, one, two, three] = guest.directories();
      assert.deepEqual([two, three], [zero, one]);
      assert.deepEqual(
        [0n, 1n, 2n, 3n].map((gib) => guest.frameAt(gib * GIB)),
        [DATA + 2, DATA + 3, DATA + 2, DATA + 3],
      );
      assert.ok(guest.violations().includes(24), guest.violations().join());
    });
  });

  it('a local page write-protects nothing: its gfn 0 is no guest table', () => {
    const guest = new Guest('rfc-local');
    guest.put(TABLE, 2, 0);
    assert.equal(guest.machine.access(guest.cpu, 0x2000n, { write: true, value: { bytes: 4, word: 1n } }), 'done');
    assert.deepEqual([guest.mmu.isTracked(0 as Gfn), guest.frameAt(0x2000n)], [false, 0]);
  });

  it('at the end of the VM nothing is left', () => {
    for (const paging of [{}, { mode: 'npt-32', rootLevels: 5 }, { mode: 'off' }] as const) {
      const guest = new Guest('rfc-local', { paging }).read(0n);
      guest.machine.end();
      assert.deepEqual([guest.mmu.usedPages(), guest.mmu.localPages.size, guest.cpu.vcpu.roots()], [0, 0, []]);
    }
  });
});
