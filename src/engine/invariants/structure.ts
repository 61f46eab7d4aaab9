import { roleField, roleMask, type RoleField } from '../role.js';
import { PAGE_SIZE_BIT, pagesPerEntry, type SpteFormat } from '../spte.js';
import { frameByPage, hasGptes, isDirect, knowsRole, levelOf, type Facts } from './facts.js';
import { guestEntry, isLarge } from './guestEntry.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { EntrySnapshot, PageSnapshot } from './snapshot.js';

/** Fields that a child has from its parent [6.1 mmu.c:kvm_mmu_child_role]. */
const INHERITED: readonly RoleField[] = [
  'smm',
  'guest_mode',
  'ad_disabled',
  'has4ByteGpte',
  'efer_nx',
  'cr0_wp',
  'smep_andnot_wp',
  'smap_andnot_wp',
  'cr4_smep',
];
const INHERITED_BITS = new Map(INHERITED.map((field) => [field, roleMask([field])]));

/** What hangs below what: I-14 to I-17. */
export const STRUCTURE: readonly Invariant[] = [
  {
    number: 14,
    title: 'a link leads one level down, to a page of the same kind of guest',
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        if (!child) return verdict.unknown();
        const place = { page: page.id, index: entry.index };
        verdict.check(levelOf(child) === levelOf(page) - 1, () => ({
          place,
          message: `${describeEntry(page, entry)} leads to ${describe(child)}, which is not one level below it`,
          expected: `level ${levelOf(page) - 1}`,
          found: `level ${levelOf(child)}`,
        }));
        const different = differing(page, child, facts);
        if (!different.length && INHERITED.some((field) => !knowsRole(facts, INHERITED_BITS.get(field)!))) return verdict.unknown();
        verdict.check(different.length === 0, () => ({
          place,
          message: `${describeEntry(page, entry)} leads to ${describe(child)}, whose role was not derived from it: ${different.join(', ')} differ`,
          expected: different.map((field) => `${field} ${roleField(page.role, field)}`).join(', '),
          found: different.map((field) => `${field} ${roleField(child.role, field)}`).join(', '),
        }));
      },
    },
  },
  {
    number: 15,
    title: 'a direct page maps consecutive guest frames from an aligned gfn, and shadows no guest table',
    page(page, _facts, verdict) {
      if (page.freed || page.local || !isDirect(page)) return;
      const covered = pagesPerEntry(levelOf(page) + 1);
      const place = { page: page.id, gfn: page.gfn };
      verdict.check(page.gfn % covered === 0, () => ({
        place,
        message: `${describe(page)} does not begin at a multiple of the ${hex(covered)} guest pages it covers`,
        expected: `gfn ${hex(page.gfn - (page.gfn % covered))}`,
        found: `gfn ${hex(page.gfn)}`,
      }));
      const never = (is: boolean | undefined, what: string): void =>
        verdict.check(is === undefined ? undefined : !is, () => ({
          place,
          message: `${describe(page)} has no guest table behind it, but it ${what}`,
          expected: 'nothing of a guest table',
          found: what,
        }));
      never(page.unsync, 'is unsync');
      never(page.accounted, 'is accounted as a shadow');
      never(page.hasTranslation, 'has a translation array');
    },
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        const gfn = isDirect(page) ? frameByPage(page, entry.index, facts) : undefined;
        if (gfn === undefined) return;
        verdict.check(entry.gfn === undefined ? undefined : entry.gfn === gfn, () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} maps guest frame ${hex(entry.gfn!)}; a direct page maps its frames in a row`,
          expected: `gfn ${hex(gfn)}`,
          found: `gfn ${hex(entry.gfn!)}`,
        }));
      },
    },
  },
  {
    number: 16,
    title: 'below a direct page all is direct; below an indirect one exactly what a large guest page is split into',
    entry: {
      kinds: ['link'],
      check(entry, page, facts, verdict) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        if (!child) return verdict.unknown();
        const wanted = isDirect(page) ? true : splits(page, entry.index, facts);
        verdict.check(wanted === undefined ? undefined : isDirect(child) === wanted, () => ({
          place: { page: page.id, index: entry.index },
          message: `${describeEntry(page, entry)} leads to ${describe(child)}, but ${isDirect(page) ? 'its own page is direct' : `the guest entry ${wanted ? 'maps a large page' : 'leads to a table'}`}`,
          expected: wanted ? 'a direct child' : 'an indirect child',
          found: isDirect(child) ? 'a direct child' : 'an indirect child',
        }));
      },
    },
  },
  {
    number: 17,
    title: 'level 1 has leaves only and no page size bit; a link never lacks W',
    entry: {
      kinds: ['leaf', 'link'],
      check(entry, page, { format }, verdict) {
        const place = { page: page.id, index: entry.index };
        if (levelOf(page) === 1) {
          const sized = entry.spte === undefined ? undefined : (entry.spte & PAGE_SIZE_BIT) !== 0n;
          const wrong = entry.kind === 'link' ? 'is a link' : 'has the page size bit';
          verdict.check(entry.kind === 'link' ? false : sized === undefined ? undefined : !sized, () => ({
            place,
            message: `${describeEntry(page, entry)} ${wrong}, at the lowest level`,
            expected: 'a 4 KiB leaf',
            found: wrong,
          }));
        } else if (entry.kind === 'link' && !isPdpte(entry, page, format)) {
          verdict.check(entry.spte === undefined ? undefined : (entry.spte & format.writable) !== 0n, () => ({
            place,
            message: `${describeEntry(page, entry)} leads to a page but is not writable: what the child allows cannot be written`,
            expected: 'W set',
            found: `0x${hex(entry.spte!)}`,
          }));
        }
      },
    },
  },
];

/** An entry of a local PAE root: the CPU reserves W there. */
function isPdpte({ spte }: EntrySnapshot, page: PageSnapshot, format: SpteFormat): boolean {
  return page.local && levelOf(page) === 3 && spte !== undefined && (spte & (format.link & ~format.mmuPresent)) === format.present;
}

function differing(parent: PageSnapshot, child: PageSnapshot, facts: Facts): RoleField[] {
  return INHERITED.filter(
    (field) =>
      // Before 5.17 what is direct is "8-byte", also below a table of 4-byte entries.
      !(field === 'has4ByteGpte' && facts.features.has('direct-has-8-byte-gptes') && isDirect(child)) &&
      knowsRole(facts, INHERITED_BITS.get(field)!) &&
      roleField(parent.role, field) !== roleField(child.role, field),
  );
}

/** The guest entry behind a link of an indirect page maps a large page. */
function splits(page: PageSnapshot, index: Parameters<typeof guestEntry>[1], facts: Facts): boolean | undefined {
  if (!hasGptes(page)) return undefined;
  const guest = guestEntry(page, index, facts);
  return guest?.present ? isLarge(page, guest, facts) : undefined;
}
