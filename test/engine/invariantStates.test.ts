import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Gfn, SpteIndex } from '../../src/engine/ids.js';
import { eraNamed, withoutFeatures } from '../../src/engine/eras.js';
import type { Feature } from '../../src/engine/features.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import type { Snapshot } from '../../src/engine/invariants/snapshot.js';
import { PRINTED_MASK, withRole } from '../../src/engine/role.js';
import { GUEST, frame, guest, localGuest, longGuest, violated, type Draft, type Guest } from './invariantState.js';

const numbersOf = (snapshot: Snapshot): number[] =>
  [...checkAll(snapshot).tallies].filter(([, tally]) => tally.violated > 0).map(([number]) => number);

/** A current kernel without a feature. */
const without = (feature: Feature): ReadonlySet<Feature> => withoutFeatures(eraNamed('6.12.107')!, [feature]).features;

/** The states that a wrong engine gets into (the mutation list of spec/invariants.md). */
describe('what a mutated engine leaves behind is found', () => {
  const after = (change: (state: Guest) => void): Draft => {
    const state = guest();
    change(state);
    return state.draft.settle();
  };

  it('quadrant dropped from the key: the four page directories of a root collapse into one', () => {
    const draft = after(({ draft: { vcpus }, pd }) => {
      for (const page of pd.slice(1)) page.freed = true;
      vcpus[0]!.roots = pd.map(() => pd[0].id);
    });
    assert.deepEqual(violated(draft), [24]);
  });

  it('quadrant dropped from the key: both halves of a page table are one page', () => {
    const draft = after(({ draft, pd, pt }) => {
      pt[1].freed = true;
      draft.link(pd[0], 1, pt[0]);
      // The half that faulted last decides what the entry maps.
      draft.leaf(pt[0], 0, 0x20);
    });
    assert.deepEqual(violated(draft), [9, 23, 25]);
  });

  it('quadrant dropped from the word, but not from what is looked up: one key for many pages', () => {
    const draft = after(({ draft: { pages } }) => {
      for (const page of pages) page.role = withRole(page.role, { quadrant: 0 });
    });
    assert.deepEqual(
      [1, 23, 24, 25].filter((number) => !violated(draft).includes(number)),
      [],
    );
  });

  it('no quadrant filter, with update: the same index of the other half gets the written frame', () => {
    const draft = after(({ draft, pt }) => {
      draft.gpte(5, 130, 4, frame(0x33) | GUEST);
      draft.gpte(5, 642, 4, frame(0x77) | GUEST);
      draft.leaf(pt[0], 130, 0x77);
      draft.leaf(pt[1], 130, 0x77);
    });
    assert.deepEqual(violated(draft), [9]);
    assert.deepEqual(draft.report().violations[0]!.place, { page: 5, index: 130, gfn: 0x77 });
  });

  it('quadrant filter on the wrong side: the entry that was written stays', () => {
    const draft = after(({ draft, pt }) => {
      draft.leaf(pt[1], 130, 0x33);
      draft.gpte(5, 642, 4, frame(0x77) | GUEST);
    });
    assert.deepEqual(violated(draft), [9]);
  });

  it('a direct child reused for another gfn: its leaves are added under one key and removed under another', () => {
    const draft = after(({ draft, half }) => {
      draft.gpte(0x100, 2, 4, frame(0x800) | GUEST | 0x80n);
      draft.leaf(half[0], 3, 0x803);
    });
    assert.deepEqual(violated(draft), [15, 28]);
  });

  it('a direct child reused where a table is wanted: leaves of the table get into it', () => {
    const draft = after(({ draft, half }) => {
      draft.gpte(0x100, 2, 4, frame(0x400) | GUEST);
      draft.gpte(0x400, 7, 4, frame(0x11) | GUEST);
      draft.leaf(half[0], 7, 0x11);
    });
    assert.deepEqual(violated(draft), [15, 16, 28]);
  });

  it('a leaf made writable without unsync', () => {
    const draft = after(({ draft, pt }) => {
      draft.gpte(5, 9, 4, frame(5) | GUEST);
      draft.leaf(pt[0], 9, 5, { writable: true });
    });
    assert.deepEqual(violated(draft), [34, 35]);
  });

  it('a link to an unsync page without mark_unsync', () => {
    const { draft, pd, unsync } = guest();
    draft.gpte(0x100, 3, 4, frame(6) | GUEST);
    draft.link(pd[0], 6, unsync);
    draft.settle();
    pd[0].unsyncBitmap.delete(6 as SpteIndex);
    pd[0].unsyncChildren!--;
    assert.deepEqual(violated(draft), [42]);
  });

  it('a zap that left the links to its page', () => {
    assert.deepEqual(violated(after(({ unsync }) => (unsync.freed = true))), [32]);
  });

  it('new pages put at the tail: the fast zap stops at them, and obsolete pages are never freed', () => {
    const { draft } = guest();
    draft.generation = 1;
    draft.vcpus[0]!.reloadPending = true;
    draft.page({ has4ByteGpte: 1, level: 1 }, 5, { generation: 1 });
    draft.settle();
    draft.activeList.push(draft.activeList.shift()!);
    assert.deepEqual(violated(draft), [5, 45]);
  });
});

describe('what is not known is not judged', () => {
  const broken = (): Draft => {
    const state = guest();
    state.unsync.unsync = false;
    state.pd[0].writeFloodingCount = 3;
    state.draft.leaf(state.half[0], 3, 0x803);
    state.draft.gpte(5, 0, 4, frame(0x11) | GUEST);
    state.draft.settle();
    state.draft.counters.used = 1;
    state.draft.rmaps!.length = 1;
    return state.draft;
  };
  const all = [8, 9, 15, 27, 28, 34, 35, 50];

  it('every part that is missing only takes violations away', () => {
    assert.deepEqual(
      violated(broken()).filter((number) => number !== 13),
      all,
    );
    const parts = ['rmaps', 'activeList', 'counters', 'tracking', 'guest', 'host', 'slots', 'recent', 'generation'] as const;
    for (const part of parts) {
      const snapshot = { ...broken().build(), [part]: undefined };
      assert.deepEqual(
        numbersOf(snapshot).filter((number) => !all.includes(number)),
        [],
        part,
      );
    }
  });

  it('without any of them most invariants answer that they cannot be checked', () => {
    const { format, features, pages, vcpus } = broken().build();
    const report = checkAll({ format, features, pages, vcpus, complete: false });
    for (const number of [5, 8, 9, 10, 13, 16, 19, 27, 31, 33, 38, 39, 43, 44, 51, 52, 53]) {
      assert.ok(report.tally(number).unknown > 0, `I-${number}`);
      assert.equal(report.tally(number).violated, 0, `I-${number}`);
    }
  });

  it('an entry that may have changed, and a page that may be another, are left out', () => {
    const state = guest();
    const entry = state.draft.leaf(state.pt[1], 9, 5, { writable: true });
    state.draft.settle();
    assert.deepEqual(violated(state.draft), [34, 35]);
    entry.certain = false;
    assert.deepEqual(violated(state.draft), []);
    entry.certain = true;
    state.pt[1].certain = false;
    assert.deepEqual(violated(state.draft), []);
  });

  it('two pages that only look alike in text may differ in bits that text does not print', () => {
    const state = guest();
    state.draft.page({ has4ByteGpte: 1, level: 1 }, 5);
    state.draft.settle();
    assert.deepEqual(violated(state.draft), [1]);
    state.draft.roleMask = PRINTED_MASK;
    assert.deepEqual(violated(state.draft), []);
  });
});

describe('eras have their exceptions', () => {
  it('before 5.17 the halves of a 4 MiB page are "8-byte" and have a quadrant', () => {
    const state = guest();
    for (const page of state.half) page.role = withRole(page.role, { has4ByteGpte: 0 });
    state.draft.settle();
    assert.deepEqual(violated(state.draft), [14, 22]);
    state.draft.features = eraNamed('5.15')!.features;
    assert.deepEqual(violated(state.draft), []);
  });

  it('the oldest rmaps hold writable leaves only', () => {
    const { draft } = guest();
    draft.features = without('rmap-of-all-leaves');
    assert.deepEqual(violated(draft), [27], 'the read-only leaves are in the rmaps of a current kernel');
    assert.deepEqual(violated(draft.settle()), []);
  });

  it('without generations no page is obsolete', () => {
    const { draft } = guest();
    for (const page of draft.pages) page.generation = 7;
    assert.ok(violated(draft).includes(45));
    draft.features = without('generations');
    assert.deepEqual(violated(draft), []);
  });

  it('write floods were counted per vCPU', () => {
    const { draft } = guest();
    draft.features = without('flood-per-page');
    draft.vcpus[0]!.lastWrite = { gfn: 5 as Gfn, count: 1 };
    assert.deepEqual(violated(draft), []);
    draft.vcpus[0]!.lastWrite = { gfn: 5 as Gfn, count: 0 };
    assert.deepEqual(violated(draft), [50]);
  });

  it('local pages: a page directory in the slot that the parity of its index says is in the wrong one', () => {
    const state = localGuest();
    assert.deepEqual(violated(state.draft), []);
    state.draft.link(state.root, 2, state.pd[0]);
    state.draft.link(state.root, 3, state.pd[1]);
    assert.deepEqual(violated(state.draft.settle()), [24]);
  });

  it('local pages: entries beyond the fourth and other children than the next level are found', () => {
    const state = localGuest();
    state.draft.link(state.root, 4, state.pd[0]);
    assert.deepEqual(violated(state.draft.settle()), [24, 48]);
    const { draft, pages } = longGuest();
    pages[0]!.local = true;
    assert.ok(violated(draft.settle()).includes(48), 'gfn 100');
  });
});
