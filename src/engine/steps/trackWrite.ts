import type { Steps } from '../announcement.js';
import { LONGEST_STORE, isMisaligned, type WriteRules } from '../guestWrite.js';
import type { Gfn, PageId, SpteIndex } from '../ids.js';
import type { Change, Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import type { Vcpu } from '../vcpu.js';
import { attempt } from './attempt.js';
import { isFlooded, isFloodingGfn } from './flood.js';
import { updateEntry } from './updateEntry.js';
import { prepareZap } from './zap.js';

/**
 * [6.1 mmu.c:kvm_mmu_pte_write]: the emulator wrote to a frame that may hold guest tables. Pages written in an odd way, or too often,
 * are zapped; else the SPTEs of the guest entries written are (spec/ptewrite.md).
 *
 * @param gpa bytes
 * @param bytes written; undefined when the instruction is not known
 * @param wide the vCPU uses 8-byte gPTEs: a write of half an entry counts for the whole
 * @param change what is stored, as far as the instruction tells
 * @param vcpu that wrote
 */
export function* trackWrite(
  kvm: Kvm,
  gpa: number,
  bytes: number | undefined,
  wide: boolean,
  change: Change = () => undefined,
  vcpu?: Vcpu,
): Steps {
  const { trail } = kvm.mmu;
  const call = trail?.enter('trackWrite', gpa, bytes);
  if (bytes === undefined) yield* trackUnknown(kvm, gpa);
  else yield* trackKnown(kvm, gpa, bytes, wide, change, vcpu);
  trail?.leave(call!);
}

function* trackKnown(kvm: Kvm, gpa: number, bytes: number, wide: boolean, change: Change, vcpu: Vcpu | undefined): Steps {
  const { mmu } = kvm;
  const gfn = Math.floor(gpa / 4096) as Gfn;
  const rules = { longEntries: wide };
  const presentAfter = writes(kvm, gpa, bytes, wide, change);
  mmu.statistics.add('mmu_pte_write');
  const flooding = isFloodingGfn(kvm, vcpu, gfn);
  const shadows = mmu.shadowsOf(gfn);
  for (const [i, page] of shadows.entries()) {
    if (isOdd(kvm, page, gpa, bytes, rules) || flooding || isFlooded(kvm, page)) {
      yield* zapFlooded(kvm, page, shadows[i + 1]);
      continue;
    }
    for (const index of hitBy(kvm, page, gpa, bytes, rules)) {
      if (presentAfter && mmu.pages.level(page) > 1) mmu.statistics.add('mmu_pde_zapped');
      zapPte(kvm, page, index);
      if (mmu.has('update-on-write')) yield* updateEntry(kvm, page, index, gpa, bytes);
    }
  }
}

/** Lets the write into the guest's memory. Answers whether the entry is other than 0 then; the likelier where that is not known. */
function writes({ guest, mmu }: Kvm, gpa: number, bytes: number, wide: boolean, change: Change): boolean {
  const size = wide ? 8 : 4;
  const entry = gpa - (gpa % size);
  const before = guest.at(entry, size);
  guest.wrote(gpa, bytes, size, change);
  const after = guest.at(entry, size);
  if (after !== undefined) return after !== 0n;
  mmu.statistics.guessed();
  // An 8-byte entry that is written in halves loses its lower one first; the upper one is 0 where memory is small.
  if (size === 8 && gpa % 8 >= 4) return before !== undefined && (before & 0xffff_ffffn) !== 0n;
  return change(undefined) !== 0n;
}

/**
 * A write of a size that is not known. Where it is odd for one page it is so for all with guest entries of that size; where it is not, it
 * hits one guest entry.
 */
function* trackUnknown(kvm: Kvm, gpa: number): Steps {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  kvm.guest.forget(gpa - (gpa % 8), LONGEST_STORE);
  mmu.statistics.add('mmu_pte_write');
  mmu.statistics.guessed();
  const odd = new Map<number, boolean>();
  for (const page of mmu.shadowsOf(Math.floor(gpa / 4096) as Gfn)) {
    const role = pages.role(state, page);
    const size = roleField(role, 'has4ByteGpte');
    const flooded = isFlooded(kvm, page);
    if (odd.get(size) || (flooded && !mayBeReused(kvm, page))) {
      yield* zapFlooded(kvm, page);
      continue;
    }
    const known = odd.has(size);
    const zapped = (flooded || !known) && (yield* attempt(kvm, zapFlooded(kvm, page), known ? 'root' : 'insn'));
    if (!known && !flooded) odd.set(size, zapped);
    if (zapped) continue;
    if (flooded) pages.setWriteFlooding(state, page, 0);
    clearWritten(kvm, page, gpa);
  }
}

/** A cached root that may have been taken into use again without an event: its count of writes then began anew. */
function mayBeReused({ vcpus }: Kvm, page: PageId): boolean {
  return vcpus.some((vcpu) => !vcpu.isRootCertain() && vcpu.heldRoots().includes(page));
}

function* zapFlooded(kvm: Kvm, page: PageId, next?: PageId): Steps {
  yield* prepareZap(kvm, page, { next });
  kvm.mmu.statistics.add('mmu_flooded');
}

/** The SPTEs of the one guest entry that a write without a known size hit. */
function clearWritten(kvm: Kvm, page: PageId, gpa: number): void {
  const { mmu } = kvm;
  for (const index of hitBy(kvm, page, gpa, 1, {})) {
    if (mmu.pages.level(page) > 1) mmu.statistics.add('mmu_pde_zapped');
    mmu.clear(page, index);
  }
}

/** [6.1 mmu.c:detect_write_misaligned]: no one writes page tables so. */
function isOdd({ mmu }: Kvm, page: PageId, gpa: number, bytes: number, rules: WriteRules): boolean {
  const call = mmu.trail?.enter('misaligned', page, gpa, bytes);
  const odd = isMisaligned(mmu.pages.role(mmu.state, page), gpa % 4096, bytes, { ...mmu.writeRules, ...rules });
  mmu.trail?.leave(call!, odd ? 1 : 0);
  return odd;
}

/** [6.1 mmu.c:get_written_sptes]: none where the entry lies in another quadrant. */
function hitBy({ mmu }: Kvm, page: PageId, gpa: number, bytes: number, rules: WriteRules): SpteIndex[] {
  const call = mmu.trail?.enter('writtenSptes', page, gpa, bytes);
  const hit = mmu.sptesWritten(page, gpa % 4096, bytes, rules);
  if (hit.length === 0) mmu.notices.quadrantSkips.push(mmu.state.now, page, gpa);
  mmu.trail?.leave(call!, hit.length);
  return hit;
}

/** [6.1 mmu.c:mmu_page_zap_pte] */
function zapPte({ mmu }: Kvm, page: PageId, index: SpteIndex): void {
  const call = mmu.trail?.enter('zapPte', page, index);
  mmu.clear(page, index);
  mmu.trail?.leave(call!);
}
