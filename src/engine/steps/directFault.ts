import { Output, anything, type FastFix, type Steps } from '../announcement.js';
import { EntryState, Unseen, entryState } from '../entry.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../ids.js';
import { PferrBit } from '../permission.js';
import type { Reason } from '../reasons.js';
import { ACC_ALL } from '../role.js';
import { PAGE_SIZE_BIT } from '../spte.js';
import type { Vcpu } from '../vcpu.js';
import { attempt } from './attempt.js';
import { makeMmuPagesAvailable } from './available.js';
import { doubtOf } from './doubt.js';
import { endsAsMmio, mayEndAsMmio, hitsTrackedTable, type Fault } from './fault.js';
import { map } from './fetch.js';
import { mayStartOver, request } from './request.js';

/** The highest level that a direct MMU without paging maps at: PAE tables [6.1 mmu.c:nonpaging_page_fault]. */
const LARGEST = 2;

/** [6.1 mmu.c:direct_page_fault]: no guest tables; the address is the guest frame (spec/fault.md §7). */
export function* directPageFault(fault: Fault): Steps {
  const { trail } = fault.kvm.mmu;
  const call = trail?.enter('directFault', fault.address, fault.error);
  yield* handleDirect(fault);
  trail?.leave(call!);
}

function* handleDirect(fault: Fault): Steps {
  const { vcpu, error, kvm } = fault;
  const gfn = Number(fault.address >> 12n) as Gfn;
  const top = vcpu.rootLevel();
  if (top === 0) return yield* anything('root');
  if (hitsTrackedTable(fault, gfn) || endsAsMmio(fault, gfn)) return;
  if (
    kvm.mmu.has('fast-page-fault') &&
    (error & (PferrBit.write | PferrBit.present | PferrBit.reserved)) === (PferrBit.write | PferrBit.present)
  ) {
    if (yield* fastPageFault(fault)) return;
  }
  if (mayStartOver(fault, gfn) || mayEndAsMmio(fault, gfn)) yield* attempt(kvm, directMap(fault, gfn, top), 'host-page');
  else yield* directMap(fault, gfn, top);
}

/** [6.1 mmu.c:direct_map] */
function* directMap(fault: Fault, gfn: Gfn, top: number): Steps {
  const { trail } = fault.kvm.mmu;
  yield* makeMmuPagesAvailable(fault.kvm);
  const goal = yield* request(fault, gfn, largestLevel(fault.vcpu), ACC_ALL);
  const call = trail?.enter('directMap', gfn);
  if (goal !== 'unknown') yield* map(fault, gfn, goal, ACC_ALL, top);
  trail?.leave(call!);
}

/** The highest level that a direct MMU maps at. */
export function largestLevel(vcpu: Vcpu): number {
  return vcpu.shape() === 'single' ? 3 : LARGEST;
}

/** Answers whether that was all. */
function* fastPageFault(fault: Fault): Steps<boolean> {
  const { kvm, vcpu, address, error } = fault;
  const { trail } = kvm.mmu;
  const call = trail?.enter('fastPageFault', address, error);
  const fix = fastFix(fault);
  if (fix === undefined) {
    trail?.leave(call!, 0);
    return false;
  }
  if ('reason' in fix) {
    yield* anything(fix.reason);
    return true;
  }
  const { large, ...outcome } = fix;
  const event = {
    output: Output.fastPageFault,
    vcpu: vcpu.id,
    address,
    error: error >>> 0,
    ...outcome,
    spurious: false,
    open: ['hw-ad', 'pointer'],
  } as const;
  // A large SPTE stays as it is while dirty logging runs, and is split by the fault.
  const refused = large && fix.fixed && (yield { ...event, after: fix.before, fixed: false, maybe: 'trigger' }) !== undefined;
  if (!refused) yield event;
  if (fix.fixed) kvm.dirtyLog.shownAt(Number(address >> 12n) as Gfn);
  const fixed = fix.fixed && !refused;
  trail?.leave(call!, fixed ? 1 : 0);
  return fixed;
}

/**
 * [6.1 mmu.c:fast_page_fault]: an SPTE that only lacks W gets it without the lock (spec/fault.md §9). Nothing where there is no leaf; a
 * reason where that is not certain.
 */
export function fastFix(
  fault: Fault,
): (FastFix & { large: boolean; leaf: { page: PageId; index: SpteIndex } }) | { reason: Reason } | undefined {
  const { kvm, path } = fault;
  const { format, pages, state } = kvm.mmu;
  const place = leafOf(fault);
  if (!place) return undefined;
  const index = path.indexAt(place.level);
  const spte = state.word(pages.entryCell(place.page, index));
  const doubt = doubtOf(kvm, place.page, index);
  // The CPU found an entry present. Nothing that user space does puts another in its place without an event.
  if (doubt && doubt.what === Unseen.any && doubt.reason !== 'trigger') return { reason: doubt.reason };
  const fixed = (spte & format.mmuWritable) !== 0n;
  const before = spte & ~format.writable;
  const after = fixed ? before | format.writable : before;
  const mask = ((1n << 64n) - 1n) ^ (format.accessed | format.dirty);
  return {
    before: { value: before, mask },
    after: { value: after, mask },
    fixed,
    large: place.level > 1,
    leaf: { page: place.page, index },
  };
}

/** The last SPTE on the way that is present. */
function leafOf({ kvm, vcpu, path }: Fault): { page: PageId; level: number } | undefined {
  const { pages, state } = kvm.mmu;
  for (let level = vcpu.rootLevel(); level >= 1; level--) {
    const page = path.at(level);
    if (page === NO_PAGE) return undefined;
    const cell = pages.entryCell(page, path.indexAt(level));
    const kind = entryState(state.tag(cell));
    if (kind === EntryState.leaf && (level === 1 || state.word(cell) & PAGE_SIZE_BIT)) return { page, level };
    if (kind !== EntryState.link) return undefined;
  }
  return undefined;
}
