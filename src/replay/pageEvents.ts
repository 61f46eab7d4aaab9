import { NO_PAGE, type PageId } from '../engine/ids.js';
import { Life } from '../engine/pages.js';
import { withRole } from '../engine/role.js';
import { Kind } from '../trace/vocabulary.js';
import { getPage } from './getPage.js';
import { matchPage, type Match, type PageRecord } from './pageMatch.js';
import { decide, existedBefore, isAnonymous, pageRecord, settleRootCount, type GetPageRecord } from './pageRecords.js';
import type { Reading } from './reading.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';

/** Lets a kvm_mmu_{get,sync,unsync,prepare_zap}_page into the state. Answers the page it is about. */
export function pageEvent(replay: Replayer, reading: Reading, task: Task): PageId {
  const record = pageRecord(reading);
  const { kind, event } = reading;
  if (!isAnonymous(replay.table, event)) return about(replay, kind, record, task);
  const { pages, state } = replay;
  const met = replay.anonymous.pagesOf(kind, record, task, replay.roleMask);
  const found = met.map((id) => about(replay, kind, { ...record, gfn: pages.gfn(state, id) }, task));
  // That all of them met this fate by now does not tell which of them this event was about.
  return found.length === 1 ? found[0]! : NO_PAGE;
}

function about(replay: Replayer, kind: Kind, record: GetPageRecord, task: Task): PageId {
  if (kind === Kind.getPage) return getPage(replay, record, task);
  // The sync event of a page that was zapped while unsync comes after its zap [6.1 mmu.c:__kvm_mmu_prepare_zap_page].
  if (kind === Kind.syncPage && isZapped(replay, task.zappedUnsync, record)) return task.takeZappedUnsync();
  const page = identify(replay, record, task);
  settleRootCount(task, page, record.rootCount);
  if (kind === Kind.prepareZap) return zap(replay, record, task, page);
  if (page === NO_PAGE) return existedBefore(record, task, kind === Kind.unsyncPage);
  replay.pages.setRootCount(replay.state, page, record.rootCount);
  if (kind === Kind.unsyncPage) task.mmu.unsync(page);
  else task.mmu.sync(page);
  return page;
}

/** The live page that a sync, unsync or zap is about. */
function identify(replay: Replayer, record: PageRecord, task: Task): PageId {
  const match = preferring(task.work.foreseenPage, matchPage(task.mmu, record, replay.roleMask));
  // With whole roles only zapped roots can look alike, and they are empty.
  const foreseen = task.work.foreseenPage !== NO_PAGE && task.work.foreseenPage === match.page;
  if (replay.table.info.roles !== 'exact' && !foreseen)
    for (const twin of match.twins) for (const alike of [twin, match.page]) task.mmu.confuse(alike);
  return decide(task, match);
}

/** Of pages that look alike the one whose turn it is. */
function preferring(foreseen: PageId, match: Match): Match {
  if (!match.twins.includes(foreseen)) return match;
  return { ...match, page: foreseen, twins: [match.page, ...match.twins.filter((twin) => twin !== foreseen)] };
}

function zap(replay: Replayer, record: PageRecord, task: Task, page: PageId): PageId {
  if (page === NO_PAGE) return NO_PAGE;
  task.mmu.zap(page, record.rootCount);
  if (record.rootCount > 0 && task.mmu.has('invalid-roots')) for (const vcpu of task.kvm.vcpus) vcpu.mustLookAtRoots = true;
  task.zappedUnsync = record.unsync ? page : NO_PAGE;
  if (!replay.pages.isLive(replay.state, page)) replay.pageGone(page);
  return page;
}

function isZapped(replay: Replayer, page: PageId, record: PageRecord): boolean {
  const { pages, state, roleMask } = replay;
  if (page === NO_PAGE || pages.life(state, page) === Life.active || pages.gfn(state, page) !== record.gfn) return false;
  const difference = withRole(pages.role(state, page), { invalid: 0 }) ^ withRole(record.role, { invalid: 0 });
  return (difference & roleMask) === 0;
}
