import { EntryState, Trust, Unseen, entryState, entryTrust } from '../engine/entry.js';
import { BEFORE_FIRST, type PageId, type SpteIndex } from '../engine/ids.js';
import type { RecordIndex } from '../engine/journal.js';
import type { Mmu } from '../engine/mmu.js';
import type { State } from '../engine/state.js';
import { Cause, unseenChange, type UnseenChange } from '../engine/unseen.js';
import type { Doubt } from './view.js';

const WHAT: Record<Unseen, Doubt['what']> = {
  [Unseen.nothing]: 'value',
  [Unseen.gone]: 'gone',
  [Unseen.write]: 'w',
  [Unseen.any]: 'value',
};

const WHY: Record<UnseenChange['why'], string> = {
  lost: 'events are missing',
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

const LACKS_ENTRIES = 'entries that are not listed may be there';

/** Why pages that are not listed may live; undefined while all of them are known. */
export function doubtOfVm({ unseen }: Mmu, state: State): Doubt | undefined {
  const lost = unseen.last(state, Cause.lost);
  if (lost !== BEFORE_FIRST)
    return { what: 'gone', since: lost, why: `events are missing before event ${lost}: pages that are not listed may be there` };
  const older = unseen.last(state, Cause.midLife);
  if (older === BEFORE_FIRST) return undefined;
  const why = `the trace begins in mid-life of the VM, as event ${older} shows: pages that are not listed may be there`;
  return { what: 'value', since: older, why };
}

/** Why a page may be gone, or have entries that are not listed; undefined when neither can be. */
export function doubtOfPage({ pages, unseen }: Mmu, state: State, page: PageId): Doubt | undefined {
  const born = pages.born(page);
  const lost = unseen.last(state, Cause.lost);
  if (born < lost) {
    const losses = `events are missing before event ${lost}`;
    if (pages.wasSeenSince(state, page, lost)) return { what: 'value', since: lost, why: `${losses}: ${LACKS_ENTRIES}` };
    return { what: 'gone', since: lost, why: `${losses}: the page may be gone, and ${LACKS_ENTRIES}` };
  }
  const stray = unseen.last(state, Cause.stray);
  if (stray >= born && (pages.frame(state, page) === undefined || pages.frameSince(state, page) > stray))
    return { what: 'value', since: stray, why: `event ${stray} set an SPTE in a page that is not certain: ${LACKS_ENTRIES}` };
  if (!pages.birth(page).before) return undefined;
  return { what: 'value', since: born, why: `the page is older than event ${born}, the first about it: ${LACKS_ENTRIES}` };
}

const NOT_ALL_KNOWN = 'not all roots and pages are known: it may be in another page, or lead to another';

/** The doubt about an entry, in words; undefined when it is certain. Only the record in force can be in doubt. */
export function doubtOf(mmu: Mmu, state: State, page: PageId, index: SpteIndex, record: RecordIndex): Doubt | undefined {
  if (state.record(mmu.pages.entryCell(page, index)) !== record) return undefined;
  const change = unseenChange(mmu, state, page, index);
  if (change) return { what: WHAT[change.what], since: change.since, why: WHY[change.why] };
  const tag = state.journal.tag(record);
  const guessed = entryTrust(tag) === Trust.assumed ? GUESSED[entryState(tag)] : undefined;
  const why = guessed !== undefined && doubtOfVm(mmu, state) ? NOT_ALL_KNOWN : guessed;
  return why === undefined ? undefined : { what: 'link', since: state.journal.event(record), why };
}
