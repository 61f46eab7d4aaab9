import { NO_PAGE, type EventIndex, type PageId } from '../engine/ids.js';
import { Life } from '../engine/pages.js';
import { roleField, withRole } from '../engine/role.js';
import { Kind } from '../trace/vocabulary.js';
import { getPage } from './getPage.js';
import { matchPage, type Match, type PageRecord } from './pageMatch.js';
import { firstInOrder } from './pageOrder.js';
import { decide, existedBefore, pageRecord, report, settleRootCount } from './pageRecords.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';

/** Lets a kvm_mmu_{get,sync,unsync,prepare_zap}_page into the state. Answers the page it is about. */
export function pageEvent(replay: Replayer, event: EventIndex, kind: Kind, task: Task): PageId {
  const record = pageRecord(replay.table, event);
  if (kind === Kind.getPage) return getPage(replay, event, record, task);
  // The sync event of a page that was zapped while unsync comes after its zap [6.1 mmu.c:__kvm_mmu_prepare_zap_page].
  if (kind === Kind.syncPage && isZapped(replay, task.zappedUnsync, record)) return task.takeZappedUnsync();
  const page = identify(replay, event, kind, record, task);
  settleRootCount(task, page, record.rootCount);
  if (kind === Kind.prepareZap) return zap(replay, record, task, page);
  if (page === NO_PAGE) return existedBefore(record, task, kind === Kind.unsyncPage);
  replay.pages.setRootCount(replay.state, page, record.rootCount);
  if (kind === Kind.unsyncPage) task.mmu.unsync(page);
  else task.mmu.sync(page);
  return page;
}

/**
 * The live page that a sync, unsync or zap is about. A record whose quadrant is not that of the page whose turn it is, or that no live
 * page has, is held against the page that lives.
 */
function identify(replay: Replayer, event: EventIndex, kind: Kind, record: PageRecord, task: Task): PageId {
  const { mmu } = task;
  const match = preferring(task.work.foreseenPage, matchPage(mmu, record, replay.roleMask));
  if (match.by === 'quadrant' && mmu.incomplete) return NO_PAGE; // it may be about a page that no event showed
  const first =
    mmu.incomplete || mmu.ambiguous || mmu.disputed.has(record.gfn) || match.by === 'derived'
      ? NO_PAGE
      : firstInOrder(kind, record, task, replay.roleMask);
  const page = first === NO_PAGE || first === match.page ? match.page : inTurn(replay, record, first, match);
  // With whole roles only zapped roots can look alike, and they are empty.
  const foreseen = task.work.foreseenPage !== NO_PAGE && task.work.foreseenPage === match.page;
  if (replay.table.info.roles !== 'exact' && !foreseen)
    for (const twin of match.twins) for (const alike of [twin, match.page]) mmu.confuse(alike);
  const quadrant = page === NO_PAGE ? 0 : roleField(replay.pages.role(replay.state, page), 'quadrant');
  if (page !== NO_PAGE && quadrant !== roleField(record.role, 'quadrant') && match.by !== 'derived' && !mmu.disputed.has(record.gfn)) {
    report(replay, event, task, record, withRole(record.role, { quadrant }), { page }, page);
  }
  return decide(replay, { ...match, page });
}

/** Of pages that look alike the one whose turn it is. */
function preferring(foreseen: PageId, match: Match): Match {
  if (!match.twins.includes(foreseen)) return match;
  return { ...match, page: foreseen, twins: [match.page, ...match.twins.filter((twin) => twin !== foreseen)] };
}

/** Another page's turn: the one that looks like the record goes first of its likes, and so does one that differs in the quadrant. */
function inTurn(replay: Replayer, record: PageRecord, first: PageId, match: Match): PageId {
  if (!roleField(record.role, 'has4ByteGpte') || replay.pages.isContradicted(replay.state, first)) return match.page;
  if (match.page !== NO_PAGE && replay.pages.isContradicted(replay.state, match.page)) return match.page;
  return first;
}

function zap(replay: Replayer, record: PageRecord, task: Task, page: PageId): PageId {
  if (page === NO_PAGE) return NO_PAGE;
  task.mmu.zap(page, record.rootCount);
  task.zappedUnsync = record.unsync ? page : NO_PAGE;
  if (!replay.pages.isLive(replay.state, page)) replay.pageGone(page);
  return page;
}

function isZapped(replay: Replayer, page: PageId, record: PageRecord): boolean {
  const { pages, state, roleMask } = replay;
  if (page === NO_PAGE || pages.life(state, page) === Life.active || pages.birth(page).gfn !== record.gfn) return false;
  const difference = withRole(pages.role(state, page), { invalid: 0 }) ^ withRole(record.role, { invalid: 0 });
  return (difference & roleMask) === 0;
}
