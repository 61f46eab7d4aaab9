import { Output, type Steps } from '../announcement.js';
import type { FaultPath } from '../faultPath.js';
import { type Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { PferrBit } from '../permission.js';
import { ACC_ALL, roleField } from '../role.js';
import type { Vcpu } from '../vcpu.js';
import { makeMmuPagesAvailable } from './available.js';
import { fastFix, largestLevel } from './directFault.js';
import { map } from './fetch.js';
import { backingOf } from './request.js';

/**
 * A fault of a direct MMU that no event shows: it walks no guest tables, so the first that one sees of it is its outcome. That tells the
 * address; what else it says and all that comes after follows.
 */
export function* unseenDirectFault(kvm: Kvm, vcpu: Vcpu, pathOf: (gfn: Gfn) => FaultPath | undefined): Steps {
  const { pages, state } = kvm.mmu;
  const root = vcpu.firstRoot();
  if (root === undefined || !roleField(pages.role(state, root), 'direct')) return;
  const maxLevel = largestLevel(vcpu);
  if (yield* fastFixOfAny(kvm, vcpu, pathOf)) return;
  yield* makeMmuPagesAvailable(kvm);
  const came = yield {
    output: Output.spteRequested,
    gfn: undefined,
    pfn: undefined,
    level: undefined,
    access: ACC_ALL,
    // Whether it was a write is not known: a page that the host mapped for reading may have been copied.
    settle: (gfn) => backingOf(kvm, gfn, maxLevel, true),
    maybe: 'no-kvm-events',
    open: ['no-kvm-events'],
  };
  if (came?.gfn === undefined) return;
  const path = pathOf(came.gfn);
  if (!path) return;
  const fault = { kvm, vcpu, path, walk: undefined, address: BigInt(came.gfn) << 12n, error: 0 };
  yield* map(fault, came.gfn, came.level ?? 1, ACC_ALL, vcpu.rootLevel());
}

/** fast_page_fault at an address that its event tells: what it finds there is known. */
function* fastFixOfAny(kvm: Kvm, vcpu: Vcpu, pathOf: (gfn: Gfn) => FaultPath | undefined): Steps<boolean> {
  const none = { value: 0n, mask: 0n };
  const came = yield {
    output: Output.fastPageFault,
    vcpu: vcpu.id,
    address: undefined,
    error: undefined,
    before: none,
    after: none,
    spurious: undefined,
    fixed: undefined,
    settle: (address, error) => {
      const path = pathOf(Number(address >> 12n) as Gfn);
      const writes = (error & (PferrBit.write | PferrBit.present)) === (PferrBit.write | PferrBit.present);
      const fix = path && writes ? fastFix({ kvm, vcpu, path, walk: undefined, address, error }) : undefined;
      return fix && !('reason' in fix) ? fix : {};
    },
    maybe: 'no-kvm-events',
    open: ['no-kvm-events'],
  };
  return came !== undefined;
}
