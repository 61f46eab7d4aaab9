import type { SpteIndex } from '../ids.js';
import { factsOf, type Facts } from './facts.js';
import { GENERATIONS } from './generations.js';
import { IDENTITY } from './identity.js';
import type { Invariant } from './invariant.js';
import { LIVENESS } from './liveness.js';
import { MMIO } from './mmio.js';
import { QUADRANT } from './quadrant.js';
import { Report } from './report.js';
import { REVERSE_MAPS } from './reverseMaps.js';
import type { EntrySnapshot, PageSnapshot, Snapshot, VcpuSnapshot } from './snapshot.js';
import { STRUCTURE } from './structure.js';
import { TRANSLATION } from './translation.js';
import { UNSYNC } from './unsync.js';
import { WRITE_PROTECTION } from './writeProtection.js';

/** The 53 of `spec/invariants.md`, by number. */
export const INVARIANTS: readonly Invariant[] = [
  ...IDENTITY,
  ...TRANSLATION,
  ...STRUCTURE,
  ...MMIO,
  ...QUADRANT,
  ...REVERSE_MAPS,
  ...WRITE_PROTECTION,
  ...UNSYNC,
  ...GENERATIONS,
  ...LIVENESS,
].sort((a, b) => a.number - b.number);

const OF_PAGES = INVARIANTS.filter((invariant) => invariant.page);
const OF_RMAPS = INVARIANTS.filter((invariant) => invariant.rmap);
const OF_VCPUS = INVARIANTS.filter((invariant) => invariant.vcpu);
const OF_VM = INVARIANTS.filter((invariant) => invariant.vm);
const OF_ENTRIES: Record<EntrySnapshot['kind'], readonly Invariant[]> = {
  leaf: ofKind('leaf'),
  link: ofKind('link'),
  mmio: ofKind('mmio'),
  unknown: [],
};

function ofKind(kind: EntrySnapshot['kind']): readonly Invariant[] {
  return INVARIANTS.filter(({ entry }) => entry?.kinds.includes(kind));
}

/** Every invariant over all of a snapshot. */
export function checkAll(snapshot: Snapshot, report = new Report()): Report {
  return checkFacts(factsOf(snapshot), report);
}

export function checkFacts(facts: Facts, report: Report): Report {
  for (const { number } of INVARIANTS) report.tally(number);
  for (const page of facts.pages()) {
    checkPage(page, facts, report);
    if (!page.freed) for (const entry of page.entries) checkEntry(entry, page, facts, report);
  }
  for (const invariant of OF_RMAPS) for (const rmap of facts.rmaps()) invariant.rmap!(rmap, facts, report.verdict(invariant.number));
  for (const vcpu of facts.vcpus) checkVcpu(vcpu, facts, report);
  for (const invariant of OF_VM) invariant.vm!(facts, report.verdict(invariant.number));
  return report;
}

/** What the header of one page says. */
export function checkPage(page: PageSnapshot, facts: Facts, report: Report): void {
  for (const invariant of OF_PAGES) {
    invariant.page!(page, facts, page.certain ? report.verdict(invariant.number) : report.doubt(invariant.number));
  }
}

/** What one SPTE says. */
export function checkEntry(entry: EntrySnapshot, page: PageSnapshot, facts: Facts, report: Report): void {
  const child = entry.child === undefined ? undefined : facts.page(entry.child);
  const certain = entry.certain && page.certain && child?.certain !== false;
  for (const invariant of OF_ENTRIES[entry.kind]) {
    invariant.entry!.check(entry, page, facts, certain ? report.verdict(invariant.number) : report.doubt(invariant.number));
  }
}

export function checkVcpu(vcpu: VcpuSnapshot, facts: Facts, report: Report): void {
  for (const invariant of OF_VCPUS) invariant.vcpu!(vcpu, facts, report.verdict(invariant.number));
}

/** One SPTE by its place, when it is not empty. */
export function checkEntryAt(page: PageSnapshot, index: SpteIndex, facts: Facts, report: Report): void {
  const entry = facts.entry(page.id, index);
  if (entry) checkEntry(entry, page, facts, report);
}
