import type { Steps } from '../announcement.js';
import { accessedMask, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import type { PageId, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import { leafRights } from './prefetch.js';
import { markMmio, mmuSetSpte } from './setSpte.js';

/**
 * [2.6.24 mmu.c:mmu_pte_write_new_pte]: the guest entry that was written goes into the SPTE at once, at level 1 and where a whole entry was
 * written (spec/ptewrite.md §5).
 *
 * @param gpa of the write, bytes
 */
export function* updateEntry(kvm: Kvm, page: PageId, index: SpteIndex, gpa: number, bytes: number): Steps {
  const { mmu, host } = kvm;
  const mode: PagingMode = roleField(mmu.pages.role(mmu.state, page), 'has4ByteGpte') ? '32' : '4-level';
  if (mmu.pages.level(page) > 1 || bytes !== gpteBytes(mode) || gpa % bytes !== 0) return;
  const gpte = kvm.guest.at(gpa, gpteBytes(mode));
  if (gpte === undefined || !isPresentGpte(mode, gpte) || !(gpte & accessedMask(mode))) return;
  const gfn = gpteFrame(mode, gpte);
  const access = leafRights(kvm, page, gpte, mode);
  if (host.isAbsent(gfn)) return mmu.has('mmio-decoupling') ? undefined : yield* markMmio(kvm, page, index, gfn, access);
  const backed = host.at(gfn);
  const call = mmu.trail?.enter('updatePte', page, index, gpa);
  yield* mmuSetSpte(kvm, {
    page,
    index,
    level: 1,
    gfn,
    access,
    pfn: backed?.pfn,
    hostWritable: backed?.writable,
    refused: false,
    prefetch: true,
  });
  mmu.trail?.leave(call!);
}
