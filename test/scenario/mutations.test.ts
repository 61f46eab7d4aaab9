import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import fc from 'fast-check';
import { eraFor, withFeatures, withoutFeatures, type Era } from '../../src/engine/eras.js';
import type { WriteRules } from '../../src/engine/guestWrite.js';
import { sptesWritten } from '../../src/engine/guestWrite.js';
import type { Gfn, PageId, Role, SpteIndex } from '../../src/engine/ids.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import { Report } from '../../src/engine/invariants/report.js';
import { ActiveList } from '../../src/engine/activeList.js';
import { Mmu } from '../../src/engine/mmu.js';
import type { ShadowPages } from '../../src/engine/pages.js';
import { roleField, withRole } from '../../src/engine/role.js';
import type { Trust } from '../../src/engine/entry.js';
import type { WritableState } from '../../src/engine/state.js';
import type { MachineOptions } from '../../src/scenario/machine.js';
import { LARGE, newMachine, rootOf, type Mode } from './guest.js';
import { Observer } from '../../src/scenario/observer.js';
import { Counts } from './operations.js';
import { ERA, setUp, start } from './start.js';

const MOST_RUNS = 40;
const MAX_PAGES = 64;
/** present, writable, for the user, accessed, dirty */
const USED = 0x67n;
const LARGE_PAGE = 1n << 7n;

/** The shadow MMU with one method gone wrong. */
function defect(Wrong: new (vm: number, state: WritableState, pages: ShadowPages, era: Era) => Mmu): MachineOptions {
  return { mmu: (state, pages, era) => new Wrong(0, state, pages, era) };
}

class QuadrantDropped extends Mmu {
  override find(of: Gfn, role: Role): PageId {
    const key = (its: Role): Role => withRole(its, { quadrant: 0 });
    const same = this.livePages(of).findLast((id) => !this.isObsolete(id) && key(this.pages.role(this.state, id)) === key(role));
    return same ?? super.find(of, role);
  }
}

class FilterOnWrongSide extends Mmu {
  override sptesWritten(page: PageId, offset: number, bytes: number, rules: WriteRules): SpteIndex[] {
    const role = this.pages.role(this.state, page);
    return sptesWritten(withRole(role, { quadrant: roleField(role, 'quadrant') ^ 1 }), offset, bytes, rules);
  }
}

class ForgetsUnsync extends Mmu {
  override unsync(): void {
    return;
  }
}

/** A page that is linked while it is unsync is not marked on the way from the root. */
class ForgetsMark extends Mmu {
  override link(parent: PageId, index: SpteIndex, child: PageId, trust: Trust): void {
    super.link(parent, index, child, trust);
    if (this.pages.isUnsync(this.state, child)) this.unsyncNow.delete(child);
  }
}

class KeepsParents extends Mmu {
  override zap(id: PageId, rootCount: number): void {
    const parents = [...this.parents(id)];
    super.zap(id, rootCount);
    for (const { page, index } of parents) this.link(page, index, id, 1);
  }
}

/** New pages go to the tail of the active list. */
class NewestFirst extends ActiveList {
  override [Symbol.iterator](): Iterator<PageId> {
    return this.newestFirst();
  }
}
class OutOfOrder extends Mmu {
  override readonly active = new NewestFirst();
}

/** Numbers of the invariants that are violated in the first violated state of random runs, until all those expected are among them. */
function foundIn(options: MachineOptions, modes: readonly Mode[], expected: readonly number[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const begin of fc.sample(start(modes), { numRuns: MOST_RUNS, seed: 7 })) {
    const report = new Report();
    const { observer, driver } = setUp(begin, new Counts(), (snapshot) => checkAll(snapshot, report), options);
    for (const each of begin.operations) {
      driver.do(each);
      checkAll(observer.snapshot(), report);
      if (report.violations.length) break;
    }
    for (const number of numbers(report)) found.add(number);
    if (expected.every((number) => found.has(number))) return found;
  }
  return found;
}

function numbers({ violations }: Report): number[] {
  return [...new Set(violations.map(({ number }) => number))].sort((a, b) => a - b);
}

/** Invariants violated when user space makes a page directory entry another one and the guest goes on without a flush. */
function foundAfter(era: Era, before: bigint, after: bigint, [first, second]: readonly [bigint, bigint]): number[] {
  const machine = newMachine({ era, maxPages: MAX_PAGES });
  const observer = new Observer(machine, MAX_PAGES);
  const pd = rootOf('32', 0) * 4096;
  machine.takePage(LARGE.first);
  machine.writeUnseen(LARGE.first * 4096 + 0x1b * 4, 4, entry(0x19, USED));
  machine.writeUnseen(pd, 4, before);
  const cpu = machine.addCpu({ mode: '32', cr3: rootOf('32', 0), wp: true });
  observer.begin();
  machine.access(cpu, first, {});
  assert.deepEqual(numbers(checkAll(observer.snapshot())), []);
  machine.writeUnseen(pd, 4, after);
  machine.access(cpu, second, { write: true });
  return numbers(checkAll(observer.snapshot()));
}

const entry = (frame: number, flags: bigint): bigint => (BigInt(frame) << 12n) | flags;

/** Worked example B of spec/ptewrite.md: KVM emulates a write to the upper half of a 4-byte page table whose halves are both shadowed. */
function foundAfterWrite(options: MachineOptions): number[] {
  const machine = newMachine({ era: ERA, maxPages: MAX_PAGES, ...options });
  const observer = new Observer(machine, MAX_PAGES);
  const table = 0x13 * 4096;
  machine.writeUnseen(table + 130 * 4, 4, entry(0x19, USED));
  machine.writeUnseen(table + 642 * 4, 4, entry(0x1a, USED));
  const cpu = machine.addCpu({ mode: '32', cr3: rootOf('32', 0), wp: true });
  for (const page of [130n, 642n]) machine.access(cpu, page << 12n, {});
  assert.deepEqual(numbers(checkAll(observer.snapshot())), []);
  machine.emulate(cpu, table + 642 * 4, { bytes: 4, word: entry(0x1b, USED) });
  return numbers(checkAll(observer.snapshot()));
}

describe('a mutated engine', function () {
  this.timeout(120_000);

  const cases: readonly (readonly [name: string, options: MachineOptions, modes: readonly Mode[], expected: readonly number[]])[] = [
    ['drops the quadrant from the key', defect(QuadrantDropped), ['32'], [24]],
    ['forgets unsync when it makes an SPTE writable', defect(ForgetsUnsync), ['32', 'pae', '4-level'], [34, 35]],
    ['forgets to mark the way to an unsync page that it links', defect(ForgetsMark), ['32', 'pae', '4-level'], [42]],
    ['leaves the parents of a zapped page as they are', defect(KeepsParents), ['32', 'pae', '4-level'], [32]],
    ['adds new pages at the wrong end of the active list', defect(OutOfOrder), ['32', '4-level'], [5]],
  ];
  for (const [name, options, modes, expected] of cases) {
    it(`that ${name} is found`, () => {
      const found = foundIn(options, modes, expected);
      assert.deepEqual(
        expected.filter((number) => !found.has(number)),
        [],
        `found: ${[...found].join(', ') || 'nothing'}`,
      );
    });
  }

  it('that puts a written entry into the SPTE of the other half, too, is found', () => {
    assert.deepEqual(foundAfterWrite({ era: withFeatures(ERA, ['update-on-write']) }), []);
    assert.deepEqual(foundAfterWrite({ era: withFeatures(withoutFeatures(ERA, ['quadrant-filter']), ['update-on-write']) }), [9]);
  });

  it('that filters guest writes on the wrong side is found', () => {
    assert.deepEqual(foundAfterWrite({}), []);
    assert.deepEqual(foundAfterWrite(defect(FilterOnWrongSide)), [9]);
  });

  // A large page moves from one half of the slot to the other, or a page directory entry comes to mean a large page at its table's frame.
  const moved = [entry(0, USED | LARGE_PAGE), entry(LARGE.first, USED | LARGE_PAGE), [0x1b000n, 0x2b000n]] as const;
  const grown = [entry(LARGE.first, USED), entry(LARGE.first, USED | LARGE_PAGE), [0x1b000n, 0x2b000n]] as const;

  it('that keeps a linked child of another gfn is found', () => {
    assert.deepEqual(foundAfter(ERA, ...moved), []);
    const found = foundAfter(withoutFeatures(ERA, ['child-gfn-check', 'child-role-check']), ...moved);
    assert.ok(found.includes(28) && found.includes(15), `found: ${found.join(', ')}`);
  });

  it('that keeps a linked child of another role is found', () => {
    assert.deepEqual(foundAfter(ERA, ...grown), []);
    const found = foundAfter(withoutFeatures(ERA, ['child-role-check']), ...grown);
    assert.ok(found.includes(16), `found: ${found.join(', ')}`);
  });
});

/** A frame without memory, which a page table entry names first; then that entry comes to name the page directory. */
const NO_MEMORY = 0x90;

describe('a defect that kernels from 6.0 on have', () => {
  const after = (era: Era): number[] => {
    const machine = newMachine({ era, maxPages: MAX_PAGES });
    const observer = new Observer(machine, MAX_PAGES);
    const directory = rootOf('32', 0);
    const cpu = machine.addCpu({ mode: '32', cr3: directory, wp: true });
    const write = (frame: number): void => machine.writeUnseen(0x13 * 4096, 4, entry(frame, USED));
    write(NO_MEMORY);
    assert.equal(machine.access(cpu, 0n, { write: true }), 'mmio');
    write(directory);
    machine.host.touch(directory);
    // A fault beside it takes the entry along, and its MMIO SPTE lets the page directory be written.
    machine.writeUnseen(0x13 * 4096 + 4, 4, entry(0x19, USED));
    machine.access(cpu, 0x1000n, {});
    return numbers(checkAll(observer.snapshot()));
  };

  it('is an MMIO SPTE that counts as a writable one: a page directory becomes writable', () => {
    assert.deepEqual(after(ERA), []);
    assert.ok(after(eraFor('6.1')).includes(33));
  });
});
