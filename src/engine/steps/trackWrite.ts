import type { Steps } from '../announcement.js';
import type { Gfn, Role, SpteIndex } from '../ids.js';
import { roleField } from '../role.js';
import type { Kvm } from '../kvm.js';
import { prepareZap } from './zap.js';

/** Writes to a table of level 2 or higher until it is taken for something else [6.1 mmu.c:detect_write_flooding] */
const FLOODED = 3;

/**
 * [6.1 mmu.c:kvm_mmu_pte_write]: the emulator wrote to a frame that may hold guest tables. Pages written in an odd way, or too often,
 * are zapped; else the SPTEs of the guest entries written are (spec/ptewrite.md).
 *
 * @param gpa bytes
 * @param bytes written; undefined when the instruction is not understood
 * @param wide the vCPU uses 8-byte gPTEs: a write of half an entry counts for the whole
 */
export function* trackWrite(kvm: Kvm, gpa: number, bytes: number, wide: boolean): Steps {
  const { mmu } = kvm;
  const { pages, state } = mmu;
  const gfn = Math.floor(gpa / 4096) as Gfn;
  const widened = wide && bytes === 4;
  const offset = (widened ? gpa - (gpa % 8) : gpa) % 4096;
  const size = widened ? 8 : bytes;
  kvm.guest.forget(gpa, bytes);
  for (const page of mmu.shadowsOf(gfn)) {
    const role = pages.role(state, page);
    if (isMisaligned(role, offset, size)) {
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
    for (const index of sptesWritten(role, offset)) mmu.clear(page, index);
  }
}

/** [6.1 mmu.c:kvm_mmu_unprotect_page]: an instruction that is no page-table write is let run after all shadows of its target are gone. */
export function* unprotect(kvm: Kvm, gfn: Gfn): Steps {
  for (const page of kvm.mmu.shadowsOf(gfn)) yield* prepareZap(kvm, page);
}

function isMisaligned(role: Role, offset: number, bytes: number): boolean {
  const size = roleField(role, 'has4ByteGpte') ? 4 : 8;
  if (offset % size === 0 && bytes === 1) return false;
  return ((offset ^ (offset + bytes - 1)) & ~(size - 1)) !== 0 || bytes < 4;
}

function* sptesWritten(role: Role, offset: number): Generator<SpteIndex> {
  if (!roleField(role, 'has4ByteGpte')) {
    yield (offset >> 3) as SpteIndex;
    return;
  }
  const gpte = offset >> 2;
  if (roleField(role, 'level') === 1) {
    if (gpte >> 9 === roleField(role, 'quadrant')) yield (gpte & 511) as SpteIndex;
  } else if (gpte >> 8 === roleField(role, 'quadrant')) {
    yield (2 * (gpte & 255)) as SpteIndex;
    yield (2 * (gpte & 255) + 1) as SpteIndex;
  }
}
