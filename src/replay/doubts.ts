import { EntryState, Trust, Unseen, entryState, entryTrust } from '../engine/entry.js';
import type { PageId, SpteIndex } from '../engine/ids.js';
import type { RecordIndex } from '../engine/journal.js';
import type { Mmu } from '../engine/mmu.js';
import type { State } from '../engine/state.js';
import { unseenChange, type UnseenChange } from '../engine/unseen.js';
import type { Doubt } from './view.js';

const WHAT: Record<Unseen, Doubt['what']> = {
  [Unseen.nothing]: 'value',
  [Unseen.gone]: 'gone',
  [Unseen.write]: 'w',
  [Unseen.any]: 'value',
};

const WHY: Record<UnseenChange['why'], string> = {
  lost: 'events were lost',
  notifier: 'an MMU notifier ran, and no event says which guest frames it hit',
  userspace: 'user space ran: it may have switched or read the dirty log',
  invlpg: 'INVLPG ran while the page was unsync, and no event gives its address',
  'no-exits': 'the page is unsync, and the trace has no exits: INVLPG may have run',
  sync: 'the page was synced: KVM read the guest entry again',
  write: 'a guest write that KVM emulated may have hit its guest entry',
  twins: 'an event may have been about this page or about one that looks alike: the text lacks role bits',
  'dirty-log': 'dirty logging runs, and the trace does not show user space',
};

const GUESSED: Partial<Record<EntryState, string>> = {
  [EntryState.link]: 'no later event shows that this page, and not one that looks alike, was linked',
  [EntryState.leaf]: 'several live pages look alike in this trace: it may be in another of them',
  [EntryState.mmio]: 'several live pages look alike in this trace: it may be in another of them',
  [EntryState.unknown]: 'one of the cached roots got a link here, and no event says which',
};

/** The doubt about an entry, in words; undefined when it is certain. Only the record in force can be in doubt. */
export function doubtOf(mmu: Mmu, state: State, page: PageId, index: SpteIndex, record: RecordIndex): Doubt | undefined {
  if (state.record(mmu.pages.entryCell(page, index)) !== record) return undefined;
  const change = unseenChange(mmu, state, page, index);
  if (change) return { what: WHAT[change.what], since: change.since, why: WHY[change.why] };
  const tag = state.journal.tag(record);
  const why = entryTrust(tag) === Trust.assumed ? GUESSED[entryState(tag)] : undefined;
  return why === undefined ? undefined : { what: 'link', since: state.journal.event(record), why };
}
