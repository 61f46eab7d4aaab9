import { EntryState, entryState } from '../entry.js';
import { BEFORE_FIRST, type PageId, type SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Mmu } from '../mmu.js';
import type { Reason } from '../reasons.js';
import { Cause, unseenChange, type UnseenChange } from '../unseen.js';

const REASONS: Readonly<Record<UnseenChange['why'], Reason>> = {
  lost: 'lost',
  notifier: 'host-page',
  userspace: 'trigger',
  invlpg: 'invlpg',
  'no-exits': 'no-kvm-events',
  sync: 'gpte',
  write: 'insn',
  'dirty-log': 'trigger',
  twins: 'hidden-role',
};

/** What may have happened to an SPTE unseen, as the reason why an event about it cannot be certain. */
export function doubtOf({ mmu }: Kvm, page: PageId, index: SpteIndex): { what: UnseenChange['what']; reason: Reason } | undefined {
  const change = unseenChange(mmu, mmu.state, page, index);
  return change && { what: change.what, reason: REASONS[change.why] };
}

/** Why the page frame of a page's SPTEs is not known: no leaf was set in it, or an event that showed it is missing or could not be told from another page's. */
export function frameReason({ pages, state, unseen }: Mmu, page: PageId): Reason {
  if (!unseen.hasGaps) return 'spt-frame';
  const lost = unseen.last(state, Cause.lost);
  const isLeaf = (index: number): boolean => entryState(state.tag(pages.entryCell(page, index as SpteIndex))) === EntryState.leaf;
  const isFirst = !pages.birth(page).before && pages.born(page) >= lost && !Array.from({ length: 512 }, (_, i) => i).some(isLeaf);
  if (isFirst) return 'spt-frame';
  return lost === BEFORE_FIRST ? 'mid-life' : 'lost';
}
