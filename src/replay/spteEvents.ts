import { EntryState, Trust, entryState } from '../engine/entry.js';
import { BEFORE_FIRST, NO_PAGE, type Gfn, type PageId, type Pfn, type SpteIndex } from '../engine/ids.js';
import { mmioEntry } from '../engine/mmioEntry.js';
import type { SptePlace } from '../engine/places.js';
import { isMmioSpte } from '../engine/spte.js';
import { invalidateTdpRoots } from '../engine/tdpMmu.js';
import { Cause, unseenChange } from '../engine/unseen.js';
import { Kind } from '../trace/vocabulary.js';
import type { Reading } from './reading.js';
import type { Replayer } from './replayer.js';
import type { Task } from './task.js';

/** Lets the events about single SPTEs, and the fast zap, into the state. Answers the SPTE the event is about, where that is known. */
export function spteEvent(replay: Replayer, reading: Reading, task: Task): SptePlace | undefined {
  switch (reading.kind) {
    case Kind.setSpte:
      return setSpte(task, reading);
    case Kind.spteRequested:
      return requested(task, reading);
    case Kind.markMmio:
      return markMmio(replay, reading, task);
    case Kind.fastPageFault:
      return fastPageFault(task, reading);
    case Kind.zapAllFast:
      task.mmu.flipGeneration(reading.num(0));
      invalidateTdpRoots(task.kvm);
      return undefined;
    default:
      return undefined;
  }
}

/** kvm_mmu_set_spte(gfn, spte, sptep, level): a leaf, and where it lies in physical memory. */
function setSpte(task: Task, reading: Reading): SptePlace | undefined {
  const gfn = reading.num(0) as Gfn;
  const spte = reading.word(1);
  const address = reading.word(2);
  const level = reading.num(3);
  const frame = Number(address >> 12n) as Pfn;
  const index = (Number(address >> 3n) & 511) as SpteIndex;
  const page = ownerOf(task, frame, index, level, gfn);
  if (page === NO_PAGE) {
    task.mmu.unseen.strayed();
    return undefined;
  }

  // Before the request an SPTE is set by an invalidation, perhaps of another address than that of the last walk.
  const path = task.requested ? task.path : undefined;
  path?.provenDownTo(level);
  const certain = task.mmu.pageAtFrame(frame) === page || path?.isCertain(level) === true;
  if (!certain) task.mmu.unseen.strayed();
  if (certain) task.mmu.setFrame(page, frame);
  if (isMmioSpte(task.mmu.format, spte)) task.mmu.setMmio(page, index, spte, gfn, certain ? Trust.recorded : Trust.assumed);
  else {
    noticeDirtyLog(task, page, index, spte);
    if (task.path?.indexAt(level) === index && (spte & task.mmu.format.writable) !== 0n) task.writesItself();
    task.mmu.setLeaf(page, index, spte, gfn, certain ? Trust.recorded : Trust.assumed);
  }
  return { page, index };
}

/** The page of an SPTE: by the frame it lies in, else by the fault's way; a first leaf binds the two. */
function ownerOf(task: Task, frame: Pfn, index: SpteIndex, level: number, gfn: Gfn): PageId {
  const { mmu } = task;
  const path = task.pathOf(gfn);
  const bound = mmu.pageAtFrame(frame);
  if (bound !== NO_PAGE && mmu.pages.level(bound) === level) {
    if (path && task.requested && sameGroup(path.indexAt(level), index)) path.isAt(level, bound);
    return bound;
  }
  const foreseen = task.requested ? NO_PAGE : task.work.foreseenPage;
  const page = foreseen || (path && sameGroup(path.indexAt(level), index) ? path.at(level) : NO_PAGE);
  if (page === NO_PAGE) return NO_PAGE;
  return mmu.pages.frame(mmu.state, page) === undefined ? page : NO_PAGE;
}

/** Prefetching stays in the aligned group of 8 SPTEs around the faulting one (PTE_PREFETCH_NUM). */
function sameGroup(a: SpteIndex, b: SpteIndex): boolean {
  return a >> 3 === b >> 3;
}

/** A writable SPTE that takes a write fault has lost its W unseen: without user space's exits, that is all one sees of dirty logging. */
function noticeDirtyLog(task: Task, page: PageId, index: SpteIndex, spte: bigint): void {
  const { mmu } = task;
  if (
    mmu.unseen.last(mmu.state, Cause.exitsSeen) !== BEFORE_FIRST ||
    !task.walk?.isProtectionFault ||
    task.path?.tookPages ||
    index !== task.path?.indexAt(mmu.pages.level(page))
  )
    return;
  const cell = mmu.pages.entryCell(page, index);
  // Where something else may have taken W, this is no sign.
  if (entryState(mmu.state.tag(cell)) !== EntryState.leaf || unseenChange(mmu, mmu.state, page, index)) return;
  const bits = mmu.format.writable | mmu.format.mmuWritable;
  const before = mmu.state.word(cell);
  if ((before & bits) === bits && (spte & bits) === bits) mmu.unseen.happened(Cause.dirtyLog);
}

function requested(task: Task, reading: Reading): SptePlace | undefined {
  // A direct MMU walks no guest tables: the request is the first that one sees of a fault.
  if (!task.walk) task.path = undefined;
  const path = task.pathOf(task.walk ? undefined : reading.num(0));
  task.requested = true;
  // The walk was the fault's: KVM has not written by itself so far.
  if (!task.kvm.time.showsExits) task.writesItself();
  if (!path) return undefined;
  if (task.walk) path.provenDownTo(task.walk.leafLevel);
  const level = reading.num(2);
  const page = path.at(level);
  return page === NO_PAGE ? undefined : { page, index: path.indexAt(level) };
}

/** An MMIO SPTE is made; no event shows it, but gfn, access and generation say all of it (spec/spte.md §4). */
function markMmio(replay: Replayer, reading: Reading, task: Task): SptePlace | undefined {
  const { mmu } = task;
  const pointer = reading.word(0);
  const gfn = reading.num(1) as Gfn;
  const place = faultPlace(task, gfn) ?? replay.mmioPlaces.get(pointer);
  if (!place || !mmu.pages.isLive(mmu.state, place.page)) {
    mmu.unseen.strayed();
    return undefined;
  }
  replay.mmioPlaces.set(pointer, place);
  const spte = mmioEntry(mmu, gfn, reading.num(2), reading.num(3));
  mmu.setMmio(place.page, place.index, spte, gfn, Trust.derived);
  return place;
}

/** Where the fault in hand puts its SPTE. A mark without such a fault is a sync's, about an entry that was marked before. */
function faultPlace(task: Task, gfn: Gfn): SptePlace | undefined {
  if (!task.requested || (task.walk && task.walk.gfn !== gfn)) return undefined;
  const path = task.pathOf(gfn);
  const page = path?.at(1) ?? NO_PAGE;
  if (page === NO_PAGE) return undefined;
  path!.provenDownTo(1);
  return { page, index: path!.indexAt(1) };
}

/** fast_page_fault sets W without a lock, in a direct MMU only [6.1 mmu.c:fast_page_fault]. */
function fastPageFault(task: Task, reading: Reading): SptePlace | undefined {
  const { mmu } = task;
  const gfn = Number(reading.word(1) >> 12n) as Gfn;
  const before = reading.word(4);
  const after = reading.word(5);
  const { accessed, dirty } = mmu.format;
  const same = (word: bigint): boolean => ((word ^ before) & ~(accessed | dirty | mmu.format.writable)) === 0n;
  const places = [...mmu.leaves(gfn)].filter(({ page, index }) => same(mmu.state.word(mmu.pages.entryCell(page, index))));
  if (places.length !== 1) return undefined;
  const [place] = places as [SptePlace];
  const leafGfn = mmu.state.number(mmu.pages.gfnCell(place.page, place.index)) as Gfn;
  mmu.setLeaf(place.page, place.index, reading.num(7) ? after : before, leafGfn);
  return place;
}
