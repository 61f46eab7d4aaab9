import type { PageId, SpteIndex } from '../ids.js';
import type { Kvm } from '../kvm.js';
import type { Reason } from '../reasons.js';
import { unseenChange, type UnseenChange } from '../unseen.js';

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
