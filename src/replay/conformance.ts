import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Pfn, type Role, type SpteIndex } from '../engine/ids.js';
import { Output, type Announcement, type Came } from '../engine/announcement.js';
import { apply } from '../engine/apply.js';
import { Trust } from '../engine/entry.js';
import { withRole } from '../engine/role.js';
import type { Reason } from '../engine/reasons.js';
import { zapAll, zapObsolete } from '../engine/steps/zap.js';
import { isMmioSpte, spteFrame } from '../engine/spte.js';
import { NO_SLOT } from '../engine/steps/request.js';
import { BEFORE_FIRST } from '../engine/ids.js';
import { Cause, unseenChange } from '../engine/unseen.js';
import { Kind, SpSlot } from '../trace/vocabulary.js';
import { expect } from './drive.js';
import { missingInputs } from './missingInputs.js';
import { isAnonymous, pageRecord } from './pageRecords.js';
import { Reading } from './reading.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';
import { Work, type NearMiss, type Verdict } from './work.js';

/** Fields that tell a page from another of the same gfn and role. */
const OF_ONE_PAGE: ReadonlySet<string> = new Set(['at', 'created', 'unsync', 'root_count', 'mmu_valid_gen']);

/** Holds every recorded output against what the engine announced, counts how they compare, and remembers what the record showed. */
export class Conformance {
  constructor(private readonly replay: Replayer) {}

  workOf(task: Task): Work {
    const { replay } = this;
    return new Work(
      {
        isSure: (page) => task.mmu.isObsolete(page) || !(this.isAmbiguous(task) || this.hasTwin(page, task)),
        isAmbiguous: () => this.isAmbiguous(task),
        isCertain: () => !task.mmu.incomplete && !task.mmu.ambiguous,
        ways: replay.ways,
        now: () => replay.state.now,
        unrecorded: (announced) => this.unrecorded(task, announced),
        missing: (event, announced) => {
          if (task.takeUnread(announced.output as Kind) || this.missingInputs(task)) return;
          replay.accounts.missing(announced.output as Kind);
          replay.findings.missing(event, task.mmu, announced);
        },
        wrong: (event, { announced, differences }, counted) => {
          if (this.missingInputs(task)) return;
          replay.accounts.revise(announced.output as Kind, counted, 'wrong');
          replay.verdicts?.set(event, 'wrong');
          replay.findings.revised(event, task.mmu, announced, differences, 'page' in announced ? announced.page : NO_PAGE);
        },
      },
      replay.table,
      replay.roleMask,
    );
  }

  /** The effect of an announced event that was not recorded. */
  private unrecorded(task: Task, announced: Announcement): Came {
    // Where not all pages are known, the announcement may as well be wrong.
    if (task.mmu.unseen.hasGaps && announced.output === Output.getPage && announced.page === NO_PAGE) return { page: NO_PAGE, index: -1 };
    const came = apply(task, announced, task.mmu.unseen.hasGaps ? Trust.assumed : Trust.derived);
    if (announced.output === Output.getPage && announced.slot !== undefined && task.rootLoad) task.rootLoad.nextSlot = announced.slot + 1;
    if (announced.output === Output.handleMmio) {
      const { address, gfn } = announced;
      const direct = address === 0n;
      task.vcpu?.mmio.keep(direct ? BigInt(gfn) << 12n : address, direct, task.kvm.slotGeneration);
    }
    if (announced.output === Output.prepareZap) {
      task.zappedUnsync = announced.fields.unsync ? announced.page : NO_PAGE;
      if (!this.replay.pages.isLive(this.replay.state, came.page)) this.replay.pageGone(came.page);
    }
    return came;
  }

  /** An event may have been about one of several pages, and those that came since as well. */
  private isAmbiguous({ mmu }: Task): boolean {
    return mmu.ambiguous && this.replay.table.info.roles === 'partial';
  }

  private missingInputs(task: Task): Reason | undefined {
    return missingInputs(task, this.replay.table.info.roles) ?? (task.kvm.hidden?.mixed ? 'hidden-role' : undefined);
  }

  /** Of a trace whose first events could be a VM's first: one that no event of a new VM can be. */
  private midLife(event: EventIndex, kind: Kind, { mmu }: Task): Reason | undefined {
    const { table, beginnings, roleMask } = this.replay;
    if (kind > Kind.prepareZap) return undefined;
    return beginnings.shows(mmu, pageRecord(new Reading(table, event)), roleMask) ? 'mid-life' : undefined;
  }

  judge(event: EventIndex, kind: Kind, task: Task): Verdict {
    if (isAnonymous(this.replay.table, event)) return this.judgeAnonymous(event, kind, task);
    const verdict = this.compare(event, kind, task);
    if (verdict.outcome !== 'wrong' && verdict.outcome !== 'unpredicted') return verdict;
    if (verdict.outcome === 'wrong' && this.isProven(verdict, task)) return verdict;
    const reason = this.missingInputs(task) ?? (task.unread.length > 0 ? 'lost' : undefined) ?? this.midLife(event, kind, task);
    return reason ? { outcome: 'unpredictable', reason } : verdict;
  }

  /**
   * A quadrant follows from the parent's role and the SPTE's index, or from the page of the slot before: where the way down to there is
   * certain, or that page came, nothing missing excuses another.
   */
  private isProven({ announced, differences }: NearMiss, { mmu, path, rootLoad }: Task): boolean {
    if (announced.output !== Output.getPage || differences.some(({ field }) => field !== 'role.quadrant')) return false;
    if (announced.slot !== undefined) return announced.slot > 0 && rootLoad?.nextSlot === announced.slot;
    if (announced.parent === undefined || !path) return false;
    const { pages, state } = mmu;
    const level = pages.level(announced.parent);
    if (path.at(level) !== announced.parent || !path.isCertain(level)) return false;
    for (let above = level + 1; path.at(above) !== NO_PAGE; above++)
      if (unseenChange(mmu, state, path.at(above), path.indexAt(above))) return false;
    return true;
  }

  /**
   * An event that does not say which page it is about: that it is the announced one is not recorded. Where the announcement itself may
   * not come, it could as well be another.
   */
  private judgeAnonymous(event: EventIndex, kind: Kind, task: Task): Verdict {
    expect(task);
    const { work } = task;
    const { pending } = work;
    // Of a root with slots it is certain which is in use; of the cached single ones it is not.
    const certain = pending?.maybe === 'trigger' || (pending?.maybe === 'root' && task.vcpu?.shape() !== 'single');
    if (pending?.maybe && pending.output === kind && !certain) work.cancel();
    const { taken } = this.compare(event, kind, task);
    return { outcome: 'unpredictable', reason: 'hidden-role', ...(taken ? { taken } : {}) };
  }

  private compare(event: EventIndex, kind: Kind, task: Task): Verdict {
    expect(task);
    let verdict = task.work.judge(event, kind);
    // What was under way is over: the event may belong to what comes after it.
    const first = verdict;
    if (!isUnannounced(first)) return first;
    if (expect(task)) verdict = task.work.judge(event, kind);
    if (!isUnannounced(verdict)) return verdict;
    const reason = this.excuse(kind, task);
    if (reason) return { outcome: 'unpredictable', reason };
    const near = verdict.near ?? first.near;
    return near ? { outcome: 'wrong', ...near } : verdict;
  }

  /** What the engine takes in of a record: fields in which it contradicts what must come are taken as announced. */
  readingOf(event: EventIndex, task: Task, verdict: Verdict): Reading {
    const { table } = this.replay;
    if (verdict.outcome !== 'wrong' || this.mayBeTwin(verdict, task)) return new Reading(table, event);
    return new Reading(table, event, verdict.differences);
  }

  /** A record may be about a page that only looks like the announced one, by role bits that text does not print; then so is its parent. */
  private mayBeTwin({ announced, differences }: NearMiss, task: Task): boolean {
    if (this.replay.table.info.roles === 'exact') return false;
    // Once an event could have been about another page, the record knows better which one it is.
    if (task.mmu.ambiguous && differences.some(({ field }) => OF_ONE_PAGE.has(field))) return true;
    if (announced.output !== Output.getPage || !differences.some(({ field, recorded }) => field === 'created' && recorded === 1))
      return false;
    const { pages, state } = task.mmu;
    const above = announced.slot === undefined ? announced.parent : task.vcpu?.roots(state)[0];
    if (announced.slot === 0 || !above) return true;
    const role = pages.role(state, above);
    return task.mmu.livePages(pages.gfn(state, above)).some((id) => id !== above && pages.role(state, id) === role);
  }

  /** A record that calls a page by another gfn or role than it has: both readings are kept. */
  keepReadings(event: EventIndex, { mmu }: Task, verdict: Verdict, { page, index }: Came): void {
    if (verdict.outcome !== 'wrong' || page === NO_PAGE) return;
    const { table } = this.replay;
    if (verdict.announced.output === Output.setSpte && index >= 0) {
      this.replay.notes.keepReading(event, table.word(event, 1));
      mmu.disputeSpte(page, index as SpteIndex, table.word(event, 1));
    }
    if (index < 0 && verdict.differences.some(({ field }) => field === 'gfn' || field.startsWith('role.'))) {
      mmu.dispute(page, { gfn: table.num(event, SpSlot.gfn) as Gfn, role: table.num(event, SpSlot.role) as Role });
    }
  }

  account(event: EventIndex, kind: Kind, task: Task, verdict: Verdict, came: Came): void {
    const { accounts, verdicts, findings } = this.replay;
    task.settled = false;
    const reasons = verdict.outcome === 'learned' ? verdict.reasons : verdict.outcome === 'unpredictable' ? [verdict.reason] : [];
    accounts.add(kind, verdict.outcome, reasons);
    verdicts?.set(event, verdict.outcome, reasons);
    if (verdict.outcome === 'wrong')
      findings.mismatch(event, task.mmu, verdict.announced, verdict.differences, came.page, task.walk?.address);
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
    // The events of pages may all be unreadable.
    if (kind > Kind.prepareZap && vcpu?.rootLevel() === 0) return 'root';
    if (kind === Kind.zapAllFast) return 'trigger';
    if (kind === Kind.prepareZap && (!vcpu || !task.inFault)) return 'trigger';
    if (mmu.unseen.last(mmu.state, Cause.exitsSeen) === BEFORE_FIRST) return 'no-kvm-events';
    if (kind === Kind.setSpte && task.invalidating) return 'invlpg';
    return undefined;
  }

  /** What a record shows of the guest's and the host's memory. */
  learn(reading: Reading, task: Task): void {
    const { event, kind } = reading;
    const { kvm } = task;
    if (kind === Kind.spteRequested) {
      const pfn = reading.word(1);
      const gfn = task.walk ? task.walk.gfn : (reading.num(0) as Gfn);
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
        const level = reading.num(2);
        if (level > 1 || (task.walk?.leafLevel !== 1 && !kvm.mmu.largePages.disallowed(gfn))) kvm.host.sawLevel(gfn, level, event);
      }
    } else if (kind === Kind.setSpte) {
      const spte = reading.word(1);
      const { format } = task.mmu;
      const gfn = reading.num(0) as Gfn;
      if (isMmioSpte(format, spte)) return;
      // SPTEs of old kernels say of the host's right to write no more than W does.
      const hostWritable = format.hostWritable ? (spte & format.hostWritable) !== 0n : (kvm.host.at(gfn)?.writable ?? true);
      kvm.host.saw(gfn, spteFrame(spte), hostWritable, reading.num(3), event);
      if (task.requested && task.walk && task.walk.leafLevel > 1) kvm.host.sawLevel(gfn, reading.num(3), event);
    } else if (kind === Kind.zapAllFast) {
      kvm.host.slotsMayHaveChanged(event);
      kvm.pageLimit.forget();
    } else if (kind === Kind.markMmio) kvm.slotGeneration = reading.num(3);
    else if (kind === Kind.checkMmio) kvm.slotGeneration = reading.num(0);
    else if (kind === Kind.handleMmio) {
      const address = task.pageFault?.address;
      if (address !== undefined) task.vcpu?.mmio.keep(address, reading.word(0) === 0n, kvm.slotGeneration);
    }
  }

  private hasTwin(page: PageId, { mmu }: Task): boolean {
    const { pages, state, roleMask } = this.replay;
    const { gfn } = pages.birth(page);
    const look = (id: PageId): number => withRole(pages.role(state, id), { invalid: 0 }) & roleMask;
    return mmu.livePages(gfn).some((id) => id !== page && look(id) === look(page));
  }
}

function isUnannounced(verdict: Verdict): verdict is Extract<Verdict, { outcome: 'unpredicted' }> {
  return verdict.outcome === 'unpredicted' && !verdict.announced && !verdict.taken;
}
