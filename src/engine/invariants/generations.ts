import { isDirect, isInvalid, isObsolete, isValid, levelOf } from './facts.js';
import { describe, describeEntry, hex, type Invariant } from './invariant.js';
import type { Verdict } from './report.js';
import type { PageId } from '../ids.js';
import type { PageSnapshot } from './snapshot.js';

/** Writes to one upper table, without a walk through it, before it is zapped: 3. */
const MOST_WRITES = 2;

/** Generations, roots, local pages, write floods: I-45 to I-50. */
export const GENERATIONS: readonly Invariant[] = [
  {
    number: 45,
    title: 'generations are 0 and 1; pages of the old one are listed only while a fast zap is unfinished',
    vm(facts, verdict) {
      if (!facts.features.has('generations')) return;
      const { generation } = facts;
      verdict.check(generation === undefined ? undefined : isBit(generation), () => ({
        place: {},
        message: `mmu_valid_gen is ${generation}; it toggles between 0 and 1`,
        expected: '0 or 1',
        found: `${generation}`,
      }));
    },
    page(page, facts, verdict) {
      if (!facts.features.has('generations') || page.freed) return;
      verdict.check(isBit(page.generation), () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} is of generation ${page.generation}; there are only 0 and 1`,
        expected: '0 or 1',
        found: `${page.generation}`,
      }));
      if (isInvalid(page) || page.local) return;
      if (facts.generation === undefined) return verdict.unknown();
      const unfinished = facts.recent?.zapAllFastUnfinished;
      verdict.check(!isObsolete(page, facts) ? true : unfinished === undefined ? undefined : unfinished, () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} is of the old generation and still listed, but the fast zap is over: it is never found and never freed`,
        expected: `generation ${facts.generation}`,
        found: `generation ${page.generation}`,
      }));
    },
  },
  {
    number: 46,
    title: 'a vCPU in the guest uses a valid root, or has a request to leave it',
    vcpu(vcpu, facts, verdict) {
      if (vcpu.inGuest === undefined) return verdict.unknown();
      if (!vcpu.inGuest) return;
      vcpu.roots.forEach((id, slot) => {
        if (id === 0) return;
        const page = facts.page(id);
        const valid = page?.certain && vcpu.certain[slot] && vcpu.allCertain ? isValid(page, facts) : undefined;
        const holds = valid === false ? vcpu.reloadPending : valid;
        verdict.check(holds, () => ({
          place: { vcpu: vcpu.id, page: id },
          message: `vCPU ${vcpu.id} runs the guest on ${describe(page!)}, which is ${page!.freed ? 'freed' : isInvalid(page!) ? 'zapped' : 'obsolete'}, and no request makes it load another root`,
          expected: 'a valid root, or a pending request',
          found: `page ${id}`,
        }));
      });
    },
  },
  {
    number: 47,
    title: 'prev_roots hold only roots with a page header, and none beside a PDPT',
    vcpu(vcpu, facts, verdict) {
      const headless = vcpu.previous.filter((id) => id === null).length;
      verdict.check(headless === 0, () => ({
        place: { vcpu: vcpu.id },
        message: `prev_roots of vCPU ${vcpu.id} have a root without a page header: nothing tells whether it is still valid`,
        expected: 'pages',
        found: `${headless} without header`,
      }));
      if (vcpu.shape === undefined) return verdict.unknown();
      const current = vcpu.roots[0] === undefined ? undefined : facts.page(vcpu.roots[0]);
      const uncached = vcpu.shape === 'pae' || current?.local === true;
      verdict.check(!uncached || vcpu.previous.length === 0, () => ({
        place: { vcpu: vcpu.id },
        message: `vCPU ${vcpu.id} walks from ${current?.local ? 'a local page' : 'a PDPT without page header'}, and its prev_roots are not empty: such roots are freed at every switch`,
        expected: 'no cached roots',
        found: `${vcpu.previous.length} cached roots`,
      }));
    },
  },
  {
    number: 48,
    title: 'a local page is in no hash and no list, has gfn 0, one owner, and leads only to the next level',
    page(page, facts, verdict) {
      if (page.freed || !page.local) return;
      const level = levelOf(page);
      const must = (holds: boolean | undefined, what: string, expected: string): void => rule(page, holds, what, expected, verdict);
      must(page.bucket === undefined ? undefined : page.bucket === null, 'is in the hash', 'not in the hash');
      must(page.list === undefined ? undefined : page.list !== 'active', 'is on the active list', 'on no list');
      must(page.gfn === 0, `has gfn ${hex(page.gfn)}`, 'gfn 0');
      must(level >= 3, `is of level ${level}`, 'level 3 or more');
      must(page.accounted === undefined ? undefined : !page.accounted, 'is tracked as a guest table', 'not tracked');
      const owners = facts.vcpus.filter((vcpu) => vcpu.roots.includes(page.id)).length;
      must(owners <= 1, `is the root of ${owners} vCPUs`, 'one owner');
      for (const entry of page.entries) {
        const child = entry.child === undefined ? undefined : facts.page(entry.child);
        const known = entry.certain && (entry.kind !== 'link' || child !== undefined);
        const fits = entry.kind === 'link' && child !== undefined && levelOf(child) === level - 1 && entry.index < (level === 3 ? 4 : 1);
        verdict.check(known ? fits : undefined, () => ({
          place: { page: page.id, index: entry.index },
          message: `${describeEntry(page, entry)} is ${child ? `a link to ${describe(child)}` : `a ${entry.kind}`}; a local page leads to level ${level - 1} only, from ${level === 3 ? 'entries 0 to 3' : 'entry 0'}`,
          expected: `links to level ${level - 1}`,
          found: child ? `entry ${hex(entry.index)} to level ${levelOf(child)}` : `entry ${hex(entry.index)}: ${entry.kind}`,
        }));
      }
    },
  },
  {
    number: 49,
    title: 'a local page of an old generation leads at most to local pages once the fast zap is complete',
    page(page, facts, verdict) {
      if (page.freed || !page.local) return;
      const unfinished = facts.recent?.zapAllFastUnfinished;
      if (facts.generation === undefined || unfinished === undefined) return verdict.unknown();
      if (unfinished || !isObsolete(page, facts)) return;
      // A root of level 4 or 5 keeps the local page below it, which no zap finds either.
      const isLocal = (child: PageId | undefined): boolean => child !== undefined && facts.page(child)?.local === true;
      const present = page.entries.find(({ kind, child }) => (kind === 'link' && !isLocal(child)) || kind === 'leaf');
      verdict.check(!present ? true : present.certain ? false : undefined, () => ({
        place: { page: page.id, index: present!.index },
        message: `${describe(page)} is of the old generation and still has entries: the next toggle makes them valid again`,
        expected: 'empty',
        found: `SPTE ${hex(present!.index)} present`,
      }));
    },
  },
  {
    number: 50,
    title: 'write floods are counted up to 2, for guest tables of level 2 and up',
    page(page, { features }, verdict) {
      if (page.freed || isInvalid(page) || !features.has('flood-per-page')) return;
      const count = page.writeFloodingCount;
      const most = levelOf(page) === 1 || isDirect(page) ? 0 : MOST_WRITES;
      verdict.check(count === undefined ? undefined : count <= most, () => ({
        place: { page: page.id, gfn: page.gfn },
        message: `${describe(page)} has write_flooding_count ${count}: ${most ? 'at 3 it is zapped' : 'writes to it are not counted'}`,
        expected: `at most ${most}`,
        found: `${count}`,
      }));
    },
    vcpu(vcpu, { features }, verdict) {
      if (features.has('flood-per-page')) return;
      const { lastWrite } = vcpu;
      verdict.check(lastWrite && (lastWrite.gfn === undefined || lastWrite.count >= 1), () => ({
        place: { vcpu: vcpu.id, gfn: lastWrite!.gfn },
        message: `vCPU ${vcpu.id} remembers gfn ${hex(lastWrite!.gfn!)} as written last, but last_pt_write_count is ${lastWrite!.count}`,
        expected: 'at least 1',
        found: `${lastWrite!.count}`,
      }));
    },
  },
];

function isBit(generation: number): boolean {
  return generation === 0 || generation === 1;
}

function rule(page: PageSnapshot, holds: boolean | undefined, what: string, expected: string, verdict: Verdict): void {
  verdict.check(holds, () => ({
    place: { page: page.id, gfn: page.gfn },
    message: `${describe(page)} belongs to one vCPU alone, but it ${what}`,
    expected,
    found: what,
  }));
}
