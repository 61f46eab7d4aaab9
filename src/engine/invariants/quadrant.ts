import type { SpteIndex } from '../ids.js';
import { roleField } from '../role.js';
import { isDirect, levelOf, type Facts } from './facts.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { Verdict, ViolationPlace } from './report.js';
import type { EntrySnapshot, PageSnapshot } from './snapshot.js';

/** Which part of a 4-byte guest table a page shadows: I-21 to I-26. */
export const QUADRANT: readonly Invariant[] = [
  {
    number: 21,
    title: 'quadrants: 0..3 at level 2, 0..1 at level 1, 0 above',
    page(page, { features }, verdict) {
      if (page.freed || !features.has('quadrant-in-role')) return;
      const [level, quadrant] = [levelOf(page), quadrantOf(page)];
      const most = level === 1 ? 1 : level === 2 ? 3 : 0;
      verdict.check(quadrant <= most, () => ({
        place: placeOf(page),
        message: `${describe(page)} has quadrant ${quadrant}: its guest table has no such part`,
        expected: `quadrant 0..${most}`,
        found: `quadrant ${quadrant}`,
      }));
    },
  },
  {
    number: 22,
    title: 'only pages of 4-byte tables have a quadrant',
    page(page, { features }, verdict) {
      if (page.freed || !features.has('quadrant-in-role') || (mayHaveQuadrant(features) && isDirect(page))) return;
      const quadrant = quadrantOf(page);
      verdict.check(quadrant === 0 || isFourByte(page), () => ({
        place: placeOf(page),
        message: `${describe(page)} has a quadrant, but a table of 8-byte entries fills one page only`,
        expected: 'quadrant 0',
        found: `quadrant ${quadrant}`,
      }));
    },
  },
  {
    number: 23,
    title: 'a child below a page directory of 4-byte entries has the parity of its SPTE as quadrant',
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        if (levelOf(page) !== 2 || !isFourByte(page) || !facts.features.has('quadrant-in-role')) return;
        const child = childOf(entry, facts);
        if (!child) return verdict.unknown();
        const quadrant = entry.index & 1;
        verdict.check(quadrantOf(child) === quadrant, () => ({
          place: { page: page.id, index: entry.index, gfn: child.gfn },
          message: `${describeEntry(page, entry)} leads to ${describe(child)}: it translates ${quadrant ? 'odd' : 'even'} 2 MiB by the wrong half of the guest's table`,
          expected: `quadrant ${quadrant}`,
          found: `quadrant ${quadrantOf(child)}`,
        }));
      },
    },
  },
  {
    number: 24,
    title: 'the four slots of a 2-level root have pages of one gfn, each with its slot as quadrant',
    vcpu(vcpu, facts, verdict) {
      if (vcpu.shape !== 'pae' || !facts.features.has('quadrant-in-role')) return;
      const slots = vcpu.roots.map((id, slot) => ({ slot, page: facts.page(id), certain: vcpu.certain[slot] === true }));
      const first = slots.find(({ page, certain }) => page && certain && page.certain)?.page;
      for (const { slot, page, certain } of slots) {
        if (!page || levelOf(page) !== 2 || !isFourByte(page) || isDirect(page)) continue;
        if (!certain || !page.certain) verdict.unknown();
        else slotHas(page, first!, slot, { vcpu: vcpu.id, page: page.id, gfn: page.gfn }, verdict);
      }
    },
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        // With local pages the PDPT is one, and the page directories are its children.
        if (!page.local || levelOf(page) !== 3 || !isFourByte(page) || !facts.features.has('quadrant-in-role')) return;
        const child = childOf(entry, facts);
        const first = page.entries.find(({ kind, certain }) => kind === 'link' && certain);
        const sibling = first && childOf(first, facts);
        if (!child || !sibling) verdict.unknown();
        else slotHas(child, sibling, entry.index, { page: page.id, index: entry.index, gfn: child.gfn }, verdict);
      },
    },
  },
  {
    number: 25,
    title: 'two neighbours in a page directory that shadow one 4-byte entry lead to its two halves',
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        if (levelOf(page) !== 2 || !isFourByte(page) || !facts.features.has('quadrant-in-role')) return;
        const other = facts.entry(page.id, (entry.index ^ 1) as SpteIndex);
        if (!other || other.kind !== 'link') return;
        if (!other.certain) return verdict.unknown();
        const [even, odd] = (entry.index & 1 ? [other, entry] : [entry, other]).map((each) => childOf(each, facts));
        if (!even?.certain || !odd?.certain) return verdict.unknown();
        if (isDirect(even) !== isDirect(odd)) return;
        const halves =
          isDirect(even) && facts.features.has('direct-gfn-of-part')
            ? odd.gfn - even.gfn === 512
            : even.gfn === odd.gfn && quadrantOf(even) === 0 && quadrantOf(odd) === 1;
        verdict.check(halves, () => ({
          place: { page: page.id, index: (entry.index & ~1) as SpteIndex, gfn: even.gfn },
          message: `SPTEs ${hex(entry.index & ~1)} and ${hex(entry.index | 1)} of ${describe(page)} shadow one guest entry, but lead to ${describe(even)} and ${describe(odd)}`,
          expected: isDirect(even) ? 'gfns 512 apart' : 'one gfn, quadrants 0 and 1',
          found: `gfn ${hex(even.gfn)} q${quadrantOf(even)}, gfn ${hex(odd.gfn)} q${quadrantOf(odd)}`,
        }));
      },
    },
  },
  {
    number: 26,
    title: 'half of a split 4 MiB page has bit 9 of its gfn as quadrant',
    page(page, { features }, verdict) {
      if (!features.has('quadrant-in-role') || !features.has('direct-gfn-of-part')) return;
      if (page.freed || !isDirect(page) || levelOf(page) !== 1 || !isFourByte(page)) return;
      const quadrant = Math.floor(page.gfn / 512) % 2;
      verdict.check(quadrantOf(page) === quadrant, () => ({
        place: placeOf(page),
        message: `${describe(page)} is half of a 4 MiB page that is aligned in both address spaces, but its quadrant is of the other half`,
        expected: `quadrant ${quadrant}`,
        found: `quadrant ${quadrantOf(page)}`,
      }));
    },
  },
];

/** Eras in which a direct page of no 4-byte table has a quadrant: without paging in 2.6.x, half of a 4 MiB page before 5.17. */
function mayHaveQuadrant(features: Facts['features']): boolean {
  return features.has('direct-mmu-quadrants') || features.has('direct-has-8-byte-gptes');
}

function quadrantOf(page: PageSnapshot): number {
  return roleField(page.role, 'quadrant');
}

function isFourByte(page: PageSnapshot): boolean {
  return roleField(page.role, 'has4ByteGpte') === 1;
}

function placeOf(page: PageSnapshot): ViolationPlace {
  return { page: page.id, gfn: page.gfn };
}

function childOf({ child }: EntrySnapshot, facts: Facts): PageSnapshot | undefined {
  return child === undefined ? undefined : facts.page(child);
}

function slotHas(page: PageSnapshot, first: PageSnapshot, slot: number, place: ViolationPlace, verdict: Verdict): void {
  verdict.check(quadrantOf(page) === slot && page.gfn === first.gfn, () => ({
    place,
    message: `slot ${slot} of a 2-level root has ${describe(page)}: addresses from ${hex(slot * 2 ** 30)} on alias another GiB`,
    expected: `gfn ${hex(first.gfn)} quadrant ${slot}`,
    found: `gfn ${hex(page.gfn)} quadrant ${quadrantOf(page)}`,
  }));
}
