import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Pfn } from '../engine/ids.js';
import { Output, type Announcement, type Came } from '../engine/announcement.js';
import { apply } from '../engine/apply.js';
import { Trust } from '../engine/entry.js';
import { withRole } from '../engine/role.js';
import type { Reason } from '../engine/reasons.js';
import { zapAll, zapObsolete } from '../engine/steps/zap.js';
import { isMmioSpte, spteFrame } from '../engine/spte.js';
import { NO_SLOT } from '../engine/steps/request.js';
import { BEFORE_FIRST } from '../engine/ids.js';
import { Cause } from '../engine/unseen.js';
import { Kind } from '../trace/vocabulary.js';
import { expect } from './drive.js';
import { matchPage } from './pageMatch.js';
import { pageRecord } from './pageRecords.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';
import { Work, type Verdict } from './work.js';

/** Holds every recorded output against what the engine announced, counts how they compare, and remembers what the record showed. */
export class Conformance {
  constructor(private readonly replay: Replayer) {}

  workOf(task: Task): Work {
    const { replay } = this;
    return new Work(
      {
        isAbout: (event, page) => this.isAbout(event, page, task),
        isSure: (page) => task.mmu.isObsolete(page) || !this.hasTwin(page, task),
        unrecorded: (announced) => this.unrecorded(task, announced),
        missing: (event, announced) => {
          replay.accounts.missing(announced.output as Kind);
          replay.findings.missing(event, task.mmu, announced);
        },
        wrong: (event, announced, differences) => {
          replay.accounts.revise(announced.output as Kind, 'exact', 'wrong');
          replay.findings.mismatch(event, task.mmu, announced, differences, replay.notes.pageOf(event));
        },
      },
      replay.table,
      replay.roleMask,
    );
  }

  /** An announced event was not recorded; its effect takes place all the same. */
  private unrecorded(task: Task, announced: Announcement): Came {
    const came = apply(task, announced, Trust.derived);
    if (announced.output !== Output.prepareZap) return came;
    task.zappedUnsync = announced.fields.unsync ? announced.page : NO_PAGE;
    if (!task.mmu.pages.isLive(task.mmu.state, announced.page)) this.replay.pageGone(announced.page);
    return came;
  }

  judge(event: EventIndex, kind: Kind, task: Task): Verdict {
    expect(task);
    let verdict = task.work.judge(event, kind);
    // What was under way is over: the event may belong to what comes after it.
    if (isUnannounced(verdict) && expect(task)) verdict = task.work.judge(event, kind);
    if (!isUnannounced(verdict)) return verdict;
    const reason = this.excuse(kind, task);
    return reason ? { outcome: 'unpredictable', reason } : verdict;
  }

  account(event: EventIndex, kind: Kind, task: Task, verdict: Verdict, came: Came): void {
    const { accounts, findings } = this.replay;
    task.settled = false;
    if (verdict.outcome === 'learned') accounts.add(kind, 'learned', verdict.reasons);
    else if (verdict.outcome === 'unpredictable') accounts.add(kind, 'unpredictable', [verdict.reason]);
    else accounts.add(kind, verdict.outcome);
    if (verdict.outcome === 'wrong') findings.mismatch(event, task.mmu, verdict.announced, verdict.differences, came.page);
    if (verdict.outcome === 'unpredicted') findings.unpredicted(event, task.mmu, verdict.announced, came.page);
    this.follow(kind, task, verdict);
  }

  /** What the first event of a burst without a cause of its own leads to. */
  private follow(kind: Kind, task: Task, verdict: Verdict): void {
    if (verdict.outcome !== 'unpredictable' || verdict.reason !== 'trigger') return;
    if (kind === Kind.zapAllFast) task.work.start(zapObsolete(task.kvm));
    else if (kind === Kind.prepareZap) task.work.start(zapAll(task.kvm));
  }

  /** Why an event could not be announced though nothing was expected; undefined when there is no excuse. */
  private excuse(kind: Kind, task: Task): Reason | undefined {
    const { mmu, vcpu } = task;
    if (mmu.unseen.last(mmu.state, Cause.lost) !== BEFORE_FIRST) return 'lost';
    if (mmu.incomplete) return 'mid-life';
    // The events of pages may all be unreadable.
    if (kind > Kind.prepareZap && vcpu?.rootLevel() === 0) return 'root';
    if (kind === Kind.zapAllFast) return 'trigger';
    if (kind === Kind.prepareZap && (!vcpu || !task.inFault)) return 'trigger';
    if (mmu.unseen.last(mmu.state, Cause.exitsSeen) === BEFORE_FIRST) return 'no-kvm-events';
    if (kind === Kind.setSpte && task.invalidating) return 'invlpg';
    return undefined;
  }

  /** What a record shows of the guest's and the host's memory. */
  learn(event: EventIndex, kind: Kind, task: Task): void {
    const { table } = this.replay;
    const { kvm } = task;
    if (kind === Kind.spteRequested) {
      const pfn = table.word(event, 1);
      const gfn = task.walk ? task.walk.gfn : (table.num(event, 0) as Gfn);
      if (gfn === undefined) return;
      if (pfn & NO_SLOT) {
        kvm.host.sawNoSlot(gfn, event);
        const address = task.pageFault?.address ?? task.walk?.address;
        if (address !== undefined) task.vcpu?.mmio.keep(address, !task.walk, kvm.slotGeneration);
      } else if (task.walk && task.walk.leafLevel > 1 && kvm.mmu.has('requests-print-address')) {
        return; // neither frame nor level are what is mapped
      } else {
        const known = kvm.host.at(gfn);
        const writes = ((task.pageFault?.error ?? task.walk?.error ?? 0) & 2) !== 0;
        const same = known?.pfn === Number(pfn);
        if (!same || (writes && !known.writable)) {
          kvm.host.sawFrame(gfn, Number(pfn) as Pfn, writes ? true : same ? known.writable : undefined, event);
        }
        // A small page tells of the host only where guest and shadowed tables allow a large one.
        const level = table.num(event, 2);
        if (level > 1 || (task.walk?.leafLevel !== 1 && !kvm.mmu.largePages.disallowed(gfn))) kvm.host.sawLevel(gfn, level, event);
      }
    } else if (kind === Kind.setSpte) {
      const spte = table.word(event, 1);
      const { format } = task.mmu;
      const gfn = table.num(event, 0) as Gfn;
      if (isMmioSpte(format, spte)) return;
      kvm.host.saw(gfn, spteFrame(spte), (spte & format.hostWritable) !== 0n, table.num(event, 3), event);
      if (task.requested && task.walk && task.walk.leafLevel > 1) kvm.host.sawLevel(gfn, table.num(event, 3), event);
    } else if (kind === Kind.zapAllFast) {
      kvm.host.slotsMayHaveChanged(event);
      kvm.pageLimit.forget();
    } else if (kind === Kind.markMmio) kvm.slotGeneration = table.num(event, 3);
    else if (kind === Kind.checkMmio) kvm.slotGeneration = table.num(event, 0);
    else if (kind === Kind.handleMmio) {
      const address = task.pageFault?.address;
      if (address !== undefined) task.vcpu?.mmio.keep(address, table.word(event, 0) === 0n, kvm.slotGeneration);
    }
  }

  private hasTwin(page: PageId, { mmu }: Task): boolean {
    const { pages, state, roleMask } = this.replay;
    const { gfn } = pages.birth(page);
    const look = (id: PageId): number => withRole(pages.role(state, id), { invalid: 0 }) & roleMask;
    return mmu.livePages(gfn).some((id) => id !== page && look(id) === look(page));
  }

  private isAbout(event: EventIndex, page: PageId, task: Task): boolean {
    const record = pageRecord(this.replay.table, event);
    return page !== NO_PAGE && matchPage(task.mmu, record, this.replay.roleMask).page === page;
  }
}

function isUnannounced(verdict: Verdict): boolean {
  return verdict.outcome === 'unpredicted' && !verdict.announced;
}
