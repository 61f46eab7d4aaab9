import { Trust } from '../engine/entry.js';
import { NO_PAGE, type PageId, type Role } from '../engine/ids.js';
import { classOf, inClass, inMode } from '../engine/hiddenClasses.js';
import { roleField, withRole } from '../engine/role.js';
import { findPage } from '../engine/steps/getPage.js';
import { knownClass } from './localRoots.js';
import { matchPage, type PageRecord } from './pageMatch.js';
import { decide, existedBefore, settleRootCount, type GetPageRecord } from './pageRecords.js';
import type { Replayer } from './replayer.js';
import type { RootLoad, Task } from './task.js';

/** Lets a kvm_mmu_get_page into the state: find-or-create, and the root slot or the link it is for. */
export function getPage(replay: Replayer, printed: GetPageRecord, task: Task): PageId {
  const level = roleField(printed.role, 'level');
  const isRoot = task.vcpu !== undefined && loadsRoot(task, printed, level);
  const record = withHiddenClass(printed, task, isRoot);
  settleRootCount(task, findPage(task.kvm, record.gfn, record.role), record.rootCount);
  if (isRoot) beginRootLoad(task, record, level);
  else {
    task.rootLoad = undefined;
    if (record.created && task.vcpu && task.vcpu.otherClasses.length > 0) task.vcpu.madeUndecided = true;
  }
  if (isRoot) task.resynchronise(record.role);
  const page = record.created
    ? task.mmu.create(
        { gfn: record.gfn, role: record.role, generation: record.generation ?? task.mmu.generation(), before: false },
        record.rootCount,
        record.unsync,
      )
    : find(replay, record, task);
  const ambiguous = !record.created && (isAmbiguous(replay, record, task) || mayHaveUnseenTwin(task, page, isRoot));
  if (!record.created) task.mmu.lookedUp(record.gfn, page);
  const isTdp = task.kvm.usesTdpMmu && roleField(record.role, 'direct') === 1;
  if (isTdp) task.mmu.moveToTdp(page);
  else if (record.created && record.generation !== undefined) task.mmu.setGeneration(record.generation);
  else if (record.created) goneBefore(replay, record, task, page);
  else if (replay.pages.isUnsync(replay.state, page)) task.mmu.doubtLeaves(page); // synced in passing [6.1 mmu.c:kvm_mmu_find_shadow_page]

  if (isRoot) takeRoot(task, record, page, ambiguous ? Trust.assumed : Trust.recorded);
  else {
    takeChild(task, record, level, page, ambiguous);
    if (record.created) replay.beginnings.madeChild(task.mmu);
  }
  return page;
}

/** The page of an existing record. One that is not there was there before the trace, or before a loss. */
function find(replay: Replayer, record: PageRecord, task: Task): PageId {
  const inItsClass = matchPage(task.mmu, record, replay.keyMask);
  const found = inItsClass.page !== NO_PAGE && inItsClass.by === 'engine' ? inItsClass : matchPage(task.mmu, record, replay.roleMask);
  return found.page === NO_PAGE ? existedBefore(record, task, record.unsync) : decide(task, found);
}

/** One of several pages was zapped, and no event said which: one that is made anew was it. */
function goneBefore(replay: Replayer, { gfn, role }: PageRecord, { mmu }: Task, made: PageId): void {
  const { pages, state } = mmu;
  for (const id of [...mmu.livePages(gfn)]) {
    if (id === made || pages.role(state, id) !== role || (state.record(pages.confusedCell(id)) === 0 && !mmu.ambiguous)) continue;
    mmu.zap(id, 0);
    replay.pageGone(id);
  }
}

/** Several pages fit, and which class of them is meant is not known. */
function isAmbiguous(replay: Replayer, record: PageRecord, { mmu, kvm, vcpu }: Task): boolean {
  if (kvm.hidden && vcpu?.otherClasses.length === 0 && matchPage(mmu, record, replay.keyMask).by === 'engine') return false;
  return matchPage(mmu, record, replay.roleMask).twins.length > 0;
}

/** In text, where not all pages are known: one that looks alike may have lived all along, of another class. */
function mayHaveUnseenTwin({ mmu, kvm, loading }: Task, page: PageId, isRoot: boolean): boolean {
  if (!mmu.unseen.hasGaps || kvm.hidden === undefined) return false;
  return kvm.hidden.several || mmu.pages.birth(page).before || (isRoot && loading !== 'cr3');
}

/** In text: the mode that events show, and the class that the root's load shows, and that its children inherit. */
function withHiddenClass(printed: GetPageRecord, task: Task, isRoot: boolean): GetPageRecord {
  const { kvm, vcpu } = task;
  if (kvm.rolesLackMode && vcpu) return { ...printed, role: inMode(printed.role, vcpu) };
  if (!kvm.hidden || !vcpu) return printed;
  const record = { ...printed, role: inMode(printed.role, vcpu) };
  if (!isRoot) return { ...record, role: inClass(record.role, classOf(kvm, vcpu)) };
  if (goesOn(task, record)) return { ...record, role: inClass(record.role, roleField(task.rootLoad!.role, 'hidden')) };
  const known = knownClass(task);
  if (known !== undefined) {
    vcpu.otherClasses = [];
    vcpu.madeUndecided = false;
    return { ...record, role: inClass(record.role, known) };
  }
  const releasing = (role: Role): readonly PageId[] => releasedBy(task, { ...record, role });
  const { hidden, others } = kvm.hidden.tell(kvm, vcpu, task.loading, releasing, record);
  vcpu.otherClasses = others;
  vcpu.madeUndecided = false;
  return { ...record, role: inClass(record.role, hidden) };
}

function releasedBy(task: Task, record: PageRecord): readonly PageId[] {
  const vcpu = task.vcpu!;
  if (resetsRoots(task, record)) return vcpu.heldRoots();
  return vcpu.keepsRoots() ? [] : vcpu.roots().filter((page) => page !== NO_PAGE);
}

function resetsRoots(task: Task, record: PageRecord): boolean {
  return !task.keepsRoots && (task.resetsMmu || changesRole(task, record));
}

/** A page of the PDPT, or of level 4 or 5: anything that is not the next level of the fault in hand. */
function loadsRoot(task: Task, record: PageRecord, level: number): boolean {
  if (level === 5 || (level === 4 && task.vcpu!.rootLevel() !== 5)) return true;
  // With local pages, page directories hang below the root.
  if (level !== 2 || task.mmu.has('local-pages')) return false;
  if (roleField(record.role, 'has4ByteGpte')) return true;
  if (task.vcpu!.shape() !== 'single') return true;
  const path = task.pathOf(task.walk ? undefined : record.gfn);
  if (!path) return true;
  const { walk } = task;
  if (!walk) return false;
  // The emulator's own walk, made before the instruction wrote a control register, leads to no page.
  if (task.emulating || (task.pageFault && !task.walksForFault)) return true;
  if (roleField(record.role, 'direct')) return walk.leafLevel < 3;
  return walk.tableGfn(2) !== record.gfn;
}

/** The next page of a root load under way. */
function goesOn({ rootLoad }: Task, record: PageRecord): boolean {
  const isPae = rootLoad?.shape === 'pae' && roleField(record.role, 'level') < 4;
  return isPae && rootLoad.nextSlot < 4 && sameGuest(rootLoad, record);
}

function beginRootLoad(task: Task, record: PageRecord, level: number): void {
  if (goesOn(task, record)) return;
  const vcpu = task.vcpu!;
  const resets = resetsRoots(task, record);
  // Whoever zaps a root has every vCPU let go of it before it loads another [6.1 mmu.c:kvm_mmu_free_obsolete_roots].
  if (vcpu.shape() === 'single') vcpu.freeObsolete((page) => task.mmu.isObsolete(page));
  if (resets || vcpu.roots().length > 0) vcpu.beginLoad(resets);
  const shape = level >= 4 ? 'single' : 'pae';
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
