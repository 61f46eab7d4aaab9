import { NO_PAGE, type EventIndex, type Role } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { roleField } from '../engine/role.js';
import { Cause } from '../engine/unseen.js';
import type { EventTable } from '../trace/table.js';
import { Kind, SpSlot } from '../trace/vocabulary.js';
import { matchPage } from './pageMatch.js';
import type { GetPageRecord } from './pageRecords.js';
import { makesFirstVcpu } from './tasks.js';

/**
 * Tells whether a trace begins in mid-life of a VM. Before a vCPU enters the guest for the first time it makes the pages of its root, and
 * nothing else of the MMU can come before [6.1 x86.c:vcpu_enter_guest, mmu.c:kvm_mmu_load]. A trace that begins with such a load may be cut
 * off there all the same, unless it shows how the vCPU was made: that is open until the first page below the root.
 */
export class Beginnings {
  private readonly open = new Set<Mmu>();

  constructor(private readonly table: EventTable) {}

  /** The first event of a vCPU, or of another task, of a VM of which no vCPU had one. */
  begin(mmu: Mmu, vcpu: number | undefined, event: EventIndex): void {
    const { table } = this;
    if (vcpu === undefined) {
      if (table.kind(event) === Kind.zapAllFast && table.num(event, 1) > 0) this.found(mmu);
      return;
    }
    const before = ownEvents(table, event);
    if (before.some((own) => table.unreadKind(own) <= Kind.prepareZap)) return this.found(mmu, Cause.lost);
    if (before.some((own) => makesFirstVcpu(table, own))) return;
    // They do not tell that the task is a vCPU's.
    const isOld = before.some((own) => FROM_GUEST.has(table.kind(own))) || showsOlderPages(table, event, !mmu.has('local-pages'));
    if (isOld) this.found(mmu);
    else this.open.add(mmu);
  }

  /** Whether an event that was not announced shows that the beginning is missing: it is about a page that no event made. */
  shows(mmu: Mmu, record: GetPageRecord, roleMask: number): boolean {
    const shows = this.open.has(mmu) && !record.created && matchPage(mmu, record, roleMask).page === NO_PAGE;
    if (shows) this.found(mmu);
    return shows;
  }

  /** A page was made below a root: nothing speaks for older ones. */
  madeChild(mmu: Mmu): void {
    if (this.open.size > 0) this.open.delete(mmu);
  }

  /** Pages that no event showed may live. */
  private found(mmu: Mmu, cause: Cause = Cause.midLife): void {
    mmu.incomplete = true;
    mmu.unseen.happened(cause);
  }
}

/** @param rootsHaveEvents false where a root may be a local page, which no event shows */
function showsOlderPages(table: EventTable, first: EventIndex, rootsHaveEvents: boolean): boolean {
  if (table.kind(first) !== Kind.getPage) return rootsHaveEvents;
  const role = table.num(first, SpSlot.role) as Role;
  if (table.num(first, SpSlot.created) === 0 || (roleField(role, 'level') === 1 && rootsHaveEvents)) return true;
  // The pages of a PDPT come in order.
  if (roleField(role, 'level') === 2 && roleField(role, 'has4ByteGpte') && roleField(role, 'quadrant')) return true;
  return table.has(first, SpSlot.gen) && table.num(first, SpSlot.gen) > 0 && !has(table, first, Kind.zapAllFast);
}

/** What a task had before its first event that tells of a VM: few events, as a rule. */
function ownEvents(table: EventTable, first: EventIndex): number[] {
  const pid = table.pid(first);
  const events = [];
  for (let event = 0; event < first; event++) if (table.pid(event) === pid) events.push(event);
  return events;
}

/** What KVM does for a guest that has run. */
const FROM_GUEST: ReadonlySet<number> = new Set<number>([
  Kind.element,
  Kind.setAccessed,
  Kind.setDirty,
  Kind.walkerError,
  Kind.emulateInsn,
  Kind.trackWrite,
  Kind.spteRequested,
  Kind.setSpte,
  Kind.syncPage,
  Kind.unsyncPage,
  Kind.markMmio,
  Kind.checkMmio,
  Kind.handleMmio,
  Kind.tdpSpteChanged,
]);

function has(table: EventTable, before: EventIndex, kind: Kind): boolean {
  for (let event = 0; event < before; event++) if (table.kind(event) === kind) return true;
  return false;
}
