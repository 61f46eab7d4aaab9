import type { Steps } from '../announcement.js';
import { NO_PAGE } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { ACC_ALL } from '../role.js';
import { largeLeaves } from '../tdpMmu.js';
import { attempt } from './attempt.js';
import { announcePage } from './getPage.js';
import { zapAll, zapAllFast } from './zap.js';

/**
 * What the process that owns the VM may do to the MMU while it runs its own code: delete or move memory slots, each with a fast zap of
 * everything (spec/zap.md §7), or end the VM. Neither has an event of its own.
 *
 * @param least zaps that look like the end until it is certain: one where it is known that the process runs its own code
 */
export function* outsideGuest(kvm: Kvm, least = 1): Steps {
  let zapped: boolean;
  do zapped = yield* zapAllFast(kvm);
  while (zapped);
  yield* splitLargePages(kvm);
  yield* attempt(kvm, zapAll(kvm), 'trigger', least);
}

/** [6.1 tdp_mmu.c:tdp_mmu_split_huge_pages_root]: dirty logging begins for a slot, and its large pages get tables. */
function* splitLargePages(kvm: Kvm): Steps {
  for (const { page, index, gfn } of largeLeaves(kvm)) {
    const role = kvm.mmu.childRole(page, index, true, ACC_ALL);
    yield announcePage(kvm, NO_PAGE, gfn, role, { parent: page, index, maybe: 'trigger' });
  }
}
