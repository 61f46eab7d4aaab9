import { Output, type Steps } from '../announcement.js';
import type { Gfn } from '../ids.js';
import type { Kvm } from '../kvm.js';
import { PferrBit } from '../permission.js';
import { pagesPerEntry } from '../spte.js';
import type { Fault } from './fault.js';

/** KVM_PFN_NOSLOT, as a request prints it */
export const NO_SLOT = 1n << 63n;

/** What backs a guest frame: as a request prints the frame, and the level to map at; undefined where it is not known. */
interface Backing {
  readonly pfn: bigint | undefined;
  readonly level: number | undefined;
}

/** kvm_mmu_spte_requested: once per fault, when frame and page size are settled. Answers the level to map at. */
export function* request(fault: Fault, gfn: Gfn, maxLevel: number, access: number): Steps<number | 'unknown'> {
  const { kvm, error } = fault;
  const write = (error & PferrBit.write) !== 0;
  const backing = backingOf(kvm, gfn, maxLevel, write);
  const printsAddress = fault.walk !== undefined && kvm.mmu.has('requests-print-address');
  const printed = printsAddress ? asAddress(fault, backing) : { gfn, ...backing };
  const came = yield {
    output: Output.spteRequested,
    ...printed,
    access,
    open: printed.pfn === undefined || printed.level === undefined ? ['host-page'] : [],
  };
  return printsAddress ? (backing.level ?? 'unknown') : (came?.level ?? backing.level ?? 1);
}

/**
 * Whether a write may start over unseen: the host copies a page that it only mapped for reading, and notifiers run meanwhile [5.10
 * mmu.c:mmu_notifier_retry].
 */
export function mayStartOver({ kvm, error }: Fault, gfn: Gfn): boolean {
  const { host, mmu } = kvm;
  return (error & PferrBit.write) !== 0 && !host.isAbsent(gfn) && !host.at(gfn)?.writable && !mmu.has('notifier-events');
}

/** What a request must say of the host's page behind a guest frame, as far as that is known. */
export function backingOf(kvm: Kvm, gfn: Gfn, maxLevel: number, write: boolean): Backing {
  const { host, mmu, dirtyLog } = kvm;
  if (host.isAbsent(gfn)) return { pfn: NO_SLOT, level: 1 };
  const backed = host.at(gfn);
  // A page that the host only mapped for reading is copied when it is written to.
  const pfn = backed && (backed.writable || !write) ? BigInt(backed.pfn) : undefined;
  const small = maxLevel === 1 || !mmu.has('large-pages') || mmu.largePages.disallowed(gfn) || dirtyLog.runsAt(gfn);
  const copied = write && backed?.writable === false;
  const level = small ? 1 : small === undefined || copied ? undefined : host.levelAt(gfn);
  return { pfn, level: level === undefined ? undefined : Math.min(level, maxLevel) };
}

/** What kernels before 5.16 print: address >> 12, the guest's page size, and a frame that has the address's low bits put into it. */
function asAddress({ address, walk }: Fault, { pfn, level: goal }: Backing): Backing & { gfn: Gfn } {
  const gfn = Number(BigInt.asUintN(52, address >> 12n)) as Gfn;
  const level = walk!.leafLevel;
  const within = BigInt(gfn % pagesPerEntry(level));
  if (level === 1 || pfn === undefined) return { gfn, pfn, level };
  if (goal === undefined) return { gfn, pfn: undefined, level };
  return { gfn, pfn: (pfn - (pfn % BigInt(pagesPerEntry(goal)))) | within, level };
}
