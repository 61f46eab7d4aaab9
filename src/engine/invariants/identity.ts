import { hashBucket } from '../hash.js';
import { withRole } from '../role.js';
import { isInvalid, isObsolete, isValid, knowsRole, type Facts } from './facts.js';
import { describe, hex, type Invariant } from './invariant.js';
import type { Verdict, ViolationPlace } from './report.js';
import type { PageSnapshot } from './snapshot.js';

const ALL_BITS = 0xffffffff;

/** Identity and lists: I-1 to I-8. */
export const IDENTITY: readonly Invariant[] = [
  {
    number: 1,
    title: 'at most one valid page per gfn and role',
    page(page, facts, verdict) {
      const valid = isValid(page, facts);
      if (valid === undefined) return verdict.unknown();
      if (valid && !page.local) isUnique(page, facts, verdict, (other) => isValid(other, facts) === true, 'valid');
    },
  },
  {
    number: 2,
    title: 'at most one obsolete page on the list per gfn and role',
    page(page, facts, verdict) {
      const waits = (other: PageSnapshot): boolean => !other.freed && !isInvalid(other) && !other.local && isObsolete(other, facts);
      if (waits(page)) isUnique(page, facts, verdict, waits, 'obsolete');
    },
  },
  {
    number: 3,
    title: 'a page is in the bucket of its gfn, and keeps gfn and role',
    page(page, _facts, verdict) {
      if (page.freed || page.local) return;
      if (page.bucket === undefined) verdict.unknown();
      else if (page.bucket !== null) {
        const bucket = hashBucket(page.gfn);
        verdict.check(page.bucket === bucket, () => ({
          place: placeOf(page),
          message: `${describe(page)} is in hash bucket ${page.bucket}, where no look-up for its gfn comes by`,
          expected: `bucket ${bucket}`,
          found: `bucket ${page.bucket}`,
        }));
      }
      const { birth } = page;
      if (!birth) return verdict.unknown();
      const role = withRole(page.role, { invalid: 0 });
      const first = withRole(birth.role, { invalid: 0 });
      verdict.check(birth.gfn === page.gfn && first === role, () => ({
        place: placeOf(page),
        message: `${describe(page)} was made with another gfn or role: who finds it by them finds the wrong page`,
        expected: `gfn ${hex(birth.gfn)} role ${hex(first)}`,
        found: `gfn ${hex(page.gfn)} role ${hex(role)}`,
      }));
    },
  },
  {
    number: 4,
    title: 'hash and lists hold exactly the pages they are for',
    page(page, _facts, verdict) {
      if (page.tdpMmu) return;
      const { bucket, list, rootCount } = page;
      const place = placeOf(page);
      const inHash = !page.freed && !page.local;
      verdict.check(bucket === undefined ? undefined : (bucket !== null) === inHash, () => ({
        place,
        message: `${describe(page)} is ${page.freed ? 'freed' : 'allocated'}, but ${bucket === null ? 'not in the hash' : 'in the hash'}`,
        expected: inHash ? 'in the hash' : 'not in the hash',
        found: bucket === null ? 'not in the hash' : 'in the hash',
      }));
      const wanted = listOf(page);
      const known = list !== undefined && (wanted !== undefined || rootCount !== undefined);
      verdict.check(known ? list === wanted : undefined, () => ({
        place,
        message: `${describe(page)} with root_count ${rootCount ?? 'unknown'} is on the wrong list`,
        expected: `list: ${wanted ?? '?'}`,
        found: `list: ${list ?? '?'}`,
      }));
    },
  },
  {
    number: 5,
    title: 'the active list is in order of creation, pages of the old generation at its tail',
    vm(facts, verdict) {
      if (!facts.activeList || !facts.complete) return verdict.unknown();
      const list = facts.activeList.map((id) => facts.page(id)).filter((page) => page !== undefined);
      for (let i = 1; i < list.length; i++) {
        const [newer, older] = [list[i - 1]!, list[i]!];
        const place = placeOf(older);
        if (facts.features.has('generations')) {
          const ordered = facts.generation === undefined ? undefined : isObsolete(older, facts) || !isObsolete(newer, facts);
          verdict.check(ordered, () => ({
            place,
            message: `${describe(older)} is of the current generation, but nearer the tail than the obsolete ${describe(newer)}: the fast zap stops before that one`,
            expected: 'obsolete pages nearest the tail',
            found: `page ${older.id} behind page ${newer.id}`,
          }));
        }
        // Page numbers are in order of birth. A root that stays after it was zapped goes to the head again.
        if (!facts.features.has('invalid-roots')) continue;
        verdict.check(newer.id > older.id, () => ({
          place,
          message: `${describe(older)} is nearer the tail of the active list than ${describe(newer)}, which is older: recycling takes the wrong one`,
          expected: 'the newest page first',
          found: `page ${newer.id} before page ${older.id}`,
        }));
      }
    },
  },
  {
    number: 6,
    title: 'an invalid page has a root_count',
    page(page, facts, verdict) {
      if (page.freed || !isInvalid(page)) return;
      if (page.list === 'zapped' && facts.recent?.zapYielded) return;
      verdict.check(page.rootCount === undefined ? undefined : page.rootCount > 0, () => ({
        place: placeOf(page),
        message: `${describe(page)} was zapped and no root refers to it, but it was not freed`,
        expected: 'root_count > 0, or freed',
        found: `root_count ${page.rootCount}`,
      }));
    },
  },
  {
    number: 7,
    title: 'an invalid page is empty, has no parents, and is neither unsync nor accounted',
    page(page, facts, verdict) {
      if (page.freed || !isInvalid(page)) return;
      for (const entry of page.entries) {
        if (entry.kind === 'mmio') continue;
        verdict.check(entry.certain ? false : undefined, () => ({
          place: { page: page.id, index: entry.index },
          message: `${describe(page)} was zapped, but its SPTE ${hex(entry.index)} is still present`,
          expected: 'nonpresent',
          found: entry.kind,
        }));
      }
      const must = (holds: boolean | undefined, what: string, found: string): void =>
        verdict.check(holds, () => ({
          place: placeOf(page),
          message: `${describe(page)} was zapped, but ${what}`,
          expected: 'nothing left of what the zap takes down',
          found,
        }));
      const parents = page.parents?.length ?? facts.linksTo(page.id).length;
      must(parents === 0, 'SPTEs still lead to it', `${parents} parents`);
      must(page.unsync === undefined ? undefined : !page.unsync, 'it is still unsync', 'unsync');
      must(page.unsyncChildren === undefined ? undefined : page.unsyncChildren === 0, 'it has unsync children', `${page.unsyncChildren}`);
      must(page.accounted === undefined ? undefined : !page.accounted, 'its gfn is still accounted as shadowed', 'accounted');
    },
  },
  {
    number: 8,
    title: 'n_used_mmu_pages counts the pages on the active list and the zapped roots in use',
    vm(facts, verdict) {
      const used = facts.counters?.used;
      if (used === undefined) return verdict.unknown();
      let pages = 0;
      for (const page of facts.pages()) {
        if (!page.freed && !page.local && !page.tdpMmu && page.list !== 'zapped') pages++;
      }
      verdict.check(used === pages, () => ({
        place: {},
        message: `n_used_mmu_pages is ${used}, but ${pages} pages are on the active list or wait as zapped roots: recycling starts at the wrong moment`,
        expected: `${pages}`,
        found: `${used}`,
      }));
    },
  },
];

function placeOf(page: PageSnapshot): ViolationPlace {
  return { page: page.id, gfn: page.gfn };
}

/** The list a page belongs on; undefined where its root_count would tell. */
function listOf(page: PageSnapshot): PageSnapshot['list'] {
  if (page.freed || page.local) return 'none';
  if (!isInvalid(page)) return 'active';
  return page.rootCount === undefined ? undefined : page.rootCount === 0 ? 'zapped' : 'none';
}

function isUnique(page: PageSnapshot, facts: Facts, verdict: Verdict, like: (other: PageSnapshot) => boolean, what: string): void {
  const mask = facts.roleMask ?? ALL_BITS;
  const twin = facts
    .pagesOfGfn(page.gfn)
    .find((other) => other.id !== page.id && like(other) && !other.local && ((other.role ^ page.role) & mask) === 0);
  if (twin && !(knowsRole(facts, ALL_BITS) && twin.certain)) return verdict.unknown();
  verdict.check(twin === undefined, () => ({
    place: { page: Math.max(page.id, twin!.id) as PageSnapshot['id'], gfn: page.gfn },
    message: `two ${what} pages are ${describe(page)}: a look-up finds only one of them, and SPTEs of the other are lost to it`,
    expected: `one ${what} page per gfn and role`,
    found: `pages ${Math.min(page.id, twin!.id)} and ${Math.max(page.id, twin!.id)}`,
  }));
}
