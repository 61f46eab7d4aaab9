import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { EntryState, Trust, entryTag } from '../../src/engine/entry.js';
import { eraNamed } from '../../src/engine/eras.js';
import type { EventIndex, Gfn, PageId, SpteIndex } from '../../src/engine/ids.js';
import { InvariantWatch, checkAll, snapshotOf, type Violation } from '../../src/engine/invariants/index.js';
import { Journal } from '../../src/engine/journal.js';
import { Mmu } from '../../src/engine/mmu.js';
import { ShadowPages } from '../../src/engine/pages.js';
import { ACC_ALL, makeRole, type RoleFields } from '../../src/engine/role.js';
import { State, WritableState } from '../../src/engine/state.js';
import { Vcpu } from '../../src/engine/vcpu.js';

const WRITABLE = 0x3000_0e67n;
const READ_ONLY = 0x3000_0a25n;

/** An engine that is written to by hand, event by event, and what the watch says after each. */
class Engine {
  readonly state = new WritableState(new Journal());
  readonly pages = new ShadowPages(this.state.journal);
  readonly mmus = [new Mmu(0, this.state, this.pages, eraNamed('6.12.107')!)];
  readonly mmu = this.mmus[0]!;
  readonly vcpus = [new Vcpu(this.mmu, 0)];
  readonly found: (Violation & { event: number })[] = [];
  readonly watch = new InvariantWatch(
    this,
    () => ({}),
    (_vm, violation) => this.found.push({ ...violation, event: this.state.now }),
  );

  constructor() {
    this.state.now = 0 as EventIndex;
  }

  /** One event: what it does, and the numbers of what it violates. */
  event(change: () => void): number[] {
    this.state.now = (this.state.now + 1) as EventIndex;
    change();
    this.watch.step();
    return this.found.filter(({ event }) => event === this.state.now).map(({ number }) => number);
  }

  page(fields: Partial<RoleFields>, gfn: number): PageId {
    const role = makeRole({ has4ByteGpte: 1, access: ACC_ALL, efer_nx: 1, cr0_wp: 1, ...fields });
    return this.mmu.create({ gfn: gfn as Gfn, role, generation: 0, before: false });
  }

  leaf(page: PageId, index: number, spte: bigint, gfn: number): void {
    this.mmu.setLeaf(page, index as SpteIndex, spte, gfn as Gfn);
  }

  link(page: PageId, index: number, child: PageId): void {
    this.mmu.link(page, index as SpteIndex, child, Trust.derived);
  }
}

/** A page directory with both halves of one page table. */
function engine() {
  const it = new Engine();
  let [pd, even, odd] = [0, 0, 0] as PageId[] as [PageId, PageId, PageId];
  const found = it.event(() => {
    pd = it.page({ level: 2 }, 0x100);
    even = it.page({ level: 1 }, 5);
    odd = it.page({ level: 1, quadrant: 1 }, 5);
    it.link(pd, 0, even);
    it.link(pd, 1, odd);
    it.leaf(even, 3, WRITABLE, 0x10);
  });
  assert.deepEqual(found, []);
  return { it, pd, even, odd };
}

describe('invariants along a run', () => {
  it('are found at the event that breaks them, and told once', () => {
    const { it: engine_, even } = engine();
    assert.deepEqual(
      engine_.event(() => engine_.leaf(even, 4, READ_ONLY, 5)),
      [],
    );
    assert.deepEqual(
      engine_.event(() => engine_.leaf(even, 4, WRITABLE, 5)),
      [34, 35, 35],
    );
    assert.deepEqual(
      engine_.event(() => engine_.leaf(even, 4, WRITABLE, 5)),
      [],
    );
    engine_.watch.checkEverything();
    assert.equal(engine_.found.length, 3);
  });

  it('see that a page was freed under its parent', () => {
    const { it: engine_, odd } = engine();
    assert.deepEqual(
      engine_.event(() => engine_.pages.destroy(engine_.state, odd)),
      [4, 32],
    );
  });

  it('hold the look-up maps against the cells', () => {
    const { it: engine_, even, pd } = engine();
    const behind = (page: PageId, index: number, tag: EntryState, word: bigint): void =>
      engine_.state.setWord(engine_.pages.entryCell(page, index as SpteIndex), word, entryTag(tag, Trust.recorded));
    assert.deepEqual(
      engine_.event(() => behind(even, 7, EntryState.leaf, READ_ONLY)),
      [27],
    );
    assert.deepEqual(
      engine_.event(() =>
        engine_.state.setNumber(engine_.pages.entryCell(pd, 6 as SpteIndex), even, entryTag(EntryState.link, Trust.derived)),
      ),
      [29],
    );
    engine_.event(() => behind(even, 3, EntryState.empty, 0n));
    engine_.watch.checkEverything();
    assert.ok(
      engine_.found.some(({ number, message }) => number === 27 && /pointer to SPTE 003/.test(message)),
      'the rmap keeps a pointer to an entry that was emptied behind its back',
    );
  });

  it('leave out what is assumed, and count it', () => {
    const { it: engine_, odd, pd } = engine();
    const before = engine_.watch.report(0).tally(23).unknown;
    assert.deepEqual(
      engine_.event(() => engine_.mmu.link(pd, 2 as SpteIndex, odd, Trust.assumed)),
      [],
    );
    assert.equal(engine_.watch.report(0).tally(23).unknown, before + 1);
    assert.deepEqual(
      engine_.event(() => engine_.mmu.link(pd, 2 as SpteIndex, odd, Trust.derived)),
      [23],
    );
  });

  it('root counts and root slots agree', () => {
    const { it: engine_, pd } = engine();
    const vcpu = engine_.vcpus[0]!;
    assert.deepEqual(
      engine_.event(() => {
        vcpu.beginLoad(true);
        vcpu.setRoot(0, pd, 1, Trust.recorded);
      }),
      [],
    );
    assert.deepEqual(
      engine_.event(() => engine_.pages.setRootCount(engine_.state, pd, 2)),
      [31],
    );
  });

  it('a snapshot can be taken of the past', () => {
    const { it: engine_, even } = engine();
    const good = engine_.state.now;
    engine_.event(() => engine_.leaf(even, 4, WRITABLE, 5));
    const past = new State(engine_.state.journal);
    past.seek(good);
    assert.deepEqual(checkAll(snapshotOf(engine_.mmu, engine_.vcpus, past)).violations, []);
    past.seek(engine_.state.now);
    const numbers = checkAll(snapshotOf(engine_.mmu, engine_.vcpus, past)).violations.map(({ number }) => number);
    assert.deepEqual([...new Set(numbers)].sort(), [34, 35]);
  });
});
