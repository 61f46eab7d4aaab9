import { roleField } from '../role.js';
import type { Facts } from './facts.js';
import type { Verdict } from './report.js';
import type { EntrySnapshot, PageSnapshot, Place, RmapSnapshot, VcpuSnapshot } from './snapshot.js';

/** What a snapshot's parts are looked at for. */
export type EntryKind = EntrySnapshot['kind'];

/**
 * One of the 53 statements of `spec/invariants.md`, by its number. It looks at the parts of a snapshot one by one, so that what did
 * not change need not be looked at again: a page by its header, an SPTE, an rmap, a vCPU, the VM as a whole.
 */
export interface Invariant {
  readonly number: number;
  /** the statement, short */
  readonly title: string;
  readonly page?: (page: PageSnapshot, facts: Facts, verdict: Verdict) => void;
  readonly entry?: EntryCheck;
  readonly rmap?: (rmap: RmapSnapshot, facts: Facts, verdict: Verdict) => void;
  readonly vcpu?: (vcpu: VcpuSnapshot, facts: Facts, verdict: Verdict) => void;
  readonly vm?: (facts: Facts, verdict: Verdict) => void;
}

/** Looks at the entries of some kinds that are certain; for others of these kinds the answer is "cannot be checked". */
export interface EntryCheck {
  readonly kinds: readonly EntryKind[];
  readonly check: (entry: EntrySnapshot, page: PageSnapshot, facts: Facts, verdict: Verdict) => void;
}

export const hex = (value: number | bigint): string => value.toString(16);

/** `gfn 102 L1 q0 4-byte wux`, with what sets it apart. */
export function describe({ gfn, role, local }: PageSnapshot): string {
  const flags = [roleField(role, 'direct') && 'direct', roleField(role, 'invalid') && 'invalid', local && 'local'].filter(Boolean);
  const size = roleField(role, 'has4ByteGpte') ? 4 : 8;
  return [`gfn ${hex(gfn)} L${roleField(role, 'level')} q${roleField(role, 'quadrant')} ${size}-byte`, ...flags].join(' ');
}

export function describeEntry(page: PageSnapshot, { index }: { index: number }): string {
  return `SPTE ${hex(index).padStart(3, '0')} of ${describe(page)}`;
}

export function samePlace(a: Place, b: Place): boolean {
  return a.page === b.page && a.index === b.index;
}
