import type { Gfn } from '../ids.js';
import { roleField } from '../role.js';
import { pagesPerEntry } from '../spte.js';
import { hasGptes, isInvalid, isValid, levelOf, type Facts, type Mapping } from './facts.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { Verdict } from './report.js';
import type { EntrySnapshot, PageSnapshot } from './snapshot.js';

/** Shadowed guest tables are not written unseen: I-33 to I-40. */
export const WRITE_PROTECTION: readonly Invariant[] = [
  {
    number: 33,
    title: 'a gfn with a page of level 2 or more is tracked, and no writable leaf maps it',
    page(page, facts, verdict) {
      if (!isUpper(page)) return;
      if (!page.freed && !isInvalid(page)) tracked(page, facts, verdict);
      protectedGfn(page, facts, verdict, 'a page directory');
    },
    entry: writableLeaf((page) => isUpper(page)),
  },
  {
    number: 34,
    title: 'no writable leaf maps the gfn of a sync level-1 page',
    page(page, facts, verdict) {
      if (levelOf(page) !== 1 || !hasGptes(page)) return;
      if (page.freed || isInvalid(page)) return;
      if (page.unsync === undefined) return verdict.unknown();
      if (!page.unsync) protectedGfn(page, facts, verdict, 'a page table that counts as sync');
    },
    entry: writableLeaf((page) => levelOf(page) === 1 && page.unsync === false),
  },
  {
    number: 35,
    title: 'where a writable leaf maps a gfn, all level-1 pages of the gfn are unsync',
    page(page, facts, verdict) {
      if (page.freed || levelOf(page) !== 1 || !hasGptes(page) || !isValid(page, facts)) return;
      for (const mapping of facts.leavesOf(page.gfn)) {
        const writable = isWritable(mapping, facts);
        if (writable !== false) isUnsync(page, mapping, verdict, writable);
      }
    },
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        for (const gfn of writableFrames(entry, page, facts) ?? []) {
          for (const shadow of facts.pagesOfGfn(gfn)) {
            if (levelOf(shadow) !== 1 || !hasGptes(shadow) || !isValid(shadow, facts)) continue;
            isUnsync(shadow, { page, entry }, verdict, shadow.certain ? true : undefined);
          }
        }
      },
    },
  },
  {
    number: 36,
    title: 'only level-1 pages of guest tables are unsync',
    page(page, _facts, verdict) {
      if (page.freed) return;
      if (page.unsync === undefined) return verdict.unknown();
      verdict.check(!page.unsync || (levelOf(page) === 1 && hasGptes(page)), () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} is unsync, but only the lowest guest tables may be written unseen`,
        expected: 'sync',
        found: 'unsync',
      }));
    },
  },
  {
    number: 37,
    title: 'no gfn has both a page of level 2 or more and an unsync page',
    page(page, facts, verdict) {
      if (!hasGptes(page) || !isValid(page, facts)) return;
      if (page.unsync === undefined) return verdict.unknown();
      const upper = levelOf(page) >= 2;
      if (!upper && !page.unsync) return;
      const others = facts.pagesOfGfn(page.gfn).filter((other) => other.id !== page.id && hasGptes(other) && isValid(other, facts));
      const clash = others.find((other) => (upper ? other.unsync : levelOf(other) >= 2));
      const [directory, table] = upper ? [page, clash] : [clash, page];
      verdict.check(!clash ? true : clash.certain ? false : undefined, () => ({
        place: { page: table!.id, gfn: page.gfn },
        message: `${describe(table!)} is unsync although its gfn is also a page directory, ${describe(directory!)}: writes to that go unseen`,
        expected: 'sync, or zapped when the directory was made',
        found: 'unsync',
      }));
    },
  },
  {
    number: 38,
    title: 'indirect_shadow_pages counts the pages of guest tables that are not invalid',
    vm(facts, verdict) {
      const counter = facts.counters?.indirectShadowPages;
      if (counter === undefined || !facts.complete) return verdict.unknown();
      const pages = [...facts.pages()].filter((page) => !page.freed && !isInvalid(page) && hasGptes(page)).length;
      verdict.check(counter === pages, () => ({
        place: {},
        message: `indirect_shadow_pages is ${counter}, but there are ${pages}: at 0 KVM does not look at guest writes at all`,
        expected: `${pages}`,
        found: `${counter}`,
      }));
    },
  },
  {
    number: 39,
    title: 'a region with a shadowed guest table has no new large leaf',
    page(page, facts, verdict) {
      if (page.freed || isInvalid(page) || !hasGptes(page)) return;
      for (const level of [2, 3]) {
        const pages = pagesPerEntry(level);
        const first = (page.gfn - (page.gfn % pages)) as Gfn;
        const count = facts.tracking?.disallowLpage(roleField(page.role, 'smm'), level, first);
        verdict.check(count === undefined ? undefined : count >= 1, () => ({
          place: { page: page.id, gfn: page.gfn },
          message: `${describe(page)} is shadowed, but disallow_lpage of the ${level === 2 ? '2 MiB' : '1 GiB'} around it is 0: a large leaf may map it writable`,
          expected: 'disallow_lpage >= 1',
          found: '0',
        }));
      }
    },
    entry: {
      kinds: ['leaf'],
      check(entry, page, facts, verdict) {
        const level = levelOf(page);
        if (level === 1) return;
        if (entry.gfn === undefined || entry.spte === undefined) return verdict.unknown();
        // A large leaf that was there before stays, but only for reading.
        if (!entry.fresh && (entry.spte & facts.format.writable) === 0n) return;
        const count = facts.tracking?.disallowLpage(roleField(page.role, 'smm'), level, entry.gfn);
        verdict.check(count === undefined ? undefined : count === 0, () => ({
          place: { page: page.id, index: entry.index, gfn: entry.gfn },
          message: `${describeEntry(page, entry)} is a large leaf where disallow_lpage is ${count}`,
          expected: '4 KiB leaves',
          found: `a leaf of level ${level}`,
        }));
      },
    },
  },
  {
    number: 40,
    title: 'a passthrough page is of level 5 in guest mode and has one entry, to level 4 of the same gfn',
    page(page, facts, verdict) {
      if (page.freed || !roleField(page.role, 'passthrough')) return;
      const place = { page: page.id, gfn: page.gfn };
      verdict.check(levelOf(page) === 5 && roleField(page.role, 'guest_mode') === 1, () => ({
        place,
        message: `${describe(page)} passes through, which only the fifth level above a nested guest's four does`,
        expected: 'level 5, guest_mode',
        found: `level ${levelOf(page)}, guest_mode ${roleField(page.role, 'guest_mode')}`,
      }));
      for (const entry of page.entries) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        const through = entry.index === 0 && entry.kind === 'link' && child !== undefined && levelOf(child) === 4 && child.gfn === page.gfn;
        const known = entry.certain && (entry.kind !== 'link' || child !== undefined) && child?.certain !== false;
        verdict.check(known ? through : undefined, () => ({
          place: { page: page.id, index: entry.index, gfn: page.gfn },
          message: `${describeEntry(page, entry)} leads elsewhere than to level 4 of the same gfn`,
          expected: `entry 000 to gfn ${hex(page.gfn)} L4`,
          found: child ? `entry ${hex(entry.index)} to ${describe(child)}` : `entry ${hex(entry.index)}: ${entry.kind}`,
        }));
      }
    },
  },
];

function isUpper(page: PageSnapshot): boolean {
  return levelOf(page) >= 2 && hasGptes(page);
}

/** `gfn_track` counts the pages of level 2 and up that are not invalid, and external users. */
function tracked(page: PageSnapshot, facts: Facts, verdict: Verdict): void {
  const smm = roleField(page.role, 'smm');
  const count = facts.tracking?.track(smm, page.gfn);
  const external = facts.tracking?.external(smm, page.gfn);
  const pages = facts
    .pagesOfGfn(page.gfn)
    .filter((other) => isUpper(other) && !isInvalid(other) && roleField(other.role, 'smm') === smm).length;
  const holds = count === undefined ? undefined : external === undefined ? count >= pages : count === pages + external;
  verdict.check(holds, () => ({
    place: { gfn: page.gfn },
    message: `gfn_track of guest frame ${hex(page.gfn)} is ${count}, but ${pages} page${pages === 1 ? '' : 's'} of level 2 or more shadow${pages === 1 ? 's' : ''} it`,
    expected: `${pages + (external ?? 0)}`,
    found: `${count}`,
  }));
}

function protectedGfn(page: PageSnapshot, facts: Facts, verdict: Verdict, what: string): void {
  const valid = isValid(page, facts);
  if (valid === undefined) return verdict.unknown();
  if (!valid) return;
  let unknown = false;
  for (const mapping of facts.leavesOf(page.gfn)) {
    const writable = isWritable(mapping, facts);
    if (writable === undefined) unknown = true;
    else if (writable) return verdict.check(false, () => wrongLeaf(mapping, page, what));
  }
  if (unknown) verdict.unknown();
  else verdict.check(true, () => wrongLeaf(facts.leavesOf(page.gfn)[0]!, page, what));
}

/** For a leaf that has just been made or changed: the pages whose guest table it would let the guest write. */
function writableLeaf(isProtected: (page: PageSnapshot) => boolean): Invariant['entry'] {
  return {
    kinds: ['leaf'],
    check(entry, page, facts, verdict) {
      for (const gfn of writableFrames(entry, page, facts) ?? []) {
        for (const shadow of facts.pagesOfGfn(gfn)) {
          if (!hasGptes(shadow) || !isValid(shadow, facts) || !isProtected(shadow)) continue;
          const what = levelOf(shadow) === 1 ? 'a page table that counts as sync' : 'a page directory';
          verdict.check(shadow.certain ? false : undefined, () => wrongLeaf({ page, entry }, shadow, what));
        }
      }
    },
  };
}

/** A page table that a leaf lets the guest write is unsync; `writable` undefined: perhaps the leaf does not. */
function isUnsync(shadow: PageSnapshot, { page, entry }: Mapping, verdict: Verdict, writable: true | undefined): void {
  verdict.check(writable && shadow.unsync, () => ({
    place: { page: shadow.id, gfn: shadow.gfn },
    message: `${describe(shadow)} is sync, but ${describeEntry(page, entry)} lets the guest write its table`,
    expected: 'unsync',
    found: 'sync',
  }));
}

function wrongLeaf({ page, entry }: Mapping, shadow: PageSnapshot, what: string): ReturnType<Parameters<Verdict['check']>[1]> {
  return {
    place: { page: page.id, index: entry.index, gfn: shadow.gfn },
    message: `${describeEntry(page, entry)} is writable and maps guest frame ${hex(shadow.gfn)}, which is ${what} shadowed by ${describe(shadow)}: KVM would not see the guest change it`,
    expected: 'W and MMU-writable clear',
    found: `0x${hex(entry.spte!)}`,
  };
}

function isWritable({ entry, page }: Mapping, { format }: Facts): boolean | undefined {
  return entry.certain && page.certain && entry.spte !== undefined ? (entry.spte & format.writable) !== 0n : undefined;
}

/** The guest frames that a leaf lets the guest write, those that have shadow pages; undefined for a leaf that is not writable. */
function writableFrames(entry: EntrySnapshot, page: PageSnapshot, facts: Facts): Gfn[] | undefined {
  if (entry.gfn === undefined || entry.spte === undefined || (entry.spte & facts.format.writable) === 0n) return undefined;
  const gfns: Gfn[] = [];
  const count = pagesPerEntry(levelOf(page));
  for (let gfn = entry.gfn as number; gfn < entry.gfn + count; gfn++) {
    if (facts.pagesOfGfn(gfn as Gfn).length) gfns.push(gfn as Gfn);
  }
  return gfns;
}
