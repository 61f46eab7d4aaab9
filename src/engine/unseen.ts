import { EntryState, Unseen, entryState, entryUnseen } from './entry.js';
import { BEFORE_FIRST, type EventIndex, type PageId, type SpteIndex } from './ids.js';
import type { CellId } from './journal.js';
import type { Mmu } from './mmu.js';
import { roleField } from './role.js';
import type { State, WritableState } from './state.js';

/** What can change SPTEs without an event that says which (`oracle/README.md`, "What the trace does not tell"). */
export const Cause = {
  /** events were lost, or cannot be read */
  lost: 0,
  /** an MMU notifier whose guest frames are not known */
  notifier: 1,
  /** user space ran: it may have switched dirty logging or read the dirty log */
  userspace: 2,
  /** INVLPG, or the invalidation before an injected page fault, at an address that is not known */
  invlpg: 3,
  /** the first kvm_entry: from here on every exit has its events, INVLPG's too. A recording of kvm_exit alone has no emulation */
  exitsSeen: 4,
  /** a writable SPTE took a write fault: dirty logging runs and the trace does not show user space */
  dirtyLog: 5,
  /** the trace begins in mid-life of the VM, as this event shows */
  midLife: 6,
  /** where the trace has gaps, an SPTE was set in a page that is not known, or not for certain */
  stray: 7,
} as const;
export type Cause = (typeof Cause)[keyof typeof Cause];
const CAUSES = 8;

/** Moments at which something may have changed any entry of a VM: one cell per cause, whose event is the moment. */
export class UnseenChanges {
  private readonly first: CellId;
  /** the trace lacks a part of the VM's life: roots and pages may be others than those that it shows */
  hasGaps = false;

  constructor(private readonly state: WritableState) {
    this.first = state.journal.allocate(CAUSES);
  }

  happened(cause: Cause): void {
    this.state.setNumber(this.first + cause, 1);
    if (cause === Cause.lost || cause === Cause.midLife) this.hasGaps = true;
  }
  /** An SPTE was set, and the page that it is in is not certain. */
  strayed(): void {
    if (this.hasGaps) this.happened(Cause.stray);
  }
  /** The last time it happened, at a position; {@link BEFORE_FIRST} when never. */
  last(state: State, cause: Cause): EventIndex {
    return state.writtenAt(this.first + cause);
  }
}

/** A possible change of an entry that no event shows. */
export interface UnseenChange {
  readonly what: Unseen;
  readonly since: EventIndex;
  readonly why: 'lost' | 'notifier' | 'userspace' | 'invlpg' | 'no-exits' | 'sync' | 'write' | 'dirty-log' | 'twins';
}

/** What may have happened to an entry since its last event, at a position; undefined for an entry that is certain or empty. */
export function unseenChange(mmu: Mmu, state: State, page: PageId, index: SpteIndex): UnseenChange | undefined {
  const { pages, unseen } = mmu;
  const cell = pages.entryCell(page, index);
  const tag = state.tag(cell);
  const kind = entryState(tag);
  if (kind === EntryState.empty) return undefined;
  const set = state.writtenAt(cell);

  const lost = unseen.last(state, Cause.lost);
  if (lost > set) return { what: Unseen.any, since: lost, why: 'lost' };
  const confused = state.writtenAt(pages.confusedCell(page));
  if (confused > set) return { what: Unseen.any, since: confused, why: 'twins' };
  if (entryUnseen(tag) !== Unseen.nothing) return { what: entryUnseen(tag), since: set, why: 'write' };
  const written = pages.writtenSince(state, page);
  if (written !== undefined && written > set) return { what: Unseen.gone, since: written, why: 'write' };
  // Links go only by a write to the guest's table or with the child.
  if (kind === EntryState.link) return linkChange(mmu, state, state.number(cell) as PageId, set);
  const synced = state.writtenAt(pages.doubtCell(page));
  if (synced > set) return { what: Unseen.any, since: synced, why: 'sync' };
  if (pages.isUnsync(state, page)) {
    const change = unsyncChange(mmu, state, page, set);
    if (change) return change;
  }
  return kind === EntryState.leaf ? leafChange(mmu, state, page, index, set) : undefined;
}

/** A link may lead to a page that looks like its child. */
function linkChange({ pages }: Mmu, state: State, child: PageId, set: EventIndex): UnseenChange | undefined {
  const confused = state.writtenAt(pages.confusedCell(child));
  return confused > set ? { what: Unseen.any, since: confused, why: 'twins' } : undefined;
}

/** An entry of an unsync page goes with an INVLPG of its address. */
function unsyncChange(mmu: Mmu, state: State, page: PageId, set: EventIndex): UnseenChange | undefined {
  if (mmu.unseen.last(state, Cause.exitsSeen) === BEFORE_FIRST) return { what: Unseen.any, since: set, why: 'no-exits' };
  const invlpg = mmu.unseen.last(state, Cause.invlpg);
  const unsyncSince = state.writtenAt(mmu.pages.unsyncCell(page));
  return invlpg > set && invlpg > unsyncSince ? { what: Unseen.any, since: invlpg, why: 'invlpg' } : undefined;
}

/** What the host can do to a leaf: unmap it, or take W for dirty logging. */
function leafChange(mmu: Mmu, state: State, page: PageId, index: SpteIndex, set: EventIndex): UnseenChange | undefined {
  const { pages, unseen, format } = mmu;
  const notifier = unseen.last(state, Cause.notifier);
  if (notifier > set) return { what: Unseen.gone, since: notifier, why: 'notifier' };
  const userspace = unseen.last(state, Cause.userspace);
  if (userspace > set) {
    // Dirty logging that ends drops the small SPTEs of a huge page: they hang in direct pages of level 1.
    const { role } = pages.birth(page);
    if (roleField(role, 'direct') && roleField(role, 'level') === 1) return { what: Unseen.any, since: userspace, why: 'userspace' };
  }
  if ((state.word(pages.entryCell(page, index)) & format.writable) === 0n) return undefined;
  if (userspace > set) return { what: Unseen.write, since: userspace, why: 'userspace' };
  const dirtyLog = unseen.last(state, Cause.dirtyLog);
  return dirtyLog !== BEFORE_FIRST ? { what: Unseen.write, since: dirtyLog, why: 'dirty-log' } : undefined;
}
