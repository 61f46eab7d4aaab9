import { ACC_EXEC, ACC_USER, ACC_WRITE, roleField, roleMask } from '../role.js';
import { NX, pagesPerEntry, spteFrame } from '../spte.js';
import { hasGptes, isValid, knownField, levelOf, type Facts } from './facts.js';
import { guestEntry, quadrantsOf } from './guestEntry.js';
import { describeEntry, hex, type Invariant } from './invariant.js';
import type { Verdict } from './report.js';
import type { EntrySnapshot, PageSnapshot } from './snapshot.js';

const EPT_EXEC = 4n;
const CR0_WP = roleMask(['cr0_wp']);
const SMEP_ANDNOT_WP = roleMask(['smep_andnot_wp']);

/** What leaves translate to, and with which rights: I-9 to I-13. */
export const TRANSLATION: readonly Invariant[] = [
  {
    number: 9,
    title: 'a leaf of a sync page maps what its guest entry says',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        if (levelOf(page) !== 1 || !hasGptes(page) || page.freed) return;
        const valid = isValid(page, facts);
        if (valid === undefined || (valid && page.unsync === undefined)) return verdict.unknown();
        if (valid && !page.unsync) agreesWithGuest(entry, page, facts, verdict);
      },
    },
  },
  {
    number: 10,
    title: 'a leaf leads to the host frame of its guest frame',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        const { gfn, spte } = entry;
        const frame = gfn === undefined ? undefined : facts.host?.frameOf(gfn);
        if (frame === undefined || spte === undefined) return verdict.unknown();
        const pages = pagesPerEntry(levelOf(page));
        const first = (number: number): number => number - (number % pages);
        verdict.check(first(spteFrame(spte)) === first(frame), () => ({
          place: { page: page.id, index: entry.index, gfn },
          message: `${describeEntry(page, entry)} maps guest frame ${hex(gfn!)} to host frame ${hex(spteFrame(spte))}, which is not the one behind it`,
          expected: `pfn ${hex(frame)}`,
          found: `pfn ${hex(spteFrame(spte))}`,
        }));
      },
    },
  },
  {
    number: 11,
    title: 'a leaf gives no right that the tables above or the own guest entry withhold',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        if (entry.spte === undefined) return verdict.unknown();
        withinRights(entry, page, facts, verdict, roleField(page.role, 'access'), 'role.access');
        if (!hasGptes(page)) return;
        // Of an unsync page the guest entry may have changed since KVM looked at it.
        const own = entry.access ?? (page.unsync === false ? guestEntry(page, entry.index, facts)?.access : undefined);
        if (own === undefined) verdict.unknown();
        else withinRights(entry, page, facts, verdict, own, 'the guest entry');
      },
    },
  },
  {
    number: 12,
    title: 'W implies host-writable and MMU-writable; MMU-writable implies host-writable',
    entry: {
      kinds: ['leaf'],
      check(entry, page, { format }, verdict) {
        const { spte } = entry;
        if (format.hostWritable === 0n) return;
        if (spte === undefined) return verdict.unknown();
        const [w, mmu, host] = [format.writable, format.mmuWritable, format.hostWritable].map((bit) => (spte & bit) !== 0n);
        verdict.check((!w || (mmu && host)) && (!mmu || host), () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} has W ${Number(w)}, MMU-writable ${Number(mmu)}, host-writable ${Number(host)}: write protection would not hold`,
          expected: 'W => MMU-writable => host-writable',
          found: `0x${hex(spte)}`,
        }));
      },
    },
  },
  {
    number: 13,
    title: 'a writable leaf has a dirty guest entry',
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        if (levelOf(page) !== 1 || !hasGptes(page) || facts.format.name === 'ept' || roleField(page.role, 'ad_disabled')) return;
        if (entry.spte === undefined || page.unsync === undefined) return verdict.unknown();
        // The guest may clear D of an unsync page's entry; KVM learns of it at the flush.
        if ((entry.spte & facts.format.writable) === 0n || page.unsync) return;
        const guest = guestEntry(page, entry.index, facts);
        verdict.check(guest?.dirty, () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} is writable, but its guest entry is not dirty: the guest's write sets no D`,
          expected: 'D set in the guest entry',
          found: 'D clear',
        }));
      },
    },
  },
];

/** The guest entry behind a leaf is present and names the frame that the leaf maps; also for I-52. */
export function agreesWithGuest(entry: EntrySnapshot, page: PageSnapshot, facts: Facts, verdict: Verdict): void {
  for (const quadrant of quadrantsOf(page, facts)) {
    const guest = guestEntry(page, entry.index, facts, quadrant);
    if (!guest || entry.gfn === undefined) {
      verdict.unknown();
      continue;
    }
    verdict.check(guest.present && guest.gfn === entry.gfn, () => ({
      place: { page: page.id, index: entry.index, gfn: entry.gfn },
      message: `${describeEntry(page, entry)} maps guest frame ${hex(entry.gfn!)}, but the guest's own entry ${guest.present ? `names ${hex(guest.gfn)}` : 'is not present'}`,
      expected: guest.present ? `gfn ${hex(guest.gfn)}` : 'nonpresent',
      found: `gfn ${hex(entry.gfn!)}`,
    }));
  }
}

/** The rights a leaf gives: ACC_* without ACC_READ. */
function rightsOf(spte: bigint, { format }: Facts): number {
  const exec = format.name === 'ept' ? (spte & EPT_EXEC) !== 0n : (spte & NX) === 0n;
  return (exec ? ACC_EXEC : 0) | (spte & format.writable ? ACC_WRITE : 0) | (spte & format.user ? ACC_USER : 0);
}

/**
 * Rights are a subset of `access`. With CR0.WP clear a supervisor may write what it may only read: then W comes without U, and, with
 * SMEP, without X [6.1 mmu.c:kvm_mmu_page_fault path of paging_tmpl.h:page_fault].
 */
function withinRights(entry: EntrySnapshot, page: PageSnapshot, facts: Facts, verdict: Verdict, access: number, whose: string): void {
  const rights = rightsOf(entry.spte!, facts);
  const extra = rights & ~access;
  let holds: boolean | undefined = extra === 0;
  if (extra === ACC_WRITE && !(rights & ACC_USER)) holds = convertedForWp(page, facts, rights);
  verdict.check(holds, () => ({
    place: { page: page.id, index: entry.index, gfn: entry.gfn },
    message: `${describeEntry(page, entry)} gives rights that ${whose} does not have`,
    expected: `within ${letters(access)}`,
    found: letters(rights),
  }));
}

function convertedForWp(page: PageSnapshot, facts: Facts, rights: number): boolean | undefined {
  const wp = knownField(facts, page, 'cr0_wp', CR0_WP);
  if (wp !== 0) return wp === undefined ? undefined : false;
  const smep = knownField(facts, page, 'smep_andnot_wp', SMEP_ANDNOT_WP);
  return smep === undefined ? undefined : smep === 0 || (rights & ACC_EXEC) === 0;
}

function letters(access: number): string {
  return `${access & ACC_WRITE ? 'w' : '-'}${access & ACC_USER ? 'u' : '-'}${access & ACC_EXEC ? 'x' : '-'}`;
}
