import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Output, type Announcement } from '../../src/engine/announcement.js';
import { eraFor, withoutFeatures } from '../../src/engine/eras.js';
import { NO_PAGE, type Gfn, type PageId } from '../../src/engine/ids.js';
import { encodeRole, LAYOUT_5_17 } from '../../src/engine/roleLayout.js';
import { Machine } from '../../src/scenario/machine.js';

const P = 0x67n;
const CR3 = 0x1;
const PT = 0x5;

/** A 2-level guest: one page table at gfn 5 for the first 4 MiB and, again, for the 4 MiB at 1 and 2 and 3 GiB. */
function guest(era: string, without: readonly 'local-quadrant-mod-4'[] = []) {
  const machine = new Machine({ era: withoutFeatures(eraFor(era), without), maxPages: 64 });
  machine.addSlot(0 as Gfn, 0x100);
  for (const gib of [0, 1, 2, 3]) machine.writeUnseen(CR3 * 4096 + gib * 256 * 4, 4, (BigInt(PT + gib) << 12n) | P);
  for (const gib of [0, 1, 2, 3]) machine.writeUnseen((PT + gib) * 4096, 4, (BigInt(0x10 + gib) << 12n) | P);
  const events: Announcement[] = [];
  machine.onEvent = (announced) => events.push(announced);
  const cpu = machine.addCpu({ mode: '32', cr3: CR3 as Gfn, wp: true });
  const taken = (): string[] =>
    events
      .splice(0)
      .filter((event) => event.output === Output.getPage)
      .map((event) => ('fields' in event ? `0x${encodeRole(LAYOUT_5_17, event.fields.role!).toString(16)}` : ''));
  const root = (): PageId => cpu.vcpu.roots()[0] ?? NO_PAGE;
  return { machine, cpu, taken, root, mmu: machine.mmu, pages: machine.pages, state: machine.state };
}

describe('local pages (seed 001)', () => {
  it('a load makes no page that anyone else sees; the first fault links a page directory', () => {
    const { machine, cpu, taken, root, mmu, pages, state } = guest('rfc-local');
    assert.deepEqual(taken(), []);
    assert.ok(pages.isLocal(root()));
    assert.equal(mmu.usedPages(), 0);
    machine.access(cpu, 0n, {});
    assert.deepEqual(taken(), ['0x3712', '0x3711']);
    const [directory] = mmu.livePages(CR3 as Gfn);
    assert.deepEqual([...mmu.parents(directory!)], [{ page: root(), index: 0 }]);
    assert.equal(pages.rootCount(state, directory!), 0);
    machine.access(cpu, 3n << 30n, {});
    assert.deepEqual(taken(), ['0x3772', '0x3711']);
    assert.equal(mmu.usedPages(), 4);
    machine.end();
    assert.equal(mmu.usedPages() + mmu.localPages.size, 0);
  });
});
