import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { eraNamed, withoutFeatures } from '../../src/engine/eras.js';
import { INVARIANTS } from '../../src/engine/invariants/check.js';
import type { Gfn, SpteIndex } from '../../src/engine/ids.js';
import { withRole } from '../../src/engine/role.js';
import { Draft, frame, guest, localGuest, longGuest, violated, zapped, GUEST, type Guest } from './invariantState.js';

interface Case {
  readonly what: string;
  /** a state in which the invariant was looked at and holds */
  readonly holds: () => Draft;
  /** a state that violates it, and perhaps others that say the same in other words */
  readonly breaks: () => Draft;
  readonly also?: readonly number[];
}

/** The 2-level guest, changed. */
const changed =
  (change: (state: Guest) => void, settle = false) =>
  (): Draft => {
    const state = guest();
    change(state);
    return settle ? state.draft.settle() : state.draft;
  };
const settled = (change: (state: Guest) => void): (() => Draft) => changed(change, true);
const healthy = (): Draft => guest().draft;

/** The 2-level guest while the root of CR3 100 was zapped in use: its page directories wait for the vCPU to let go. */
const zappedRoots = (change: (state: Guest) => void = () => undefined): Draft => {
  const state = guest();
  for (const page of state.pd) {
    page.entries = [];
    zapped(page);
  }
  state.draft.settle();
  state.draft.vcpus[0]!.reloadPending = true;
  change(state);
  return state.draft;
};

/** The fast zap has toggled the generation; what there is, is obsolete, and a new page is at the head of the list. */
const fastZap = (change: (state: Guest) => void = () => undefined): Draft => {
  const state = guest();
  state.draft.generation = 1;
  state.draft.recent.zapAllFastUnfinished = true;
  state.draft.vcpus[0]!.reloadPending = true;
  state.draft.page({ has4ByteGpte: 1, level: 1 }, 5, { generation: 1 });
  change(state);
  return state.draft.settle();
};

/** A 5-level shadow of a nested guest's 4-level table. */
const passthrough = (change: (draft: Draft) => void = () => undefined): Draft => {
  const draft = new Draft();
  const top = draft.page({ level: 5, guest_mode: 1, passthrough: 1 }, 0x100);
  const below = draft.page({ level: 4, guest_mode: 1 }, 0x100);
  draft.link(top, 0, below);
  draft.vcpu([top]);
  draft.settle();
  change(draft);
  return draft;
};

/** Before 3.1: MMIO leaves nothing behind. */
const decoupled = (change: (state: Guest) => void): (() => Draft) =>
  changed((state) => {
    state.draft.features = withoutFeatures(eraNamed('6.12.107')!, ['mmio-sptes']).features;
    state.pt[0].entries = state.pt[0].entries.filter(({ kind }) => kind !== 'mmio');
    change(state);
  });

/** Sixteen leaves of one frame: an rmap of two descriptors. */
const crowded = (change: (rmap: NonNullable<Draft['rmaps']>[number]) => void = () => undefined): Draft => {
  const state = guest();
  for (let i = 0; i < 16; i++) state.draft.leaf(state.pt[1], 8 + i, 0x33);
  state.draft.settle();
  change(state.draft.rmaps!.find(({ gfn }) => gfn === 0x33)!);
  return state.draft;
};

const newPage = { has4ByteGpte: 1, level: 1 } as const;

const CASES: Readonly<Record<number, Case>> = {
  1: {
    what: 'two valid pages of one gfn and role',
    holds: healthy,
    breaks: settled(({ draft }) => draft.page(newPage, 5)),
  },
  2: {
    what: 'two obsolete pages of one gfn and role',
    holds: fastZap,
    breaks: () => fastZap(({ draft }) => draft.page(newPage, 5)),
    also: [5], // a page of the old generation made after one of the new
  },
  3: { what: 'a page in another bucket', holds: healthy, breaks: changed(({ pt }) => (pt[0].bucket = 7)) },
  4: { what: 'a page that is on no list', holds: healthy, breaks: changed(({ pt }) => (pt[0].list = 'none')) },
  5: {
    what: 'an obsolete page nearer the head than a current one',
    holds: fastZap,
    breaks: () => {
      const draft = fastZap();
      draft.activeList.push(draft.activeList.shift()!);
      return draft;
    },
  },
  6: {
    what: 'a zapped page that nobody uses and nobody freed',
    holds: zappedRoots,
    breaks: () => {
      const draft = zappedRoots(({ draft: { vcpus } }) => (vcpus.length = 0)).settle();
      for (const page of draft.pages) if (page.gfn === 0x100) page.list = 'zapped';
      draft.counters.used! -= 4;
      return draft;
    },
  },
  7: {
    what: 'a zapped root with an entry left',
    holds: zappedRoots,
    breaks: () =>
      zappedRoots(({ draft, pd, pt }) => (draft.link(pd[0], 0, pt[0]), pt[0].parents.push({ page: pd[0].id, index: 0 as SpteIndex }))),
  },
  8: { what: 'one page too many counted', holds: healthy, breaks: changed(({ draft }) => draft.counters.used!++) },
  9: {
    what: 'a guest entry that names another frame',
    holds: healthy,
    breaks: changed(({ draft }) => draft.gpte(5, 512, 4, frame(0x21) | GUEST)),
  },
  10: {
    what: 'a leaf to another host frame',
    holds: healthy,
    breaks: settled(({ draft, pt }) => draft.leaf(pt[1], 0, 0x20, { spte: 0x30_0021_225n | 0x800n })),
  },
  11: {
    what: 'a user right that the table above withholds',
    holds: healthy,
    breaks: settled(({ draft, pd }) => {
      const page = draft.page({ ...newPage, access: 0b1011 }, 8);
      draft.link(pd[1], 0, page);
      draft.gpte(0x100, 256, 4, frame(8) | GUEST);
      draft.gpte(8, 0, 4, frame(0x11) | GUEST);
      draft.leaf(page, 0, 0x11);
    }),
  },
  12: {
    what: 'W without MMU-writable',
    holds: healthy,
    breaks: settled(({ pt }) => (pt[0].entries[0]!.spte! &= ~0x400n)),
  },
  13: {
    what: 'a writable leaf whose guest entry is clean',
    holds: healthy,
    breaks: changed(({ draft }) => draft.gpte(5, 0, 4, frame(0x10) | 0x27n)),
  },
  14: {
    what: 'a child that another CR0.WP made',
    holds: healthy,
    breaks: settled(({ pt }) => (pt[0].role = withRole(pt[0].role, { cr0_wp: 0 }))),
  },
  15: {
    what: 'a direct page whose entry maps another frame than its place says',
    holds: healthy,
    breaks: settled(({ half }) => ((half[1].gfn = 0x610 as Gfn), (half[1].entries = []))),
    also: [25],
  },
  16: {
    what: 'a page table where the guest has a large page',
    holds: healthy,
    breaks: changed(({ draft }) => draft.gpte(0x100, 0, 4, frame(0) | GUEST | 0x80n)),
  },
  17: {
    what: 'the page size bit at level 1',
    holds: healthy,
    breaks: settled(({ pt }) => (pt[1].entries[0]!.spte! |= 0x80n)),
  },
  18: {
    what: 'an address beyond MAXPHYADDR',
    holds: healthy,
    breaks: settled(({ pt }) => (pt[1].entries[0]!.spte! |= 1n << 58n)),
  },
  19: {
    what: 'MMIO for a frame that a memslot backs',
    holds: healthy,
    breaks: changed(({ draft }) => draft.visible.add(0xfee00 as Gfn)),
  },
  20: {
    what: 'a page made for MMIO',
    holds: decoupled(() => undefined),
    breaks: decoupled(({ pt }) => (pt[0].madeFor = 'mmio')),
  },
  21: {
    what: 'quadrant 2 at level 1',
    holds: healthy,
    breaks: settled(({ draft }) => draft.page({ ...newPage, quadrant: 2 }, 9)),
  },
  22: {
    what: 'a quadrant in an 8-byte guest',
    holds: () => longGuest().draft,
    breaks: () => {
      const { draft, pages } = longGuest();
      pages[3]!.role = withRole(pages[3]!.role, { quadrant: 1 });
      return draft.settle();
    },
  },
  23: {
    what: 'an odd SPTE that leads to the even half',
    holds: healthy,
    breaks: settled(({ draft, pd, pt }) => {
      pd[0].entries = pd[0].entries.filter(({ index }) => index > 1);
      draft.link(pd[0], 1, pt[0]);
    }),
  },
  24: {
    what: 'slots 1 and 2 of the root exchanged',
    holds: healthy,
    breaks: settled(({ draft, pd }) => (draft.vcpus[0]!.roots = [0, 2, 1, 3].map((i) => pd[i]!.id))),
  },
  25: {
    what: 'two neighbours that lead to halves of different tables',
    holds: healthy,
    breaks: settled(({ draft, pd }) => draft.link(pd[0], 1, draft.page({ ...newPage, quadrant: 1 }, 9))),
  },
  26: {
    what: 'half of a 4 MiB page with the quadrant of the other',
    holds: healthy,
    breaks: settled(({ half, pd }) => {
      pd[0].entries = pd[0].entries.filter(({ index }) => index < 4);
      half[0].role = withRole(half[0].role, { quadrant: 1 });
    }),
  },
  27: {
    what: 'a leaf that its rmap does not have',
    holds: healthy,
    breaks: changed(({ draft }) => (draft.rmaps = draft.rmaps!.filter(({ gfn }) => gfn !== 0x20))),
  },
  28: {
    what: 'a leaf added under one gfn and removed under another',
    holds: healthy,
    breaks: changed(({ pt }) => (pt[1].entries[0]!.rmapKey = 0x21 as Gfn)),
  },
  29: {
    what: 'a parent pointer to an entry that leads elsewhere',
    holds: healthy,
    breaks: changed(
      ({ pt, pd }) => (
        (pt[0].parents = [...pt[0].parents, { page: pd[1].id, index: 7 as SpteIndex }]),
        (pt[0].parentsShape = [pt[0].parents])
      ),
    ),
  },
  30: {
    what: 'a descriptor with a hole',
    holds: crowded,
    breaks: () =>
      crowded((rmap) => {
        const [first, second] = rmap.shape as [null[], null[]];
        rmap.shape = [first, [null, ...second.slice(0, 13)]];
      }),
  },
  31: { what: 'a root slot that nobody counted', holds: healthy, breaks: changed(({ pd }) => (pd[3].rootCount = 0)) },
  32: {
    what: 'a link to a page that was freed',
    holds: healthy,
    breaks: changed(({ draft, pt }) => {
      pt[1].entries = [];
      pt[1].freed = true;
      draft.settle();
    }),
  },
  33: {
    what: 'a writable leaf of a page directory',
    holds: healthy,
    breaks: settled(({ draft, pt }) => {
      draft.gpte(5, 8, 4, frame(0x100) | GUEST);
      draft.leaf(pt[0], 8, 0x100, { writable: true });
    }),
  },
  34: {
    what: 'a writable leaf of a sync page table',
    holds: healthy,
    breaks: settled(({ unsync }) => (unsync.unsync = false)),
    also: [35],
  },
  35: {
    what: 'a writable leaf whose gfn has one page unsync and one sync',
    holds: healthy,
    breaks: settled(({ draft }) => draft.page({ ...newPage, quadrant: 1 }, 6)),
    also: [34],
  },
  36: {
    what: 'an unsync page directory',
    holds: healthy,
    breaks: changed(({ draft, pd }) => {
      pd[3].unsync = true;
      draft.counters.unsync!++;
    }),
    also: [37],
  },
  37: {
    what: 'an unsync page table that is a page directory too',
    holds: healthy,
    breaks: settled(({ draft, unsync }) => {
      unsync.entries = [];
      draft.page({ ...newPage, level: 2 }, 6);
    }),
  },
  38: {
    what: 'indirect_shadow_pages at 0',
    holds: healthy,
    breaks: changed(({ draft }) => (draft.counters.indirectShadowPages = 0)),
  },
  39: {
    what: 'a large leaf around a shadowed table',
    holds: healthy,
    breaks: settled(({ draft, pd }) => {
      draft.gpte(0x100, 257, 4, frame(0) | GUEST | 0x80n);
      draft.leaf(pd[1], 2, 0).fresh = true;
    }),
  },
  40: {
    what: 'a passthrough page that leads to another gfn',
    holds: passthrough,
    breaks: () => passthrough((draft) => ((draft.pages[1]!.gfn = 0x101 as Gfn), draft.settle())),
  },
  41: { what: 'a count of 2 for one bit', holds: healthy, breaks: changed(({ pd }) => (pd[0].unsyncChildren = 2)) },
  42: {
    what: 'a link to an unsync page that no bit marks',
    holds: healthy,
    breaks: changed(({ pd }) => {
      pd[0].unsyncBitmap.clear();
      pd[0].unsyncChildren = 0;
    }),
  },
  43: { what: 'a statistic that missed an unsync', holds: healthy, breaks: changed(({ draft }) => (draft.counters.unsync = 0)) },
  44: {
    what: 'an unsync page below a synced root',
    holds: changed(({ draft, pd }) => (draft.recent.synced = [pd[1].id])),
    breaks: changed(({ draft, pd }) => (draft.recent.synced = [pd[0].id])),
  },
  45: {
    what: 'an obsolete page that the fast zap left',
    holds: fastZap,
    breaks: () => {
      const draft = fastZap();
      draft.recent.zapAllFastUnfinished = false;
      return draft;
    },
  },
  46: {
    what: 'a vCPU in the guest on a zapped root, without a request',
    holds: zappedRoots,
    breaks: () => zappedRoots(({ draft }) => (draft.vcpus[0]!.reloadPending = false)),
  },
  47: {
    what: 'a cached root beside a PDPT',
    holds: healthy,
    breaks: settled(({ draft }) => draft.vcpus[0]!.previous.push(draft.page({ level: 4 }, 0x200).id)),
  },
  48: {
    what: 'a local page in the hash',
    holds: () => localGuest().draft,
    breaks: () => {
      const { draft, root } = localGuest();
      root.bucket = 0;
      return draft;
    },
    also: [4],
  },
  49: {
    what: 'a local page of the old generation with entries',
    holds: () => {
      const { draft, root } = localGuest();
      root.generation = 1;
      root.entries = [];
      draft.vcpus[0]!.reloadPending = true;
      return draft.settle();
    },
    breaks: () => {
      const { draft, root } = localGuest();
      root.generation = 1;
      draft.vcpus[0]!.reloadPending = true;
      return draft;
    },
  },
  50: { what: 'three writes that did not zap', holds: healthy, breaks: changed(({ pd }) => (pd[0].writeFloodingCount = 3)) },
  51: {
    what: 'a fault that comes again',
    holds: changed(({ draft }) => (draft.recent.faults = [1, 2].map((world) => fault('fixed', world)))),
    breaks: changed(({ draft }) => (draft.recent.faults = [fault('fixed', 1), fault('fixed', 1)])),
  },
  52: {
    what: 'a stale entry of an unsync page after INVLPG',
    holds: changed(({ draft }) => (draft.recent.flushed = [{ vcpu: 0, first: 0x400, last: 0x403 }])),
    breaks: changed(({ draft }) => {
      draft.gpte(6, 3, 4, 0n);
      draft.recent.flushed = [{ vcpu: 0, first: 0x403, last: 0x403 }];
    }),
  },
  53: {
    what: 'a root that was recycled',
    holds: changed(({ draft, pt }) => (draft.recent.recycled = [{ page: pt[0].id, rootCount: 0 }])),
    breaks: changed(({ draft, pd }) => (draft.recent.recycled = [{ page: pd[0].id, rootCount: 1 }])),
  },
};

function fault(result: 'fixed' | 'spurious', world: number) {
  return { vcpu: 0, address: 0x1000n, error: 2, result, world };
}

describe('invariants', () => {
  it('are the 53 of the specification', () => {
    assert.deepEqual(
      INVARIANTS.map(({ number }) => number),
      Array.from({ length: 53 }, (_, i) => i + 1),
    );
    assert.equal(Object.keys(CASES).length, 53);
  });

  for (const [key, { what, holds, breaks, also = [] }] of Object.entries(CASES)) {
    const number = Number(key);
    it(`I-${number} holds and is looked at in a healthy state`, () => {
      const draft = holds();
      assert.deepEqual(violated(draft), []);
      assert.ok(draft.report().tally(number).checked > 0);
    });

    it(`I-${number} finds ${what}`, () => {
      const draft = breaks();
      assert.deepEqual(
        violated(draft),
        [number, ...also].sort((a, b) => a - b),
        JSON.stringify(draft.report().violations, null, 1),
      );
      const found = draft.report().violations.find((violation) => violation.number === number)!;
      assert.notEqual(found.expected, found.found);
      assert.match(found.message, /^[^\n]+[^.]$/, 'one sentence');
    });
  }
});
