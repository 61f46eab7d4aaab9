import type { PageId } from '../ids.js';
import { roleField } from '../role.js';
import { pagesPerEntry } from '../spte.js';
import { hasGptes, isInvalid, isValid, levelOf, type Facts } from './facts.js';
import { describe, hex, type Invariant } from './invariant.js';
import { agreesWithGuest } from './translation.js';
import type { EntrySnapshot, PageSnapshot, VcpuSnapshot } from './snapshot.js';

/** What must come of a fault, a flush, a recycling: I-51 to I-53. */
export const LIVENESS: readonly Invariant[] = [
  {
    number: 51,
    title: 'a fault that was fixed does not come again while nothing has changed',
    vm({ recent }, verdict) {
      if (!recent?.faults) return verdict.unknown();
      const fixed = new Map<string, number>();
      for (const { vcpu, address, error, result, world } of recent.faults) {
        if (result !== 'fixed') continue;
        const key = `${vcpu}:${address >> 12n}:${error}`;
        const again = fixed.get(key) === world;
        fixed.set(key, world);
        verdict.check(!again, () => ({
          place: { vcpu },
          message: `vCPU ${vcpu} faulted at ${hex(address)} again after the fault was fixed, and nothing had changed: the fix did not take`,
          expected: 'no fault, or a spurious one',
          found: 'fixed twice',
        }));
      }
    },
  },
  {
    number: 52,
    title: 'after a flush, what a vCPU reaches in its range agrees with the guest tables',
    vm(facts, verdict) {
      if (!facts.recent?.flushed) return verdict.unknown();
      for (const { vcpu: id, first, last } of facts.recent.flushed) {
        const vcpu = facts.vcpus.find((each) => each.id === id);
        if (!vcpu?.allCertain) verdict.unknown();
        else
          for (const { entry, page } of reachable(vcpu, first, last, facts)) {
            if (!entry.certain) verdict.unknown();
            else if (entry.kind === 'leaf' && levelOf(page) === 1 && hasGptes(page)) agreesWithGuest(entry, page, facts, verdict);
          }
      }
    },
  },
  {
    number: 53,
    title: 'recycling leaves roots alone, and stops below the limit or when only roots are left',
    vm(facts, verdict) {
      const recycled = facts.recent?.recycled;
      if (!recycled) return verdict.unknown();
      for (const { page: id, rootCount } of recycled) {
        const page = facts.page(id);
        verdict.check(rootCount === 0, () => ({
          place: { page: id },
          message: `${page ? describe(page) : `page ${id}`} was recycled while ${rootCount} root slots referred to it`,
          expected: 'root_count 0',
          found: `root_count ${rootCount}`,
        }));
      }
      const used = facts.counters?.used;
      const max = facts.counters?.max;
      if (used === undefined || max === undefined) return verdict.unknown();
      const others = [...facts.pages()].filter((page) => !page.freed && !isInvalid(page) && !page.local && !page.rootCount);
      const allKnown = others.every((page) => page.rootCount !== undefined);
      verdict.check(used <= max || others.length === 0 ? true : allKnown ? false : undefined, () => ({
        place: {},
        message: `after recycling ${used} pages are used of ${max}, though ${others.length} of them are no roots`,
        expected: `at most ${max}`,
        found: `${used}`,
      }));
    },
  },
];

interface Reached {
  readonly entry: EntrySnapshot;
  readonly page: PageSnapshot;
}

/** Leaves, and entries that may be leaves, that a vCPU reaches for page numbers `first` to `last`. */
function* reachable(vcpu: VcpuSnapshot, first: number, last: number, facts: Facts): Generator<Reached> {
  for (const [slot, id] of vcpu.roots.entries()) {
    const base = vcpu.shape === 'pae' ? slot * 2 ** 18 : 0;
    if (id !== 0) yield* below(id, base, first, last, facts);
  }
}

function* below(id: PageId, base: number, first: number, last: number, facts: Facts): Generator<Reached> {
  const page = facts.page(id);
  if (!page || isValid(page, facts) === false || roleField(page.role, 'passthrough')) return;
  const step = pagesPerEntry(levelOf(page));
  for (const entry of page.entries) {
    const from = base + entry.index * step;
    if (from > last || from + step - 1 < first) continue;
    if (entry.kind === 'link' && entry.certain && entry.child !== undefined) yield* below(entry.child, from, first, last, facts);
    else if (entry.kind !== 'mmio') yield { entry, page };
  }
}
