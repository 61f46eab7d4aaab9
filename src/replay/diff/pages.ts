import { NO_PAGE, type EventIndex, type PageId, type Role } from '../../engine/ids.js';
import { roleField } from '../../engine/role.js';
import type { Cursor } from '../cursor.js';
import type { DiffRun, RoleComparison } from './run.js';

/** A page as the views name it: `104 L1 q0`. */
export function pageName(run: DiffRun, id: PageId): string {
  const { gfn, role } = run.history.pages.birth(id);
  return `${gfn.toString(16)} L${roleField(role, 'level')} q${roleField(role, 'quadrant')}`;
}

/**
 * Which shadow page of one run is which of the other: those that events of the same step are about, and else those of the same gfn and
 * role. By the events, pages are told to be the same even where the kernels give them other roles.
 */
export class PagePairs {
  private readonly ofA = new Map<PageId, PageId>();
  private readonly ofB = new Map<PageId, PageId>();

  /** roles tell pages apart */
  private readonly showAll: boolean;
  private readonly alike = new Map<DiffRun, Map<PageId, boolean>>();

  constructor(
    private readonly a: DiffRun,
    private readonly b: DiffRun,
    private readonly roles: RoleComparison,
  ) {
    this.showAll = [a, b].every(({ history, isScenario }) => isScenario || history.table.info.roles === 'exact');
  }

  /** Events say that they are the same. A page that stands for two of the other run's stays the first one's while that lives. */
  pair(a: PageId, b: PageId, eventA: EventIndex, eventB: EventIndex): void {
    if (a === NO_PAGE || b === NO_PAGE) return;
    const [nowA, nowB] = [this.ofB.get(b), this.ofA.get(a)];
    if (nowB === undefined || this.b.history.pages.died(nowB) < eventB) this.ofA.set(a, b);
    if (nowA === undefined || this.a.history.pages.died(nowA) < eventA) this.ofB.set(b, a);
  }

  /** They were paired by an earlier event. */
  met(a: PageId, b: PageId): boolean {
    return a !== NO_PAGE && this.ofA.get(a) === b;
  }

  /** The page of B that is A's; the cursor stands where it is asked for. */
  inB(page: PageId, cursor: Cursor): PageId {
    return this.ofA.get(page) ?? this.found(this.a, page, this.b, cursor, this.ofB);
  }
  inA(page: PageId, cursor: Cursor): PageId {
    return this.ofB.get(page) ?? this.found(this.b, page, this.a, cursor, this.ofA);
  }

  /** What tells pages of one gfn and level apart within a step: the same for two that are paired, and else what they look like. */
  nameInA(page: PageId): string {
    const other = this.ofA.get(page);
    return other === undefined ? this.looks(this.a, page) : `#${other}`;
  }
  nameInB(page: PageId): string {
    const other = this.ofB.get(page);
    return other !== undefined && this.ofA.get(other) === page ? `#${page}` : this.looks(this.b, page);
  }

  private looks(run: DiffRun, page: PageId): string {
    const { role } = run.history.pages.birth(page);
    return `${roleField(role, 'quadrant')} ${roleField(role, 'direct')} ${this.roles.value(role, 'access')}`;
  }

  same(a: PageId, b: PageId): boolean {
    const known = this.ofA.get(a);
    return known === b || (known === undefined && !this.ofB.has(b) && this.identity(this.a, a) === this.identity(this.b, b));
  }

  private found(from: DiffRun, page: PageId, to: DiffRun, cursor: Cursor, taken: ReadonlyMap<PageId, PageId>): PageId {
    const { vm, gfn } = from.history.pages.birth(page);
    const wanted = this.identity(from, page);
    const alike = cursor.pagesOfGfn(vm, gfn).filter((id) => !taken.has(id) && this.identity(to, id) === wanted);
    return alike.length === 1 ? alike[0]! : NO_PAGE;
  }

  /**
   * In what both runs show of roles, the page looks like another one which lived at the same time: in a text trace, events may have been
   * taken for the other's.
   */
  isAlike(run: DiffRun, page: PageId): boolean {
    if (this.showAll) return false;
    const { pages } = run.history;
    const known = this.alike.get(run) ?? new Map<PageId, boolean>();
    this.alike.set(run, known);
    let alike = known.get(page);
    if (alike === undefined) {
      const { vm, gfn } = pages.birth(page);
      const identity = this.identity(run, page);
      const met = (id: PageId): boolean => pages.born(id) <= pages.died(page) && pages.died(id) >= pages.born(page);
      alike = pages.everOfGfn(vm, gfn).some((id) => id !== page && met(id) && this.identity(run, id) === identity);
      known.set(page, alike);
    }
    return alike;
  }

  private identity(run: DiffRun, page: PageId): string {
    const { vm, gfn, role } = run.history.pages.birth(page);
    return `${vm}:${gfn}:${this.roles.key(role)}`;
  }
}

/** The role that an event names; a scenario's run knows all of it, whatever the text shows. */
export function roleOf(run: DiffRun, page: PageId, recorded: Role): Role {
  return run.isScenario && page !== NO_PAGE ? run.history.pages.birth(page).role : recorded;
}
