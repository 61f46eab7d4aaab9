import { Output, type Steps } from '../announcement.js';
import { EntryState, Trust, entryState, entryTrust } from '../entry.js';
import { NO_PAGE, type Gfn } from '../ids.js';
import { readMmioSpte } from '../spte.js';
import type { Fault } from './fault.js';

/**
 * [6.1 mmu.c:handle_mmio_page_fault]: a fault with reserved bits hit an MMIO SPTE. Nothing at all happens when the vCPU remembers the
 * address; an SPTE of an old memslot generation is made anew by an ordinary fault (spec/fault.md §8.3). Answers whether the fault is over.
 */
export function* mmioPageFault(fault: Fault, direct: boolean): Steps<boolean> {
  const { kvm, vcpu, path, address } = fault;
  const { pages, state } = kvm.mmu;
  const cached = vcpu.mmio.matches(address, direct, kvm.slotGeneration);
  if (cached === true) return true;
  const page = path.at(1);
  if (page === NO_PAGE) return true;
  const cell = pages.entryCell(page, path.indexAt(1));
  if (entryState(state.tag(cell)) !== EntryState.mmio) return true;
  const spte = state.word(cell);
  const gfn = state.number(pages.gfnCell(page, path.indexAt(1))) as Gfn;
  // One whose making was not seen has the generation of that moment, whatever it was.
  const made = entryTrust(state.tag(cell)) !== Trust.assumed;
  const call = kvm.mmu.trail?.enter('mmioFault', address);
  const spteGeneration = made ? readMmioSpte(kvm.mmu.format, spte).generation : undefined;
  const came = yield {
    output: Output.checkMmio,
    generation: kvm.slotGeneration,
    spteGeneration,
    spte: made ? spte : undefined,
    ...(cached === false ? {} : { maybe: cached }),
    open: kvm.slotGeneration === undefined || !made ? ['slot-gen'] : [],
  };
  if (!came) {
    kvm.mmu.trail?.undo(call!);
    return true;
  }
  const stale = made && kvm.slotGeneration !== spteGeneration;
  if (stale) {
    kvm.mmu.trail?.leave(call!, 0);
    return false;
  }
  yield { output: Output.handleMmio, address: direct ? 0n : address, gfn, access: Number(spte & 6n) };
  kvm.mmu.trail?.leave(call!, 1);
  return true;
}
