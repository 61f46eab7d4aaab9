import type { Steps } from '../announcement.js';
import { LONGEST_STORE, isMisaligned } from '../guestWrite.js';
import type { Gfn, PageId } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import { attempt } from './attempt.js';
import { prepareZap } from './zap.js';

/** Writes to a table of level 2 or higher until it is taken for something else [6.1 mmu.c:detect_write_flooding] */
const FLOODED = 3;

/**
 * [6.1 mmu.c:kvm_mmu_pte_write]: the emulator wrote to a frame that may hold guest tables. Pages written in an odd way, or too often,
 * are zapped; else the SPTEs of the guest entries written are (spec/ptewrite.md).
 *
 * @param gpa bytes
 * @param bytes written; undefined when the instruction is not known
 * @param wide the vCPU uses 8-byte gPTEs: a write of half an entry counts for the whole
 */
export function* trackWrite(kvm: Kvm, gpa: number, bytes: number | undefined, wide: boolean): Steps {
  if (bytes === undefined) return yield* trackUnknown(kvm, gpa);
  const { mmu } = kvm;
  const { pages, state } = mmu;
  const gfn = Math.floor(gpa / 4096) as Gfn;
  const offset = gpa % 4096;
  const rules = { longEntries: wide };
  kvm.guest.forget(gpa, bytes);
  mmu.statistics.add('mmu_pte_write');
  for (const page of mmu.shadowsOf(gfn)) {
    const role = pages.role(state, page);
    if (isMisaligned(role, offset, bytes, rules) || isFlooded(kvm, page)) {
      yield* prepareZap(kvm, page);
      mmu.statistics.add('mmu_flooded');
      continue;
    }
    for (const index of mmu.sptesWritten(page, offset, bytes, rules)) {
      if (pages.level(page) > 1) mmu.statistics.add('mmu_pde_zapped');
      mmu.clear(page, index);
    }
  }
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
  const odd = new Map<number, boolean>();
  for (const page of mmu.shadowsOf(Math.floor(gpa / 4096) as Gfn)) {
    const role = pages.role(state, page);
    const size = roleField(role, 'has4ByteGpte');
    const known = odd.get(size);
    if (known === false) {
      if (isFlooded(kvm, page)) yield* prepareZap(kvm, page);
      else for (const index of mmu.sptesWritten(page, gpa % 4096, 1, {})) mmu.clear(page, index);
    } else if (known) yield* prepareZap(kvm, page);
    else if (pages.level(page) > 1 && pages.writeFlooding(state, page) + 1 >= FLOODED) yield* prepareZap(kvm, page);
    else {
      const zapped = yield* attempt(prepareZap(kvm, page), 'insn');
      odd.set(size, zapped);
      if (!zapped && !isFlooded(kvm, page)) for (const index of mmu.sptesWritten(page, gpa % 4096, 1, {})) mmu.clear(page, index);
    }
  }
}

/** [6.1 mmu.c:detect_write_flooding] */
function isFlooded({ mmu: { pages, state } }: Kvm, page: PageId): boolean {
  if (pages.level(page) === 1) return false;
  const count = pages.writeFlooding(state, page) + 1;
  pages.setWriteFlooding(state, page, count);
  return count >= FLOODED;
}

/** [6.1 mmu.c:kvm_mmu_unprotect_page]: an instruction that is no page-table write is let run after all shadows of its target are gone. */
export function* unprotect(kvm: Kvm, gfn: Gfn): Steps {
  for (const page of kvm.mmu.shadowsOf(gfn)) yield* prepareZap(kvm, page);
}
