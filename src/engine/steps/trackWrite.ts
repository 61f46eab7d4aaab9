import type { Steps } from '../announcement.js';
import { isMisaligned, sptesWritten } from '../guestWrite.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { prepareZap } from './zap.js';

/** Writes to a table of level 2 or higher until it is taken for something else [6.1 mmu.c:detect_write_flooding] */
const FLOODED = 3;

/**
 * [6.1 mmu.c:kvm_mmu_pte_write]: the emulator wrote to a frame that may hold guest tables. Pages written in an odd way, or too often,
 * are zapped; else the SPTEs of the guest entries written are (spec/ptewrite.md).
 *
 * @param gpa bytes
 * @param bytes written
 * @param wide the vCPU uses 8-byte gPTEs: a write of half an entry counts for the whole
 */
export function* trackWrite(kvm: Kvm, gpa: number, bytes: number, wide: boolean): Steps {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  const gfn = Math.floor(gpa / 4096) as Gfn;
  const offset = gpa % 4096;
  const rules = { longEntries: wide };
  kvm.guest.forget(gpa, bytes);
  for (const page of mmu.shadowsOf(gfn)) {
    const role = pages.role(state, page);
    if (isMisaligned(role, offset, bytes, rules)) {
      yield* prepareZap(kvm, page);
      continue;
    }
    if (pages.level(page) > 1) {
      const count = pages.writeFlooding(state, page) + 1;
      pages.setWriteFlooding(state, page, count);
      if (count >= FLOODED) {
        yield* prepareZap(kvm, page);
        continue;
      }
    }
    for (const index of sptesWritten(role, offset, bytes, rules)) mmu.clear(page, index);
  }
}

/** [6.1 mmu.c:kvm_mmu_unprotect_page]: an instruction that is no page-table write is let run after all shadows of its target are gone. */
export function* unprotect(kvm: Kvm, gfn: Gfn): Steps {
  for (const page of kvm.mmu.shadowsOf(gfn)) yield* prepareZap(kvm, page);
}
