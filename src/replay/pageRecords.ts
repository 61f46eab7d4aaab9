import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Role } from '../engine/ids.js';
import { withRole } from '../engine/role.js';
import type { EventTable } from '../trace/table.js';
import { SpSlot } from '../trace/vocabulary.js';
import type { QuadrantSource } from './findings/quadrantCard.js';
import type { Match, PageRecord } from './pageMatch.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';

/** What kvm_mmu_{get,sync,unsync,prepare_zap}_page say of their page. */
export function pageRecord(table: EventTable, event: EventIndex): GetPageRecord {
  return {
    gfn: table.num(event, SpSlot.gfn) as Gfn,
    role: table.num(event, SpSlot.role) as Role,
    generation: table.num(event, SpSlot.gen),
    rootCount: table.num(event, SpSlot.rootCount),
    unsync: table.num(event, SpSlot.unsync) === 1,
    created: table.num(event, SpSlot.created) === 1,
  };
}

/** A kvm_mmu_get_page. */
export interface GetPageRecord extends PageRecord {
  readonly created: boolean;
}

/** An event about a page whose role was in dispute decides for one of the two readings. */
export function decide(replay: Replayer, { page, by }: Match): PageId {
  if (page !== NO_PAGE && replay.pages.isContradicted(replay.state, page)) replay.pages.decideRole(replay.state, page, by === 'derived');
  return page;
}

/** A record's root_count tells whether a previous root was let go unseen. */
export function settleRootCount({ kvm, mmu }: Task, page: PageId, recorded: number): void {
  const vcpu = kvm.doubtedRoots.get(page);
  if (!vcpu) return;
  kvm.doubtedRoots.delete(page);
  if (recorded < mmu.pages.rootCount(mmu.state, page)) vcpu.freePrevious(page);
}

/** Record and engine differ in the quadrant. */
export function report(
  replay: Replayer,
  event: EventIndex,
  { mmu }: Task,
  record: PageRecord,
  derived: Role,
  from: QuadrantSource,
  page: PageId,
): void {
  replay.findings.quadrantMismatch(event, mmu, record.gfn, record.role, derived, from, page);
  mmu.disputed.add(record.gfn);
}

/** A page that is not known: it was there before the trace, or before a loss. */
export function existedBefore(record: PageRecord, task: Task, unsync: boolean): PageId {
  task.mmu.incomplete = true;
  return task.mmu.create(
    { gfn: record.gfn, role: withRole(record.role, { invalid: 0 }), generation: record.generation, before: true },
    record.rootCount,
    unsync,
  );
}
