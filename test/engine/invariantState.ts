import { eraNamed } from '../../src/engine/eras.js';
import type { Feature } from '../../src/engine/features.js';
import { hashBucket } from '../../src/engine/hash.js';
import type { Gfn, PageId, Pfn, SpteIndex } from '../../src/engine/ids.js';
import { checkAll } from '../../src/engine/invariants/check.js';
import type { Report } from '../../src/engine/invariants/report.js';
import {
  type Counters,
  type EntrySnapshot,
  type ListShape,
  type PageSnapshot,
  type Place,
  type Recent,
  type RmapSnapshot,
  type Snapshot,
  type VcpuSnapshot,
} from '../../src/engine/invariants/snapshot.js';
import { ACC_ALL, makeRole, roleField, withRole, type RoleFields } from '../../src/engine/role.js';
import { PT64, frameBits, pagesPerEntry } from '../../src/engine/spte.js';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
export type EntryDraft = Mutable<EntrySnapshot>;
export type RmapDraft = Mutable<Omit<RmapSnapshot, 'places'>> & { places: Place[] };
export type PageDraft = Mutable<Omit<PageSnapshot, 'entries' | 'parents' | 'unsyncBitmap'>> & {
  entries: EntryDraft[];
  parents: Place[];
  unsyncBitmap: Set<SpteIndex>;
};
export type VcpuDraft = Mutable<Omit<VcpuSnapshot, 'roots' | 'previous' | 'certain'>> & {
  roots: PageId[];
  previous: (PageId | null)[];
  certain: boolean[];
};

/** SPTE bits of PT64 by letter, for tests. */
const W = 0x602n; // W, host-writable, MMU-writable
const READ_ONLY = 0x200n; // host-writable
const LEAF = 0x825n; // P, U, A, MMU-present
const LINK = 0x827n;
/** Host frames of guest frames, and of shadow pages. */
const hostFrame = (gfn: number): Pfn => (0x30_0000 + gfn) as Pfn;
const pageFrame = (id: PageId): Pfn => (0x8_0000 + id) as Pfn;

/**
 * A shadow MMU drawn by hand: pages, links, leaves and the guest's own entries. What the kernel keeps beside them (hash, lists, rmaps,
 * parent pointers, counters) is made to agree by {@link settle}; a test then breaks what it is about.
 */
export class Draft {
  readonly pages: PageDraft[] = [];
  readonly vcpus: VcpuDraft[] = [];
  readonly gptes = new Map<string, bigint>();
  readonly tracks = new Map<Gfn, number>();
  readonly disallowed = new Map<string, number>();
  readonly visible = new Set<Gfn>();
  rmaps: RmapDraft[] | undefined;
  activeList: PageId[] = [];
  features: ReadonlySet<Feature> = eraNamed('6.12.107')!.features;
  counters: Mutable<Counters> = {};
  recent: Mutable<Recent> = { zapAllFastUnfinished: false };
  generation: number | undefined = 0;
  slotGeneration: number | undefined = 4;
  roleMask: number | undefined;
  complete = true;
  external = 0;

  page(fields: Partial<RoleFields>, gfn: number, rest: Partial<PageDraft> = {}): PageDraft {
    const defaults = { access: ACC_ALL, efer_nx: 1, cr0_wp: 1 };
    const role = makeRole({ ...defaults, ...fields });
    const page: PageDraft = {
      id: (this.pages.length + 1) as PageId,
      gfn: gfn as Gfn,
      role,
      certain: true,
      generation: 0,
      freed: false,
      local: false,
      rootCount: 0,
      unsync: false,
      writeFloodingCount: 0,
      parents: [],
      unsyncBitmap: new Set(),
      entries: [],
      madeFor: 'access',
      ...rest,
    };
    this.pages.push(page);
    return page;
  }

  /** A leaf as KVM makes it: host frame of the gfn, readable by the user, writable on request. */
  leaf(page: PageDraft, index: number, gfn: number, options: { writable?: boolean; spte?: bigint } = {}): EntryDraft {
    const level = roleField(page.role, 'level');
    const large = level > 1 ? 1n << 7n : 0n;
    const spte = options.spte ?? frameBits(hostFrame(gfn)) | LEAF | large | (options.writable ? W : READ_ONLY);
    return this.entry(page, { index: index as SpteIndex, kind: 'leaf', certain: true, spte, gfn: gfn as Gfn, access: ACC_ALL });
  }

  link(page: PageDraft, index: number, child: PageDraft): EntryDraft {
    const spte = frameBits(pageFrame(child.id)) | LINK;
    return this.entry(page, { index: index as SpteIndex, kind: 'link', certain: true, spte, child: child.id });
  }

  mmio(page: PageDraft, index: number, gfn: number, generation = 4): EntryDraft {
    const spte = (1n << 51n) | frameBits(gfn as Pfn) | (BigInt(generation) << 3n) | 7n;
    return this.entry(page, { index: index as SpteIndex, kind: 'mmio', certain: true, spte, gfn: gfn as Gfn, mmioGeneration: generation });
  }

  /** The guest's entry `index` in its table at `table`. */
  gpte(table: number, index: number, bytes: 4 | 8, value: bigint): void {
    this.gptes.set(`${table}:${index * bytes}`, value);
  }

  vcpu(roots: readonly PageDraft[], rest: Partial<VcpuDraft> = {}): VcpuDraft {
    const vcpu: VcpuDraft = {
      id: this.vcpus.length,
      shape: roots.length > 1 ? 'pae' : 'single',
      roots: roots.map(({ id }) => id),
      certain: roots.map(() => true),
      previous: [],
      allCertain: true,
      inGuest: true,
      reloadPending: false,
      ...rest,
    };
    this.vcpus.push(vcpu);
    return vcpu;
  }

  /** Everything that the kernel keeps beside the entries, as it must be for them. */
  settle(): this {
    const alive = this.pages.filter((page) => !page.freed);
    for (const page of this.pages) {
      page.parents = [];
      if (page.freed) Object.assign(page, { bucket: null, list: 'none', unsync: false });
    }
    for (const page of alive) {
      const { direct, invalid } = { direct: roleField(page.role, 'direct'), invalid: roleField(page.role, 'invalid') };
      const shadows = !direct && !roleField(page.role, 'passthrough') && !page.local;
      page.birth = { gfn: page.gfn, role: withRole(page.role, { invalid: 0 }) };
      page.bucket = page.local ? null : hashBucket(page.gfn);
      page.list = page.local || invalid ? 'none' : 'active';
      page.accounted = shadows && !invalid;
      page.hasTranslation = !direct;
      page.rootCount = 0;
    }
    this.settleLinks(alive);
    this.settleRmaps(alive);
    this.settleUnsync(alive);
    this.activeList = alive
      .filter(({ list }) => list === 'active')
      .map(({ id }) => id)
      .reverse();
    const shadows = alive.filter((page) => page.accounted);
    this.counters = {
      used: alive.filter((page) => !page.local).length,
      max: 64,
      indirectShadowPages: shadows.length,
      unsync: alive.filter((page) => page.unsync).length,
    };
    this.tracks.clear();
    this.disallowed.clear();
    for (const { gfn, role } of shadows) {
      if (roleField(role, 'level') > 1) this.tracks.set(gfn, (this.tracks.get(gfn) ?? 0) + 1);
      for (const level of [2, 3]) this.disallowed.set(`${level}:${gfn - (gfn % pagesPerEntry(level))}`, 1);
    }
    return this;
  }

  build(): Snapshot {
    const { gptes, tracks, disallowed, visible, external, slotGeneration, recent, ...rest } = this;
    return {
      ...rest,
      recent,
      format: PT64,
      tracking: {
        track: (_smm, gfn) => tracks.get(gfn) ?? 0,
        external: () => external,
        disallowLpage: (_smm, level, gfn) => disallowed.get(`${level}:${gfn}`) ?? 0,
      },
      guest: { pse: true, gpte: (table, offset) => gptes.get(`${table}:${offset}`) },
      host: { frameOf: hostFrame, physicalBits: 40 },
      slots: { generation: slotGeneration, isVisible: (gfn) => visible.has(gfn) },
    };
  }

  report(): Report {
    return checkAll(this.build());
  }

  private entry(page: PageDraft, entry: EntryDraft): EntryDraft {
    page.entries = [...page.entries.filter(({ index }) => index !== entry.index), entry].sort((a, b) => a.index - b.index);
    return entry;
  }

  private settleLinks(alive: readonly PageDraft[]): void {
    const byId = new Map(alive.map((page) => [page.id, page]));
    for (const page of alive) {
      for (const { child, index } of page.entries) if (child !== undefined) byId.get(child)?.parents.push({ page: page.id, index });
    }
    for (const page of alive) page.parentsShape = shapeOf(page.parents);
    for (const { roots, previous } of this.vcpus) {
      for (const id of [...roots, ...previous]) if (id) byId.get(id)!.rootCount!++;
    }
  }

  private settleRmaps(alive: readonly PageDraft[]): void {
    const rmaps = new Map<string, RmapDraft>();
    for (const page of alive) {
      const [smm, level] = [roleField(page.role, 'smm'), roleField(page.role, 'level')];
      for (const entry of page.entries) {
        if (entry.kind !== 'leaf' || entry.gfn === undefined) continue;
        entry.rmapKey = entry.gfn;
        if (!this.features.has('rmap-of-all-leaves') && !(entry.spte! & 2n)) continue;
        const key = `${smm}:${level}:${entry.gfn}`;
        const rmap = rmaps.get(key) ?? { smm, level, gfn: entry.gfn, places: [] };
        rmap.places.push({ page: page.id, index: entry.index });
        rmaps.set(key, rmap);
      }
    }
    this.rmaps = [...rmaps.values()];
    for (const rmap of this.rmaps) rmap.shape = shapeOf(rmap.places);
  }

  private settleUnsync(alive: readonly PageDraft[]): void {
    for (const page of alive) page.unsyncBitmap = new Set();
    const byId = new Map(alive.map((page) => [page.id, page]));
    const mark = (page: PageDraft): void => {
      for (const { page: parent, index } of page.parents) {
        byId.get(parent)!.unsyncBitmap.add(index);
        mark(byId.get(parent)!);
      }
    };
    for (const page of alive) if (page.unsync) mark(page);
    for (const page of alive) page.unsyncChildren = page.unsyncBitmap.size;
  }
}

/** As the kernel stores so many pointers: one in the head, more in descriptors of 14. */
function shapeOf(places: readonly Place[]): ListShape {
  if (places.length <= 1) return 'single';
  const shape: (Place | null)[][] = [];
  for (let i = 0; i < places.length; i += 14) {
    const slots: (Place | null)[] = places.slice(i, i + 14);
    shape.push([...slots, ...Array.from({ length: 14 - slots.length }, () => null)]);
  }
  return shape;
}

const GUEST = 0x67n; // P W U A D
const frame = (gfn: number): bigint => BigInt(gfn) << 12n;

/** A 2-level guest in which everything holds, and its pages by what they are. */
export interface Guest {
  readonly draft: Draft;
  /** page directories of the four GiB */
  readonly pd: readonly [PageDraft, PageDraft, PageDraft, PageDraft];
  /** both halves of the page table at gfn 5, below PDE 0 */
  readonly pt: readonly [PageDraft, PageDraft];
  /** the page table at gfn 6, below PDE 1, which the guest may write */
  readonly unsync: PageDraft;
  /** both halves of the 4 MiB page at gfn 400, below PDE 2 */
  readonly half: readonly [PageDraft, PageDraft];
}

/**
 * CR3 100; PDE 0 leads to a table at 5 (0: 10, writable; 1: fee00, MMIO; 512: 20, read-only), PDE 1 to one at 6 (3: 6 itself), PDE 2 is
 * a page of 4 MiB at 400.
 */
export function guest(): Guest {
  const draft = new Draft();
  const four = { has4ByteGpte: 1 };
  const directory = (quadrant: number): PageDraft => draft.page({ ...four, level: 2, quadrant }, 0x100);
  const table = (quadrant: number, gfn: number): PageDraft => draft.page({ ...four, level: 1, quadrant }, gfn);
  const pd = [directory(0), directory(1), directory(2), directory(3)] as const;
  const pt = [table(0, 5), table(1, 5)] as const;
  const unsync = table(0, 6);
  unsync.unsync = true;
  const half = [
    draft.page({ ...four, level: 1, direct: 1, quadrant: 0 }, 0x400),
    draft.page({ ...four, level: 1, direct: 1, quadrant: 1 }, 0x600),
  ] as const;
  draft.gpte(0x100, 0, 4, frame(5) | GUEST);
  draft.gpte(0x100, 1, 4, frame(6) | GUEST);
  draft.gpte(0x100, 2, 4, frame(0x400) | GUEST | 0x80n);
  draft.gpte(5, 0, 4, frame(0x10) | GUEST);
  draft.gpte(5, 1, 4, frame(0xfee00) | GUEST);
  draft.gpte(5, 512, 4, frame(0x20) | (GUEST & ~0x40n));
  draft.gpte(6, 3, 4, frame(6) | GUEST);
  draft.link(pd[0], 0, pt[0]);
  draft.link(pd[0], 1, pt[1]);
  draft.link(pd[0], 2, unsync);
  draft.link(pd[0], 4, half[0]);
  draft.link(pd[0], 5, half[1]);
  draft.leaf(pt[0], 0, 0x10, { writable: true });
  draft.mmio(pt[0], 1, 0xfee00);
  draft.leaf(pt[1], 0, 0x20);
  draft.leaf(unsync, 3, 6, { writable: true });
  draft.leaf(half[0], 1, 0x401, { writable: true });
  draft.leaf(half[1], 0, 0x600);
  draft.vcpu(pd);
  draft.settle();
  return { draft, pd, pt, unsync, half };
}

/** A 64-bit guest: root at 100, tables at 101, 102, 103; the last maps 10. */
export function longGuest(): { draft: Draft; pages: PageDraft[] } {
  const draft = new Draft();
  const pages = [4, 3, 2, 1].map((level, i) => draft.page({ level }, 0x100 + i));
  for (let i = 0; i < 3; i++) {
    draft.link(pages[i]!, i, pages[i + 1]!);
    draft.gpte(0x100 + i, i, 8, frame(0x101 + i) | GUEST);
  }
  draft.gpte(0x103, 3, 8, frame(0x10) | GUEST);
  draft.leaf(pages[3]!, 3, 0x10, { writable: true });
  draft.vcpu([pages[0]!]);
  return { draft: draft.settle(), pages };
}

/** The 2-level guest of {@link guest} where its PDPT is a local page (E5). */
export function localGuest(): Guest & { root: PageDraft } {
  const state = guest();
  const { draft, pd } = state;
  draft.features = eraNamed('rfc-local')!.features;
  const root = draft.page({ has4ByteGpte: 1, level: 3 }, 0, { local: true });
  pd.forEach((page, slot) => draft.link(root, slot, page));
  draft.vcpus.length = 0;
  draft.vcpu([root]);
  draft.settle();
  return { ...state, root };
}

/** Numbers of the invariants that a state violates, ascending. */
export function violated(draft: Draft): number[] {
  return [...draft.report().tallies]
    .filter(([, { violated }]) => violated > 0)
    .map(([number]) => number)
    .sort((a, b) => a - b);
}

export function zapped(page: PageDraft): void {
  page.role = withRole(page.role, { invalid: 1 });
}

export { GUEST, frame };
