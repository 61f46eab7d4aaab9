import { EntryState, entryState } from '../entry.js';
import type { PageId, SpteIndex } from '../ids.js';
import type { CellId, RecordIndex } from '../journal.js';
import type { Mmu } from '../mmu.js';
import type { ShadowPages } from '../pages.js';
import type { WritableState } from '../state.js';
import type { Vcpu } from '../vcpu.js';
import { checkAll, checkEntryAt, checkPage, checkVcpu } from './check.js';
import { EngineFacts } from './engineFacts.js';
import { snapshotOf, type Known } from './engineSnapshot.js';
import { Report, type Violation } from './report.js';

/** Cells of an SPTE block: 512 entries and their guest frames. */
const ENTRY_CELLS = 1024;
const ENTRIES = 512;
/** Events between two looks at everything: at least so many, and so many for each check that such a look takes. */
const LEAST_EVENTS = 1000;
const EVENTS_PER_CHECK = 1;

/** The engine whose state is watched. Its lists may grow. */
export interface Watched {
  readonly state: WritableState;
  readonly pages: ShadowPages;
  readonly mmus: readonly Mmu[];
  readonly vcpus: readonly Vcpu[];
}

/**
 * Checks the invariants along a run. After each event only what its journal records have touched can have become wrong by itself:
 * these SPTEs, page headers and vCPUs are looked at, with what they refer to and what refers to them. From time to time, the less
 * often the larger it is, and when asked, the whole state is, so that what one event leaves behind elsewhere, a fault of the look-up
 * maps themselves and a wrong count are found as well.
 */
export class InvariantWatch {
  /** by VM */
  private readonly reports: Report[] = [];
  private next: RecordIndex;
  private readonly cells: CellOwners;
  /** SPTEs that ever led to a page that lives, page * 512 + index: a zap must have found all that still do */
  private readonly links = new Map<PageId, Set<number>>();
  private sinceFull = 0;
  /** the first look is at everything: the watch may begin late */
  private untilFull = 0;

  constructor(
    private readonly engine: Watched,
    private readonly known: (vm: number) => Known,
    private readonly onViolation: (vm: number, violation: Violation) => void,
  ) {
    this.next = engine.state.journal.length;
    this.cells = new CellOwners(engine.pages);
  }

  report(vm: number): Report {
    for (let next = this.reports.length; next <= vm; next++) this.reports.push(new Report());
    return this.reports[vm]!;
  }

  /** After an event. */
  step(): void {
    const { journal } = this.engine.state;
    if (++this.sinceFull >= this.untilFull) return this.checkEverything();
    if (this.next < journal.length) this.checkTouched();
  }

  /** The whole state of every VM. */
  checkEverything(): void {
    this.sinceFull = 0;
    this.next = this.engine.state.journal.length;
    const before = this.checks();
    for (const mmu of this.engine.mmus) {
      this.reporting(mmu.vm, (report) => checkAll(snapshotOf(mmu, this.engine.vcpus, mmu.state, this.known(mmu.vm)), report));
    }
    this.untilFull = Math.max(LEAST_EVENTS, Math.ceil((this.checks() - before) * EVENTS_PER_CHECK));
  }

  /** Looks at anything so far, also those that told nothing. */
  private checks(): number {
    let checks = 0;
    for (const { tallies } of this.reports) for (const { checked, unknown } of tallies.values()) checks += checked + unknown;
    return checks;
  }

  private checkTouched(): void {
    const touched = new Map<number, Touched>();
    const of = (vm: number): Touched => {
      let parts = touched.get(vm);
      if (!parts) touched.set(vm, (parts = { pages: new Set(), entries: new Set(), vcpus: new Set() }));
      return parts;
    };
    const { journal } = this.engine.state;
    this.cells.grow();
    for (; this.next < journal.length; this.next++) {
      const cell = journal.cell(this.next);
      const owner = this.cells.ownerOf(cell);
      if (owner === undefined) {
        const vcpu = this.engine.vcpus.find((each) => each.hasCell(cell));
        if (vcpu) of(vcpu.vm).vcpus.add(vcpu);
      } else if (owner.offset !== undefined) {
        if (owner.offset < ENTRIES) this.touchEntry(owner.page * ENTRIES + owner.offset, of(owner.vm));
      } else if (this.isHeader(owner.page, cell)) of(owner.vm).pages.add(owner.page);
    }
    for (const [vm, parts] of touched) this.reporting(vm, (report) => this.checkParts(vm, parts, report));
  }

  private touchEntry(place: number, touched: Touched): void {
    touched.entries.add(place);
    const { journal } = this.engine.state;
    if (entryState(journal.tag(this.next)) !== EntryState.link) return;
    const child = journal.number(this.next) as PageId;
    const links = this.links.get(child);
    if (links) links.add(place);
    else this.links.set(child, new Set([place]));
  }

  private checkParts(vm: number, parts: Touched, report: Report): void {
    const facts = new EngineFacts(this.engine.mmus[vm]!, this.engine.vcpus, this.known(vm), this.links);
    for (const id of parts.pages) {
      const page = facts.page(id)!;
      checkPage(page, facts, report);
      if (page.freed) this.links.delete(id);
    }
    for (const place of parts.entries) {
      const page = facts.page(Math.floor(place / ENTRIES) as PageId)!;
      if (!page.freed) checkEntryAt(page, (place % ENTRIES) as SpteIndex, facts, report);
    }
    if (parts.vcpus.size === 0) return;
    const changed = new Set([...parts.vcpus].map(({ id }) => id));
    for (const vcpu of facts.vcpus) if (changed.has(vcpu.id)) checkVcpu(vcpu, facts, report);
  }

  /** Cells of a header that an invariant is about; the others say how certain something is. */
  private isHeader(page: PageId, cell: CellId): boolean {
    const { pages } = this.engine;
    return cell === pages.lifeCell(page) || cell === pages.rootCountCell(page) || cell === pages.unsyncCell(page);
  }

  private reporting(vm: number, check: (report: Report) => void): void {
    const report = this.report(vm);
    const before = report.violations.length;
    check(report);
    for (const violation of report.violations.slice(before)) this.onViolation(vm, violation);
  }
}

interface Touched {
  readonly pages: Set<PageId>;
  /** page * 512 + index */
  readonly entries: Set<number>;
  readonly vcpus: Set<Vcpu>;
}

interface Owner {
  readonly vm: number;
  readonly page: PageId;
  /** in the block of SPTEs; undefined for a header's cell */
  readonly offset: number | undefined;
}

/** Which page a cell belongs to now. Blocks of SPTEs serve one page after the other. */
class CellOwners {
  /** first cells of headers and blocks, ascending, and whose they are */
  private readonly starts: CellId[] = [];
  private readonly owners: PageId[] = [];
  private readonly isBlock: boolean[] = [];
  private readonly blockAt = new Map<CellId, number>();
  private seen = 0;

  constructor(private readonly pages: ShadowPages) {}

  /** Takes note of the pages born since. */
  grow(): void {
    for (; this.seen < this.pages.last;) {
      this.seen++;
      const id = this.seen as PageId;
      // Cells are given out in ascending order, a page's header before its block.
      this.push(this.pages.lifeCell(id), id, false);
      const block = this.pages.entryCell(id, 0 as SpteIndex);
      const known = this.blockAt.get(block);
      if (known !== undefined) this.owners[known] = id;
      else {
        this.blockAt.set(block, this.starts.length);
        this.push(block, id, true);
      }
    }
  }

  ownerOf(cell: CellId): Owner | undefined {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle]! <= cell) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const at = low - 1;
    const page = this.owners[at]!;
    const offset = cell - this.starts[at]!;
    const { vm } = this.pages.birth(page);
    if (this.isBlock[at]) return offset < ENTRY_CELLS ? { vm, page, offset } : undefined;
    return offset < this.pages.headerCells ? { vm, page, offset: undefined } : undefined;
  }

  private push(start: CellId, page: PageId, isBlock: boolean): void {
    this.starts.push(start);
    this.owners.push(page);
    this.isBlock.push(isBlock);
  }
}
