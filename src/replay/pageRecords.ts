import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Role } from '../engine/ids.js';
import { withRole } from '../engine/role.js';
import type { EventTable } from '../trace/table.js';
import { Kind, SpSlot } from '../trace/vocabulary.js';
import type { Match, PageRecord } from './pageMatch.js';
import type { Reading } from './reading.js';
import type { Task } from './task.js';

/** What kvm_mmu_{get,sync,unsync,prepare_zap}_page say of their page. */
export function pageRecord(reading: Reading): GetPageRecord {
  return {
    gfn: reading.num(SpSlot.gfn) as Gfn,
    role: reading.num(SpSlot.role) as Role,
    generation: reading.has(SpSlot.gen) ? reading.num(SpSlot.gen) : undefined,
    rootCount: reading.num(SpSlot.rootCount),
    unsync: reading.num(SpSlot.unsync) === 1,
    created: reading.num(SpSlot.created) === 1,
  };
}

/** An event about a page that does not say about which: a report leaves the gfn out of all but kvm_mmu_get_page. */
export function isAnonymous(table: EventTable, event: EventIndex): boolean {
  return table.kind(event) <= Kind.prepareZap && !table.has(event, SpSlot.gfn);
}

/** A kvm_mmu_get_page. */
export interface GetPageRecord extends PageRecord {
  readonly created: boolean;
}

/** An event about a page with two readings decides for one of them. */
export function decide({ mmu }: Task, { page, by }: Match): PageId {
  if (page !== NO_PAGE) mmu.decide(page, by === 'record');
  return page;
}

/** A record's root_count tells whether a previous root was let go unseen. */
export function settleRootCount({ kvm, mmu }: Task, page: PageId, recorded: number): void {
  const vcpu = kvm.doubtedRoots.get(page);
  if (!vcpu) return;
  kvm.doubtedRoots.delete(page);
  if (recorded < mmu.pages.rootCount(mmu.state, page)) vcpu.freePrevious(page);
}

/** A page that is not known: it was there before the trace, or before a loss. */
export function existedBefore(record: PageRecord, task: Task, unsync: boolean): PageId {
  task.mmu.incomplete = true;
  return task.mmu.create(
    { gfn: record.gfn, role: withRole(record.role, { invalid: 0 }), generation: record.generation ?? task.mmu.generation(), before: true },
    record.rootCount,
    unsync,
  );
}
