import { childQuadrant } from '../engine/childRole.js';
import { Trust } from '../engine/entry.js';
import { NO_PAGE, type EventIndex, type Gfn, type PageId, type Role } from '../engine/ids.js';
import { Life } from '../engine/pages.js';
import { roleField, withRole } from '../engine/role.js';
import { Kind, SpSlot } from '../trace/vocabulary.js';
import type { EventTable } from '../trace/table.js';
import { announcePage, type AnnouncedPage } from './announce.js';
import type { QuadrantSource } from './findings.js';
import { firstInOrder } from './pageOrder.js';
import { matchPage, type Match, type PageRecord } from './pageMatch.js';
import type { Replayer } from './replayer.js';
import type { RootLoad, Task } from './task.js';

/** Lets a kvm_mmu_{get,sync,unsync,prepare_zap}_page into the state. Answers the page it is about. */
export function pageEvent(replay: Replayer, event: EventIndex, kind: Kind, task: Task): PageId {
  const record = pageRecord(replay.table, event);
  if (kind === Kind.getPage) return getPage(replay, event, record, task);
  replay.accounts.add(kind, 'unpredictable', 'not-modelled');
  // The sync event of a page that was zapped while unsync comes after its zap [6.1 mmu.c:__kvm_mmu_prepare_zap_page].
  if (kind === Kind.syncPage && isZapped(replay, task.zappedUnsync, record)) return task.takeZappedUnsync();
  const page = identify(replay, event, kind, record, task);
  if (kind === Kind.prepareZap) return zap(replay, record, task, page);
  if (page === NO_PAGE) return existedBefore(record, task, kind === Kind.unsyncPage);
  replay.pages.setRootCount(replay.state, page, record.rootCount);
  if (kind === Kind.unsyncPage) task.mmu.unsync(page);
  else task.mmu.sync(page);
  return page;
}

function pageRecord(table: EventTable, event: EventIndex): PageRecord & { created: boolean } {
  return {
    gfn: table.num(event, SpSlot.gfn) as Gfn,
    role: table.num(event, SpSlot.role) as Role,
    generation: table.num(event, SpSlot.gen),
    rootCount: table.num(event, SpSlot.rootCount),
    unsync: table.num(event, SpSlot.unsync) === 1,
    created: table.num(event, SpSlot.created) === 1,
  };
}

// ---------------------------------------------------------------------------------------------------------------- get_page

function getPage(replay: Replayer, event: EventIndex, record: PageRecord & { created: boolean }, task: Task): PageId {
  const level = roleField(record.role, 'level');
  const isRoot = task.vcpu !== undefined && loadsRoot(task, record, level);
  if (isRoot) beginRootLoad(task, record, level);
  else task.rootLoad = undefined;
  const announced = announcePage(task, replay.roleMask);
  const source = isRoot ? { slot: task.rootLoad!.nextSlot } : childSource(task, level);
  const derived = deriveQuadrant(record.role, source, task);
  tally(replay, task, record, announced, derived, isRoot);

  const contradicted = derived !== roleField(record.role, 'quadrant');
  const derivedRole = contradicted ? withRole(record.role, { quadrant: derived }) : undefined;
  const page = record.created
    ? task.mmu.create(
        { gfn: record.gfn, role: record.role, generation: record.generation, before: false, derivedRole },
        record.rootCount,
        record.unsync,
      )
    : find(replay, record, derivedRole, task);
  const ambiguous = !record.created && matchPage(task.mmu, record, replay.roleMask).twins.length > 0;
  if (contradicted) report(replay, event, task, record, derivedRole!, source, page);
  if (record.created) task.mmu.setGeneration(record.generation);
  else if (replay.pages.isUnsync(replay.state, page)) task.mmu.doubtLeaves(page); // synced in passing [6.1 mmu.c:kvm_mmu_find_shadow_page]

  if (isRoot) takeRoot(task, record, page, ambiguous ? Trust.assumed : Trust.recorded);
  else takeChild(task, record, level, page, ambiguous);
  return page;
}

/** The page of an existing record: as recorded, else as derived. One that is not there was there before the trace, or before a loss. */
function find(replay: Replayer, record: PageRecord, derivedRole: Role | undefined, task: Task): PageId {
  const found = matchPage(task.mmu, record, replay.roleMask);
  if (found.page !== NO_PAGE && found.by !== 'quadrant') return decide(replay, found);
  if (derivedRole !== undefined) {
    const derived = matchPage(task.mmu, { ...record, role: derivedRole }, replay.roleMask);
    if (derived.page !== NO_PAGE) return decide(replay, derived);
  }
  return existedBefore(record, task, record.unsync);
}

/** A page of the PDPT, or of level 4 or 5: anything that is not the next level of the fault in hand. */
function loadsRoot(task: Task, record: PageRecord, level: number): boolean {
  if (level === 5 || (level === 4 && task.vcpu!.rootLevel() !== 5)) return true;
  if (level !== 2) return false;
  if (roleField(record.role, 'has4ByteGpte')) return true;
  if (task.vcpu!.shape() !== 'single') return true;
  const path = task.pathOf(task.walk ? undefined : record.gfn);
  if (!path) return true;
  const direct = roleField(record.role, 'direct') === 1;
  // Below a root of level 4 a level-2 page is a child, unless the guest has just left that mode.
  return task.walk !== undefined && !direct && task.walk.tableGfn(2) !== record.gfn;
}

function beginRootLoad(task: Task, record: PageRecord, level: number): void {
  const shape = level >= 4 ? 'single' : 'pae';
  const load = task.rootLoad;
  if (load?.shape === 'pae' && shape === 'pae' && load.nextSlot < 4 && sameGuest(load, record)) return;
  task.vcpu!.beginLoad(shape, task.resetsMmu || changesRole(task, record));
  task.rootLoad = { shape, gfn: record.gfn, role: record.role, nextSlot: 0 };
}

/** A root of another kind than the last: the control registers changed, and with them the MMU's role. */
function changesRole(task: Task, record: PageRecord): boolean {
  const current = task.vcpu!.roots()[0] ?? NO_PAGE;
  return (
    current === NO_PAGE || withRole(task.mmu.pages.role(task.mmu.state, current), { invalid: 0 }) !== withRole(record.role, { invalid: 0 })
  );
}

/** The pages of one root load share the kind of guest; with 4-byte gPTEs also the gfn, since CR3 is one page. */
function sameGuest(load: RootLoad, record: PageRecord): boolean {
  const has4ByteGpte = roleField(load.role, 'has4ByteGpte');
  if (roleField(record.role, 'has4ByteGpte') !== has4ByteGpte) return false;
  return !has4ByteGpte || load.gfn === record.gfn;
}

function takeRoot(task: Task, record: PageRecord, page: PageId, trust: Trust): void {
  task.vcpu!.setRoot(task.rootLoad!.nextSlot, page, record.rootCount + 1, trust);
  task.rootLoad!.nextSlot++;
}

function takeChild(task: Task, record: PageRecord, level: number, page: PageId, ambiguous: boolean): void {
  task.mmu.pages.setRootCount(task.mmu.state, page, record.rootCount);
  task.pathOf(record.gfn)?.took(level, page, ambiguous);
}

// ---------------------------------------------------------------------------------------------------------------- quadrants

function childSource(task: Task, level: number): QuadrantSource {
  const path = task.pathOf();
  if (!path || !task.walk) return {};
  const parent = path.at(level + 1);
  return { parent, index: path.indexAt(level + 1), address: task.walk.address };
}

/** The quadrant that the engine's rules give a page; the recorded one where they have nothing to say. */
function deriveQuadrant(recorded: Role, source: QuadrantSource, task: Task): number {
  if (!roleField(recorded, 'has4ByteGpte')) return roleField(recorded, 'quadrant');
  if (source.slot !== undefined) return task.resynchronising(source.slot, recorded) ?? source.slot;
  if (source.index === undefined || task.walk?.mode !== '32') return roleField(recorded, 'quadrant');
  return childQuadrant(recorded, source.index);
}

function tally(
  replay: Replayer,
  task: Task,
  record: PageRecord & { created: boolean },
  announced: AnnouncedPage | undefined,
  derivedQuadrant: number,
  isRoot: boolean,
): void {
  const { accounts } = replay;
  if (derivedQuadrant !== roleField(record.role, 'quadrant')) return accounts.add(Kind.getPage, 'wrong');
  if (announced && agrees(announced, record, replay.roleMask)) return accounts.add(Kind.getPage, 'exact');
  if (isRoot && task.rootLoad!.nextSlot === 0) return accounts.add(Kind.getPage, 'unpredictable', 'root');
  return accounts.add(Kind.getPage, 'unpredictable', 'not-modelled');
}

function agrees(announced: AnnouncedPage, record: PageRecord & { created: boolean }, mask: number): boolean {
  return (
    announced.gfn === record.gfn &&
    ((announced.role ^ record.role) & mask) === 0 &&
    announced.generation === record.generation &&
    announced.created === record.created &&
    announced.rootCount === record.rootCount &&
    announced.unsync === record.unsync
  );
}

// ---------------------------------------------------------------------------------------------------------------- others

/**
 * The live page that a sync, unsync or zap is about. A record whose quadrant is not that of the page whose turn it is, or that no live
 * page has, is held against the page that lives.
 */
function identify(replay: Replayer, event: EventIndex, kind: Kind, record: PageRecord, task: Task): PageId {
  const { mmu } = task;
  const match = matchPage(mmu, record, replay.roleMask);
  if (match.by === 'quadrant' && mmu.incomplete) return NO_PAGE; // it may be about a page that no event showed
  const first =
    mmu.incomplete || mmu.ambiguous || mmu.disputed.has(record.gfn) || match.by === 'derived'
      ? NO_PAGE
      : firstInOrder(kind, record, task, replay.roleMask);
  const page = first === NO_PAGE || first === match.page ? match.page : inTurn(replay, record, first, match);
  for (const twin of match.twins) for (const alike of [twin, match.page]) mmu.confuse(alike);
  const quadrant = page === NO_PAGE ? 0 : roleField(replay.pages.role(replay.state, page), 'quadrant');
  if (page !== NO_PAGE && quadrant !== roleField(record.role, 'quadrant') && match.by !== 'derived' && !mmu.disputed.has(record.gfn)) {
    report(replay, event, task, record, withRole(record.role, { quadrant }), { page }, page);
  }
  return decide(replay, { ...match, page });
}

function report(
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

/** Another page's turn: the one that looks like the record goes first of its likes, and so does one that differs in the quadrant. */
function inTurn(replay: Replayer, record: PageRecord, first: PageId, match: Match): PageId {
  if (!roleField(record.role, 'has4ByteGpte') || replay.pages.isContradicted(replay.state, first)) return match.page;
  if (match.page !== NO_PAGE && replay.pages.isContradicted(replay.state, match.page)) return match.page;
  return first;
}

/** An event about a page whose role was in dispute decides for one of the two readings. */
function decide(replay: Replayer, { page, by }: Match): PageId {
  if (page !== NO_PAGE && replay.pages.isContradicted(replay.state, page)) replay.pages.decideRole(replay.state, page, by === 'derived');
  return page;
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

function existedBefore(record: PageRecord, task: Task, unsync: boolean): PageId {
  task.mmu.incomplete = true;
  return task.mmu.create(
    { gfn: record.gfn, role: withRole(record.role, { invalid: 0 }), generation: record.generation, before: true },
    record.rootCount,
    unsync,
  );
}
