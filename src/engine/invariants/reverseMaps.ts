import type { PageId } from '../ids.js';
import { PTE_LIST_SLOTS } from '../pteList.js';
import { roleField } from '../role.js';
import { frameByPage, levelOf, type Facts } from './facts.js';
import { describe, describeEntry, hex, samePlace, type Invariant } from './invariant.js';
import type { Verdict, ViolationPlace } from './report.js';
import type { EntrySnapshot, ListShape, PageSnapshot, Place, VcpuSnapshot } from './snapshot.js';

/** gfn rmaps, parent pointers, root counts: I-27 to I-32. */
export const REVERSE_MAPS: readonly Invariant[] = [
  {
    number: 27,
    title: 'every leaf is exactly once in the rmap of what it maps, and nothing else is there',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        const inRmap = belongsInRmap(entry, facts);
        if (inRmap === undefined || entry.gfn === undefined) return verdict.unknown();
        const rmap = facts.rmap(roleField(page.role, 'smm'), levelOf(page), entry.gfn);
        const count = rmap?.filter((place) => samePlace(place, { page: page.id, index: entry.index })).length;
        verdict.check(count === undefined ? undefined : count === (inRmap ? 1 : 0), () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} is ${count} times in the rmap of guest frame ${hex(entry.gfn!)}: ${count === 0 ? 'it stays when the frame goes' : 'the rmap keeps a pointer that leads nowhere'}`,
          expected: inRmap ? 'once' : 'not at all',
          found: `${count} times`,
        }));
      },
    },
    rmap(rmap, facts, verdict) {
      for (const place of rmap.places) {
        const page = facts.page(place.page);
        const entry = page && !page.freed ? facts.entry(place.page, place.index) : undefined;
        if (entry && (!entry.certain || !page!.certain)) verdict.unknown();
        else
          verdict.check(entry !== undefined && mapsWhatRmapSays(entry, page!, rmap, facts), () => ({
            place: { ...place, gfn: rmap.gfn },
            message: `the rmap of guest frame ${hex(rmap.gfn)} at level ${rmap.level} has a pointer to ${page ? describeEntry(page, place) : 'a page that is gone'}, which does not map it`,
            expected: `a leaf of gfn ${hex(rmap.gfn)} at level ${rmap.level}`,
            found: entry ? `${entry.kind}${entry.gfn === undefined ? '' : ` of gfn ${hex(entry.gfn)}`}` : 'nothing',
          }));
      }
    },
  },
  {
    number: 28,
    title: 'the gfn under which a leaf was added to the rmap is the one it will be removed by',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        const removal = frameByPage(page, entry.index, facts) ?? entry.gfn;
        const { rmapKey } = entry;
        verdict.check(rmapKey === undefined || removal === undefined ? undefined : rmapKey === removal, () => ({
          place: { page: page.id, index: entry.index, gfn: rmapKey },
          message: `${describeEntry(page, entry)} was added to the rmap of guest frame ${hex(rmapKey!)}, but its removal will look under ${hex(removal!)}: the pointer outlives the page`,
          expected: `gfn ${hex(removal!)}`,
          found: `gfn ${hex(rmapKey!)}`,
        }));
      },
    },
  },
  {
    number: 29,
    title: 'a link is exactly once in its child’s parent_ptes, and nothing else is there',
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        if (child?.freed) return; // I-32
        const count = child?.parents?.filter((place) => samePlace(place, { page: page.id, index: entry.index })).length;
        verdict.check(count === undefined ? undefined : count === 1, () => ({
          place: { page: page.id, index: entry.index },
          message: `${describeEntry(page, entry)} leads to ${describe(child!)}, which has it ${count} times among its parents: ${count ? 'a zap unlinks it twice' : 'a zap would not unlink it'}`,
          expected: 'once in parent_ptes',
          found: `${count} times`,
        }));
      },
    },
    page(page, facts, verdict) {
      if (page.freed || !page.certain) return;
      for (const place of page.parents ?? []) {
        const parent = facts.page(place.page);
        const entry = facts.entry(place.page, place.index);
        const leadsHere = entry?.kind === 'link' && entry.child === page.id;
        if (entry && !entry.certain && !leadsHere) verdict.unknown();
        else
          verdict.check(leadsHere && !parent?.freed, () => ({
            place: { page: page.id, index: place.index, gfn: page.gfn },
            message: `${describe(page)} has ${parent ? describeEntry(parent, place) : `an SPTE of page ${place.page}, which is gone,`} among its parents, but that does not lead to it`,
            expected: `a link to page ${page.id}`,
            found: entry?.child === undefined ? (entry?.kind ?? 'empty') : `a link to page ${entry.child}`,
          }));
      }
    },
  },
  {
    number: 30,
    title: 'lists of SPTE pointers have no empty descriptor and no holes in one',
    rmap(rmap, _facts, verdict) {
      packed(rmap.shape, rmap.places, { gfn: rmap.gfn }, `the rmap of guest frame ${hex(rmap.gfn)}`, verdict);
    },
    page(page, _facts, verdict) {
      if (!page.freed && page.parents?.length)
        packed(page.parentsShape, page.parents, { page: page.id, gfn: page.gfn }, `parent_ptes of ${describe(page)}`, verdict);
    },
  },
  {
    number: 31,
    title: 'root_count is the number of root slots that refer to the page',
    page(page, facts, verdict) {
      if (page.freed || page.tdpMmu) return;
      const slots = rootSlots(page.id, facts);
      verdict.check(slots === undefined || page.rootCount === undefined ? undefined : page.rootCount === slots, () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} has root_count ${page.rootCount}, but ${slots} root slots refer to it: ${page.rootCount! < slots! ? 'it is freed under a vCPU' : 'it is never freed'}`,
        expected: `root_count ${slots}`,
        found: `root_count ${page.rootCount}`,
      }));
    },
  },
  {
    number: 32,
    title: 'nothing refers to a freed page',
    page(page, facts, verdict) {
      if (!page.freed) return;
      const links = facts.linksTo(page.id);
      verdict.check(links.length === 0, () => ({
        place: { ...links[0]!, gfn: page.gfn },
        message: `${describe(page)} is freed, but SPTE ${hex(links[0]!.index)} of page ${links[0]!.page} still leads to it`,
        expected: 'no reference',
        found: `${links.length} links`,
      }));
      for (const vcpu of facts.vcpus) rootsExist(vcpu, facts, verdict, page.id);
    },
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        const gone = entry.child === undefined ? undefined : child ? child.freed : facts.complete ? true : undefined;
        verdict.check(gone === undefined ? undefined : !gone, () => ({
          place: { page: page.id, index: entry.index, gfn: child?.gfn },
          message: `${describeEntry(page, entry)} leads to a freed page (${child ? describe(child) : `page ${entry.child}`}): the CPU walks memory that is no page table any more`,
          expected: 'a page that exists',
          found: `page ${entry.child}, freed`,
        }));
      },
    },
    vcpu(vcpu, facts, verdict) {
      rootsExist(vcpu, facts, verdict);
    },
    rmap(rmap, facts, verdict) {
      for (const { page, index } of rmap.places)
        exists(page, true, { page, index, gfn: rmap.gfn }, `the rmap of guest frame ${hex(rmap.gfn)}`, facts, verdict);
    },
  },
];

function belongsInRmap(entry: EntrySnapshot, { features, format }: Facts): boolean | undefined {
  if (features.has('rmap-of-all-leaves')) return true;
  return entry.spte === undefined ? undefined : (entry.spte & format.writable) !== 0n;
}

function mapsWhatRmapSays(
  entry: EntrySnapshot,
  page: PageSnapshot,
  rmap: { smm: number; level: number; gfn: number },
  facts: Facts,
): boolean {
  return (
    entry.kind === 'leaf' &&
    entry.gfn === rmap.gfn &&
    levelOf(page) === rmap.level &&
    roleField(page.role, 'smm') === rmap.smm &&
    belongsInRmap(entry, facts) !== false
  );
}

/** Removal takes the last pointer of the same descriptor into the gap, and a descriptor that gets empty goes. */
function packed(shape: ListShape | undefined, places: readonly Place[], place: ViolationPlace, what: string, verdict: Verdict): void {
  if (shape === undefined) return verdict.unknown();
  const wrong = flaw(shape, places);
  verdict.check(wrong === undefined, () => ({
    place,
    message: `${what} has ${wrong}: a walk over it misses pointers`,
    expected: 'packed descriptors, none of them empty',
    found: wrong!,
  }));
}

function flaw(shape: ListShape, places: readonly Place[]): string | undefined {
  if (shape === 'single') return places.length === 1 ? undefined : `${places.length} pointers in the head itself`;
  for (const slots of shape) {
    const used = slots.filter((slot) => slot !== null).length;
    if (used === 0) return 'an empty descriptor';
    if (slots.length > PTE_LIST_SLOTS) return `a descriptor of ${slots.length} slots`;
    if (slots.slice(0, used).includes(null)) return 'a hole inside a descriptor';
  }
  const held = shape.flat().filter((slot) => slot !== null).length;
  return held === places.length ? undefined : `${held} pointers in its descriptors, ${places.length} in all`;
}

/** Root slots of all vCPUs that refer to a page; undefined while one of them is not known. */
function rootSlots(id: PageId, facts: Facts): number | undefined {
  let slots = 0;
  for (const vcpu of facts.vcpus) {
    if (!vcpu.allCertain) return undefined;
    slots += [...vcpu.roots, ...vcpu.previous].filter((root) => root === id).length;
  }
  return facts.complete ? slots : undefined;
}

function exists(id: PageId, certain: boolean, place: ViolationPlace, what: string, facts: Facts, verdict: Verdict): void {
  const page = facts.page(id);
  const gone = page ? page.freed : facts.complete ? true : undefined;
  verdict.check(!certain || gone === undefined ? undefined : !gone, () => ({
    place,
    message: `${what} refers to ${page ? describe(page) : `page ${id}`}, which is freed`,
    expected: 'a page that exists',
    found: `page ${id}, freed`,
  }));
}

/** What the root slots of a vCPU refer to is there; all of it, or one page. */
function rootsExist(vcpu: VcpuSnapshot, facts: Facts, verdict: Verdict, only?: PageId): void {
  const concerns = (id: PageId): boolean => id !== 0 && (only === undefined || id === only);
  vcpu.roots.forEach((id, slot) => {
    const place = { vcpu: vcpu.id, page: id };
    if (concerns(id)) exists(id, vcpu.certain[slot] === true, place, `root slot ${slot} of vCPU ${vcpu.id}`, facts, verdict);
  });
  for (const id of vcpu.previous) {
    const place = { vcpu: vcpu.id, page: id ?? undefined };
    if (id !== null && concerns(id)) exists(id, vcpu.allCertain, place, `a cached root of vCPU ${vcpu.id}`, facts, verdict);
  }
}
