import type { Gfn, PageId, SpteIndex } from '../ids.js';
import { roleField, type RoleField } from '../role.js';
import { pagesPerEntry } from '../spte.js';
import type { EntrySnapshot, PageSnapshot, Place, RmapSnapshot, Snapshot } from './snapshot.js';

/** A leaf with its page. */
export interface Mapping {
  readonly page: PageSnapshot;
  readonly entry: EntrySnapshot;
}

/** A snapshot with the look-ups that the invariants need. All of them answer from the SPTEs and page headers, not from rmaps. */
export interface Facts extends Omit<Snapshot, 'pages' | 'rmaps'> {
  pages(): Iterable<PageSnapshot>;
  page(id: PageId): PageSnapshot | undefined;
  entry(page: PageId, index: SpteIndex): EntrySnapshot | undefined;
  /** pages of a gfn that exist */
  pagesOfGfn(gfn: Gfn): readonly PageSnapshot[];
  /** leaves that map a gfn, by any page size */
  leavesOf(gfn: Gfn): readonly Mapping[];
  /** links that lead to a page */
  linksTo(id: PageId): readonly Place[];
  /** the rmap of a gfn; undefined: not known */
  rmap(smm: number, level: number, gfn: Gfn): readonly Place[] | undefined;
  rmaps(): Iterable<RmapSnapshot>;
}

const leafKey = (level: number, gfn: number): string => `${level}:${gfn}`;
const rmapKey = (smm: number, level: number, gfn: number): string => `${smm}:${level}:${gfn}`;

/** The look-ups over a snapshot that is all there. */
export function factsOf(snapshot: Snapshot): Facts {
  const { pages, rmaps, ...rest } = snapshot;
  const byId = new Map(pages.map((page) => [page.id, page]));
  const byGfn = new Map<Gfn, PageSnapshot[]>();
  const leaves = new Map<string, Mapping[]>();
  const links = new Map<PageId, Place[]>();
  const entries = new Map<PageId, Map<SpteIndex, EntrySnapshot>>();
  for (const page of pages) {
    if (page.freed) continue;
    push(byGfn, page.gfn, page);
    entries.set(page.id, new Map(page.entries.map((entry) => [entry.index, entry])));
    for (const entry of page.entries) {
      if (entry.kind === 'link' && entry.child !== undefined) push(links, entry.child, { page: page.id, index: entry.index });
      if (entry.kind === 'leaf' && entry.gfn !== undefined) push(leaves, leafKey(levelOf(page), entry.gfn), { page, entry });
    }
  }
  const byKey = rmaps && new Map(rmaps.map((rmap) => [rmapKey(rmap.smm, rmap.level, rmap.gfn), rmap.places]));
  return {
    ...rest,
    pages: () => pages,
    page: (id) => byId.get(id),
    entry: (page, index) => entries.get(page)?.get(index),
    pagesOfGfn: (gfn) => byGfn.get(gfn) ?? [],
    leavesOf: (gfn) => leafLevels(gfn).flatMap(([level, first]) => leaves.get(leafKey(level, first)) ?? []),
    linksTo: (id) => links.get(id) ?? [],
    rmap: (smm, level, gfn) => byKey && (byKey.get(rmapKey(smm, level, gfn)) ?? []),
    rmaps: () => rmaps ?? [],
  };
}

/** Where a leaf that maps a gfn may begin, by level: 4 KiB, 2 MiB, 1 GiB. */
export function leafLevels(gfn: Gfn): [level: number, first: Gfn][] {
  return [1, 2, 3].map((level) => [level, (gfn - (gfn % pagesPerEntry(level))) as Gfn]);
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

export function levelOf(page: PageSnapshot): number {
  return roleField(page.role, 'level');
}

export function isDirect(page: PageSnapshot): boolean {
  return roleField(page.role, 'direct') === 1;
}

export function isInvalid(page: PageSnapshot): boolean {
  return roleField(page.role, 'invalid') === 1;
}

/** It shadows a guest page table [6.1 mmu.c:sp_has_gptes]; a local page does not, whatever its role says. */
export function hasGptes(page: PageSnapshot): boolean {
  return !isDirect(page) && !roleField(page.role, 'passthrough') && !page.local;
}

export function isObsolete(page: PageSnapshot, facts: Facts): boolean {
  return facts.features.has('generations') && facts.generation !== undefined && page.generation !== facts.generation;
}

/** Neither freed, nor invalid, nor of an old generation. Undefined while the generation is not known. */
export function isValid(page: PageSnapshot, facts: Facts): boolean | undefined {
  if (page.freed || isInvalid(page)) return false;
  if (facts.features.has('generations') && facts.generation === undefined) return undefined;
  return !isObsolete(page, facts);
}

/** All bits of the role are known. */
export function knowsRole(facts: Facts, mask: number): boolean {
  return facts.roleMask === undefined || (facts.roleMask & mask) >>> 0 === mask >>> 0;
}

/** A field of a role; undefined where it is not known. */
export function knownField(facts: Facts, page: PageSnapshot, field: RoleField, mask: number): number | undefined {
  return knowsRole(facts, mask) ? roleField(page.role, field) : undefined;
}

/** First guest frame that an entry of a page must map by the page alone; undefined for a page with a translation array. */
export function frameByPage(page: PageSnapshot, index: SpteIndex, { features }: Facts): Gfn | undefined {
  if (roleField(page.role, 'passthrough')) return page.gfn;
  // 2.6.x notes the gfn of every leaf, for several direct pages may be known by one gfn.
  if (features.has('direct-mmu-quadrants') || !features.has('direct-gfn-of-part')) return undefined;
  return isDirect(page) ? ((page.gfn + index * pagesPerEntry(levelOf(page))) as Gfn) : undefined;
}
