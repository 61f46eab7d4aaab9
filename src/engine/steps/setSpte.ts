import { Output, type Announcement, type Bits, type Steps } from '../announcement.js';
import { EntryState, Unseen, entryState } from '../entry.js';
import type { Gfn, PageId, Pfn, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { makeSpte } from '../makeSpte.js';
import { mmioEntry } from '../mmioEntry.js';
import { ACC_USER, ACC_WRITE } from '../role.js';
import type { Reason } from '../reasons.js';
import { FRAME_MASK, frameBits } from '../spte.js';
import { attempt } from './attempt.js';
import { doubtOf, frameReason } from './doubt.js';
import { unshadow } from './unprotect.js';
import { tryToUnsync } from './unsync.js';

const ALL = (1n << 64n) - 1n;

/** What `mmu_set_spte` is asked for. */
export interface Leaf {
  readonly page: PageId;
  readonly index: SpteIndex;
  readonly level: number;
  /** first guest frame that the leaf maps; undefined when the guest entry is not known */
  readonly gfn: Gfn | undefined;
  readonly access: number | undefined;
  readonly pfn: Pfn | undefined;
  readonly hostWritable: boolean | undefined;
  readonly prefetch: boolean;
  /** the CPU found the SPTE there, and without W */
  readonly refused: boolean;
  /** it may be writable whatever shadows its frame has */
  readonly unprotected?: boolean;
  /** the shadows of its frame go before it becomes writable */
  readonly unshadows?: boolean;
  /** nothing may go out of sync for it: it is made again while its page is synced */
  readonly syncing?: boolean;
  /** whatever the SPTE held goes first */
  readonly afresh?: boolean;
  readonly maybe?: Reason | undefined;
}

/**
 * [6.1 mmu.c:mmu_set_spte, spte.c:make_spte]: the SPTE of a leaf and its event; none when it is there already (spec/fault.md §5,
 * spte.md §2). Answers whether the event came, or was not needed since the SPTE was there.
 */
export function* mmuSetSpte(kvm: Kvm, leaf: Leaf): Steps<'set' | 'there' | undefined> {
  const { maybe } = leaf;
  if (!maybe) return yield* setSpte(kvm, leaf);
  return (yield* attempt(kvm, setSpte(kvm, leaf), maybe)) ? 'set' : undefined;
}

function* setSpte(kvm: Kvm, leaf: Leaf): Steps<'set' | 'there' | undefined> {
  const { trail } = kvm.mmu;
  const call = trail?.enter('setSpte', leaf.page, leaf.index, leaf.gfn, leaf.access);
  const outcome = yield* writeSpte(kvm, leaf);
  trail?.leave(call!);
  return outcome;
}

function* writeSpte(kvm: Kvm, leaf: Leaf): Steps<'set' | 'there' | undefined> {
  const { mmu } = kvm;
  const frame = mmu.pages.frame(mmu.state, leaf.page);
  const call = mmu.trail?.enter('makeSpte', leaf.page, leaf.index, leaf.gfn, leaf.access);
  const wanted = yield* spteOf(kvm, leaf);
  mmu.trail?.leave(call!, wanted.value);
  const open: Reason[] = [];
  if (frame === undefined) open.push(frameReason(mmu, leaf.page));
  if (leaf.pfn === undefined || leaf.hostWritable === undefined) open.push(leaf.gfn === undefined ? 'gpte' : 'host-page');
  // What the SPTE was before may decide a bit, too.
  else if (wanted.mask !== ALL) open.push(doubtOf(kvm, leaf.page, leaf.index)?.reason ?? 'hw-ad');
  const announced: Announcement = {
    output: Output.setSpte,
    page: leaf.page,
    index: leaf.index,
    level: leaf.level,
    gfn: leaf.gfn,
    spte: wanted,
    rights: leaf.access,
    frame,
    open,
  };
  const already = alreadyThere(kvm, leaf, wanted);
  if (already === true) return 'there';
  if (already) announced.maybe = already;
  return (yield announced) && 'set';
}

/** The SPTE of a leaf that is prefetched: nothing goes out of sync for it. */
export function prefetchedSpte(kvm: Kvm, leaf: Leaf): Bits {
  const result = spteOf(kvm, { ...leaf, prefetch: true }).next();
  return result.done ? result.value : { value: 0n, mask: 0n };
}

/** A leaf as a sync makes it again from the same frame: nothing goes out of sync for it. */
export function refreshedSpte(kvm: Kvm, leaf: Leaf): bigint {
  const result = spteOf(kvm, { ...leaf, prefetch: true, syncing: true }).next();
  return result.done ? result.value.value : 0n;
}

/** The SPTE as far as it is known. */
function* spteOf(kvm: Kvm, leaf: Leaf): Steps<Bits> {
  const { format } = kvm.mmu;
  const { access, level, pfn, hostWritable } = leaf;
  if (access === undefined || leaf.gfn === undefined) {
    const sure = format.present | format.mmuPresent | (leaf.prefetch ? format.accessed : 0n);
    return { value: format.present | format.mmuPresent, mask: sure };
  }
  const keepsDirty = kvm.mmu.has('resetting-keeps-dirty');
  const asksWrite = (access & ACC_WRITE) !== 0 && hostWritable !== false;
  const before = !asksWrite || leaf.afresh || !kvm.mmu.has('writable-stays') ? false : wasWritable(kvm, leaf);
  if (asksWrite && leaf.unshadows) yield* unshadow(kvm, leaf.gfn, leaf.page);
  const free = before === true || leaf.unprotected === true;
  const writable = asksWrite && (free || (yield* tryToUnsync(kvm, leaf.gfn, !leaf.syncing, leaf.prefetch)));
  const value = makeSpte(format, {
    pfn: pfn ?? (0 as Pfn),
    level,
    access,
    hostWritable: hostWritable !== false,
    writeProtected: !writable,
    prefetch: leaf.prefetch,
    wasWritable: before === true,
    keepsDirty,
  });
  let mask = ALL;
  if (pfn === undefined) mask &= ~FRAME_MASK;
  if (writable && before === undefined && !keepsDirty) mask &= ~format.dirty;
  if (hostWritable === undefined) mask &= ~(format.hostWritable | format.writable | format.mmuWritable | format.dirty);
  return { value, mask };
}

/**
 * Whether the SPTE is a writable one of the same frame already; undefined when that may have changed. At level 1 the kernel asks for
 * nothing but bit 1, which in an MMIO SPTE is the right to write [6.1 spte.c:make_spte].
 */
function wasWritable(kvm: Kvm, { page, index, level, pfn, refused }: Leaf): boolean | undefined {
  const { mmu } = kvm;
  const cell = mmu.pages.entryCell(page, index);
  const kind = entryState(mmu.state.tag(cell));
  const spte = mmu.state.word(cell);
  if (kind === EntryState.mmio) return level === 1 && mmu.has('mmio-counts-as-writable') && (spte & mmu.format.writable) !== 0n;
  if (kind !== EntryState.leaf || refused) return false;
  if (pfn !== undefined && (spte & FRAME_MASK) !== frameBits(pfn)) return false;
  if (doubtOf(kvm, page, index)) return undefined;
  return (spte & mmu.format.writable) !== 0n;
}

/** Whether the SPTE holds the wanted value already: then nothing is written and no event comes. A reason when that is not certain. */
function alreadyThere(kvm: Kvm, leaf: Leaf, wanted: Bits): boolean | Reason {
  const { mmu } = kvm;
  const cell = mmu.pages.entryCell(leaf.page, leaf.index);
  const kind = entryState(mmu.state.tag(cell));
  if (kind !== EntryState.leaf) return kind === EntryState.unknown ? 'mid-life' : false;
  const { accessed, dirty, writable, mmuWritable } = mmu.format;
  if (leaf.refused && wanted.value & wanted.mask & writable) return false;
  const doubt = doubtOf(kvm, leaf.page, leaf.index);
  const there = mmu.state.word(cell);
  const difference = (there ^ wanted.value) & wanted.mask;
  const volatile = doubt ? accessed | dirty | writable | mmuWritable : accessed | dirty;
  if ((difference & ~volatile) !== 0n) return false;
  if (doubt && doubt.what !== Unseen.nothing) return doubt.reason;
  if ((difference & ~wanted.value) !== 0n) return false;
  // Hardware may have set a bit since, D only beside W; it never clears one.
  const settable = accessed | (there & writable ? dirty : 0n);
  if (difference !== 0n || (~there & settable) !== 0n) return 'hw-ad';
  return wanted.mask === ALL ? true : 'host-page';
}

/** [6.1 mmu.c:mark_mmio_spte]: an SPTE for a guest frame that no memory slot holds. */
export function* markMmioSpte(kvm: Kvm, page: PageId, index: SpteIndex, gfn: Gfn, access: number): Steps {
  const { mmu } = kvm;
  // A mark has no generation.
  const slotGeneration = mmu.has('mmio-sptes') ? kvm.slotGeneration : 0;
  const call = mmu.trail?.enter('markMmio', page, index, gfn, access);
  yield {
    output: Output.markMmio,
    page,
    index,
    gfn,
    access: (access & (ACC_WRITE | ACC_USER)) | 1,
    generation: slotGeneration,
    open: slotGeneration === undefined ? ['slot-gen', 'pointer'] : ['pointer'],
  };
  mmu.trail?.leave(call!);
}

/** The same within a fault [6.1 mmu.c:mmu_set_spte]; up to 5.12 the SPTE has its own event besides. */
export function* markMmio(kvm: Kvm, page: PageId, index: SpteIndex, gfn: Gfn, access: number): Steps {
  const { mmu } = kvm;
  // A mark that is there already stays: there is nothing to renew in it.
  const kind = entryState(mmu.state.tag(mmu.pages.entryCell(page, index)));
  if (!mmu.has('mmio-sptes') && kind === EntryState.mmio) return;
  yield* markMmioSpte(kvm, page, index, gfn, access);
  if (!mmu.has('mmio-set-spte')) return;
  const frame = mmu.pages.frame(mmu.state, page);
  yield {
    output: Output.setSpte,
    page,
    index,
    level: 1,
    gfn,
    spte: mmioSpte(kvm, gfn, access),
    frame,
    open: [...(frame === undefined ? [frameReason(mmu, page)] : []), ...(kvm.slotGeneration === undefined ? (['slot-gen'] as const) : [])],
  };
}

/** An MMIO SPTE; without its generation while no event showed that. */
function mmioSpte({ mmu, slotGeneration }: Kvm, gfn: Gfn, access: number): Bits {
  const make = (generation: number): bigint => mmioEntry(mmu, gfn, access, generation);
  if (slotGeneration !== undefined) return { value: make(slotGeneration), mask: ALL };
  return { value: make(0), mask: ALL & ~(make(ANY_GENERATION) ^ make(0)) };
}
const ANY_GENERATION = 2 ** 20 - 1;
