import type { PageId } from '../ids.js';
import { levelOf, type Facts } from './facts.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { PageSnapshot } from './snapshot.js';

/** How a sync finds the pages that are unsync: I-41 to I-44. */
export const UNSYNC: readonly Invariant[] = [
  {
    number: 41,
    title: 'unsync_children is the number of bits set',
    page(page, _facts, verdict) {
      if (page.freed) return;
      const { unsyncChildren: count, unsyncBitmap: bits } = page;
      verdict.check(count === undefined || bits === undefined ? undefined : count === bits.size, () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} counts ${count} unsync children, but its bitmap has ${bits!.size}: a walk ends early or never`,
        expected: `${bits!.size}`,
        found: `${count}`,
      }));
    },
  },
  {
    number: 42,
    title: 'the way from the root to an unsync page is marked',
    page(page, facts, verdict) {
      if (page.freed) return;
      const pending = page.unsync === undefined ? undefined : page.unsync || (page.unsyncChildren ?? 0) > 0;
      if (pending === undefined) return verdict.unknown();
      if (!pending) return;
      for (const place of facts.linksTo(page.id)) {
        const parent = facts.page(place.page);
        const certain = facts.entry(place.page, place.index)?.certain === true;
        verdict.check(certain ? parent?.unsyncBitmap?.has(place.index) : undefined, () => ({
          place,
          message: `${describe(page)} ${page.unsync ? 'is unsync' : 'has unsync children'}, but the bit of ${describeEntry(parent!, place)} is clear: a guest flush does not sync it`,
          expected: `bit ${hex(place.index)} set`,
          found: 'clear',
        }));
      }
    },
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        if (child?.unsync === undefined) return verdict.unknown();
        if (!child.unsync && !(child.unsyncChildren ?? 0)) return;
        verdict.check(page.unsyncBitmap?.has(entry.index), () => ({
          place: { page: page.id, index: entry.index },
          message: `${describe(child)} ${child.unsync ? 'is unsync' : 'has unsync children'}, but the bit of ${describeEntry(page, entry)} is clear: a guest flush does not sync it`,
          expected: `bit ${hex(entry.index)} set`,
          found: 'clear',
        }));
      },
    },
  },
  {
    number: 43,
    title: 'the statistic mmu_unsync is the number of unsync pages',
    vm(facts, verdict) {
      const counter = facts.counters?.unsync;
      const pages = [...facts.pages()].filter((page) => !page.freed);
      if (counter === undefined || !facts.complete || pages.some((page) => page.unsync === undefined)) return verdict.unknown();
      const unsync = pages.filter((page) => page.unsync).length;
      verdict.check(counter === unsync, () => ({
        place: {},
        message: `mmu_unsync is ${counter}, but ${unsync} pages are unsync`,
        expected: `${unsync}`,
        found: `${counter}`,
      }));
    },
  },
  {
    number: 44,
    title: 'after a root was synced, it leads to no unsync page',
    vm(facts, verdict) {
      const roots = facts.recent?.synced;
      if (!roots) return verdict.unknown();
      for (const root of roots) {
        const { pages, certain } = reachable(root, facts);
        const unsync = pages.find((page) => page.unsync);
        verdict.check(unsync ? false : certain ? true : undefined, () => ({
          place: { page: unsync!.id, gfn: unsync!.gfn },
          message: `${describe(unsync!)} is still unsync after its root, page ${root}, was synced to the end`,
          expected: 'sync',
          found: 'unsync',
        }));
      }
    },
  },
];

/** Pages below a root, by links that are certain; `certain` is false when others may be below it too. */
function reachable(root: PageId, facts: Facts): { pages: PageSnapshot[]; certain: boolean } {
  const pages: PageSnapshot[] = [];
  const seen = new Set<PageId>([root]);
  let certain = true;
  for (const id of seen) {
    const page = facts.page(id);
    if (!page) {
      certain = false;
      continue;
    }
    pages.push(page);
    if (levelOf(page) === 1) {
      if (page.unsync === undefined) certain = false;
      continue;
    }
    for (const entry of page.entries) {
      if (entry.kind === 'link' && entry.child !== undefined && entry.certain) seen.add(entry.child);
      else if (!entry.certain) certain = false;
    }
  }
  return { pages, certain };
}
