import { Output, type Bits, type SetSpteAnnouncement, type Steps } from '../announcement.js';
import { accessedMask, gpteBytes, gpteFrame, isPresentGpte, type PagingMode } from '../gpte.js';
import type { Gfn, PageId, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { roleField } from '../role.js';
import type { Vcpu } from '../vcpu.js';
import { gpteAddress, leafRights } from './prefetch.js';
import { prefetchedSpte } from './setSpte.js';

/**
 * [6.1 mmu.c:kvm_mmu_invlpg]: INVLPG of an address that the trace does not give. Below the root in use, and then below each cached one,
 * an SPTE of an unsync page goes and is made anew from its guest entry ([6.1 paging_tmpl.h:invlpg]). The event tells which; what it
 * must be then follows from the guest entry.
 */
export function* invalidateUnknown(kvm: Kvm, vcpu: Vcpu): Steps {
  if (kvm.mmu.has('invalidate-syncs')) return;
  for (let roots = 1 + vcpu.previousRoots().length; roots > 0; roots--) if (!(yield* inSomePage(kvm, vcpu))) return;
}

function* inSomePage(kvm: Kvm, vcpu: Vcpu): Steps<boolean> {
  const [first] = kvm.mmu.unsyncNow;
  if (first === undefined) return false;
  const others = (): Iterable<SetSpteAnnouncement> => entriesOfOthers(kvm, vcpu, first);
  return (yield anyEntryOf(kvm, vcpu, first, others)) !== undefined;
}

function* entriesOfOthers(kvm: Kvm, vcpu: Vcpu, first: PageId): Generator<SetSpteAnnouncement> {
  for (const page of kvm.mmu.unsyncNow) if (page !== first) yield anyEntryOf(kvm, vcpu, page);
}

function modeOf({ mmu }: Kvm, vcpu: Vcpu, page: PageId): PagingMode {
  if (roleField(mmu.pages.role(mmu.state, page), 'has4ByteGpte')) return '32';
  return vcpu.shape() === 'pae' ? 'pae' : '4-level';
}

const INVLPG = ['invlpg'] as const;

function anyEntryOf(kvm: Kvm, vcpu: Vcpu, page: PageId, others?: SetSpteAnnouncement['others']): SetSpteAnnouncement {
  const { pages, state, format } = kvm.mmu;
  const present = format.present | format.mmuPresent;
  return {
    output: Output.setSpte,
    page,
    index: undefined,
    level: 1,
    gfn: undefined,
    spte: { value: present, mask: present | format.accessed },
    frame: pages.frame(state, page),
    settle: (index) => prefetched(kvm, page, index, modeOf(kvm, vcpu, page)),
    others,
    maybe: 'invlpg',
    open: INVLPG,
  };
}

/** What a guest entry makes of an SPTE; nothing where the entry is not known. */
function prefetched(kvm: Kvm, page: PageId, index: SpteIndex, mode: PagingMode): { gfn?: Gfn; spte?: Bits } {
  const gpte = kvm.guest.at(gpteAddress(kvm, page, index, mode), gpteBytes(mode));
  if (gpte === undefined) return {};
  // None is made of such an entry: no event can be right.
  if (!isPresentGpte(mode, gpte) || !(gpte & accessedMask(mode))) return { spte: { value: 0n, mask: kvm.mmu.format.present } };
  const gfn = gpteFrame(mode, gpte);
  const access = leafRights(kvm, page, gpte, mode);
  const leaf = { page, index, level: 1, gfn, access, pfn: kvm.host.at(gfn)?.pfn, hostWritable: true, prefetch: true, refused: false };
  return { gfn, spte: prefetchedSpte(kvm, { ...leaf, afresh: true }) };
}
