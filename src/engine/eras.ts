import type { ChildRoleRules } from './childRole.js';
import type { Feature } from './features.js';
import type { WriteRules } from './guestWrite.js';
import { roleMask, type RoleField } from './role.js';
import type { KeyRules } from './roleKey.js';
import type { OldRoleRules } from './oldChildRole.js';
import { LAYOUT_2_6_20, LAYOUT_2_6_25, type OldRoleLayout } from './oldRoleLayout.js';
import { OLD_PARENT_SLOTS, OLD_RMAP_SLOTS, PTE_LIST_SLOTS } from './pteList.js';
import { LAYOUT_5_1, LAYOUT_5_17, LAYOUT_7, withAccess, type RoleLayout } from './roleLayout.js';
import { PT64_2_6_20, PT64_2_6_23, PT64_2_6_25 } from './oldSptes.js';
import { NX, PT64, PT64_5_10, PT64_7, type SpteFormat } from './spte.js';

/** First and last kernel; without a last one it is open. "6.1" as an end stands for all of 6.1.y. */
export interface KernelRange {
  readonly from: string;
  readonly to?: string;
}

/**
 * Kernel eras as data (spec/eras.md): what a kernel's MMU looks like, and which features it has. A stable kernel counts for the era
 * whose rules it has, which is not always that of its number.
 */
export interface Era {
  readonly name: string;
  /** ranges of kernels, both ends included. Patches that were posted and never shipped have none */
  readonly kernels: readonly KernelRange[];
  readonly roles: RoleLayout | OldRoleLayout;
  readonly sptes: SpteFormat;
  /** an SPTE with nothing in it */
  readonly emptySpte: bigint;
  /** buckets of the hash, and whether gfns are spread by the golden ratio */
  readonly hash: { readonly buckets: 1024 | 4096; readonly golden: boolean };
  /** slots of a descriptor in a gfn's reverse map, and in the list of a page's parents */
  readonly rmapSlots: number;
  readonly parentSlots: number;
  /** names of a fault's results in the order of their numbers, which binary traces hold (spec/fault.md §1) */
  readonly faultResults: readonly string[];
  readonly features: ReadonlySet<Feature>;
}

const OLD_RESULTS = ['RETRY', 'EMULATE', 'INVALID', 'FIXED', 'SPURIOUS'] as const;
const RESULTS_6_0 = ['CONTINUE', ...OLD_RESULTS] as const;
const RESULTS_6_12 = ['CONTINUE', 'RETRY', 'EMULATE', 'WRITE_PROTECTED', 'INVALID', 'FIXED', 'SPURIOUS'] as const;

const OLD_HASH = { buckets: 1024, golden: false } as const;
const HASH = { buckets: 4096, golden: true } as const;
/** Slots before they were made 14 in 5.15. */
const FEW_SLOTS = 3;

/** The features of an era: those of another one, some more, some less. */
function features(base: ReadonlySet<Feature>, more: readonly Feature[] = [], less: readonly Feature[] = []): ReadonlySet<Feature> {
  return new Set([...base, ...more].filter((feature) => !less.includes(feature)));
}

const IN_2_6_20 = new Set<Feature>(['quadrant-in-role', 'direct-mmu-quadrants', 'user-write-unshadows', 'requests-print-address']);
const IN_2_6_22 = features(IN_2_6_20, ['quadrant-filter']);
const IN_2_6_23 = features(IN_2_6_22, ['update-on-write']);
const IN_2_6_25 = features(
  IN_2_6_23,
  ['invalid-roots', 'rmap-of-all-leaves', 'access-in-role', 'nonpaging-write-protection'],
  ['user-write-unshadows'],
);
const IN_2_6_26 = features(IN_2_6_25, ['mmio-decoupling', 'large-pages']);
const IN_2_6_28 = features(IN_2_6_26, ['unsync', 'sync-clears-accessed', 'sync-zaps-empty']);
const IN_5_10 = features(
  IN_2_6_28,
  [
    'mmio-sptes',
    'prefetch',
    'fast-page-fault',
    'page-track',
    'direct-gfn-of-part',
    'direct-has-8-byte-gptes',
    'nonpaging-has-4-byte-gptes',
    'unsync-many',
    'transient-sync',
    'flood-per-page',
    'byte-writes',
    'generations',
    'previous-roots',
    'mmio-set-spte',
    'prefetch-unsyncs',
  ],
  ['update-on-write', 'direct-mmu-quadrants'],
);
const IN_5_13 = features(IN_5_10, ['notifier-events'], ['mmio-set-spte', 'prefetch-unsyncs', 'sync-zaps-empty']);
/** The patch of seed 002 as it was posted: roles come from the parent, while bit 4 still means 8-byte entries. */
const IN_5_15_POSTED = features(IN_5_13, ['role-from-parent'], ['direct-has-8-byte-gptes']);
const IN_5_15_SHIPPED = features(
  IN_5_15_POSTED,
  ['clear-child-invalid', 'child-gfn-check', 'child-role-check', 'drop-before-mmio'],
  ['nonpaging-has-4-byte-gptes'],
);
const IN_6_0 = features(
  IN_5_15_POSTED,
  ['nx-forced', 'passthrough', 'writable-stays', 'mmio-counts-as-writable'],
  ['nonpaging-has-4-byte-gptes', 'requests-print-address'],
);
const FIXES_OF_2026 = ['child-gfn-check', 'child-role-check', 'drop-before-mmio', 'clear-child-invalid'] as const;
const IN_6_4 = features(IN_6_0, ['invalidate-syncs']);
const IN_6_12 = features(IN_6_4, ['unprotect-after-fault'], ['sync-clears-accessed']);
const IN_6_13 = features(IN_6_12, ['resetting-keeps-dirty']);
const IN_7_0 = features(IN_6_13, ['read-access', 'smep-in-role', 'injected-until-entry']);

const OLD: Pick<Era, 'emptySpte' | 'hash' | 'rmapSlots' | 'parentSlots' | 'faultResults'> = {
  emptySpte: 0n,
  hash: OLD_HASH,
  rmapSlots: OLD_RMAP_SLOTS,
  parentSlots: OLD_PARENT_SLOTS,
  faultResults: [],
};
const MODERN: Omit<Era, 'name' | 'kernels' | 'features'> = {
  roles: LAYOUT_5_17,
  sptes: PT64,
  emptySpte: 0n,
  hash: HASH,
  rmapSlots: PTE_LIST_SLOTS,
  parentSlots: PTE_LIST_SLOTS,
  faultResults: RESULTS_6_0,
};
const OF_6_12: Omit<Era, 'name' | 'kernels' | 'features'> = { ...MODERN, emptySpte: NX, faultResults: RESULTS_6_12 };

const OF_7: Omit<Era, 'name' | 'kernels' | 'features'> = { ...OF_6_12, roles: LAYOUT_7, sptes: PT64_7 };

/** All eras, the oldest first. Of eras whose kernels overlap the later one is the more exact. */
export const ERAS: readonly Era[] = [
  { ...OLD, name: '2.6.21', kernels: [{ from: '2.6.20', to: '2.6.21' }], roles: LAYOUT_2_6_20, sptes: PT64_2_6_20, features: IN_2_6_20 },
  { ...OLD, name: '2.6.22', kernels: [{ from: '2.6.22', to: '2.6.22' }], roles: LAYOUT_2_6_20, sptes: PT64_2_6_20, features: IN_2_6_22 },
  { ...OLD, name: '2.6.24', kernels: [{ from: '2.6.23', to: '2.6.24' }], roles: LAYOUT_2_6_20, sptes: PT64_2_6_23, features: IN_2_6_23 },
  { ...OLD, name: '2.6.25', kernels: [{ from: '2.6.25', to: '2.6.25' }], roles: LAYOUT_2_6_25, sptes: PT64_2_6_25, features: IN_2_6_25 },
  { ...OLD, name: '2.6.26', kernels: [{ from: '2.6.26', to: '2.6.27' }], roles: LAYOUT_2_6_25, sptes: PT64_2_6_25, features: IN_2_6_26 },
  { ...OLD, name: '2.6.28', kernels: [{ from: '2.6.28', to: '2.6.32' }], roles: LAYOUT_2_6_25, sptes: PT64_2_6_25, features: IN_2_6_28 },
  {
    ...MODERN,
    name: '5.10',
    kernels: [{ from: '5.4', to: '5.12' }],
    roles: LAYOUT_5_1,
    sptes: PT64_5_10,
    rmapSlots: FEW_SLOTS,
    parentSlots: FEW_SLOTS,
    faultResults: OLD_RESULTS,
    features: IN_5_10,
  },
  {
    ...MODERN,
    name: '5.15',
    kernels: [{ from: '5.13', to: '5.16' }],
    roles: LAYOUT_5_1,
    faultResults: OLD_RESULTS,
    features: IN_5_13,
  },
  { ...MODERN, name: '5.15.y-S002', kernels: [], roles: LAYOUT_5_1, faultResults: OLD_RESULTS, features: IN_5_15_POSTED },
  { ...MODERN, name: '5.15.y-final', kernels: [], roles: LAYOUT_5_17, faultResults: OLD_RESULTS, features: IN_5_15_SHIPPED },
  {
    ...MODERN,
    name: '5.18',
    kernels: [{ from: '5.17', to: '5.19' }],
    faultResults: OLD_RESULTS,
    features: features(IN_6_0, [], ['role-from-parent']),
  },
  { ...MODERN, name: '6.1.0', kernels: [{ from: '6.0', to: '6.3' }], features: IN_6_0 },
  { ...MODERN, name: '6.1.192', kernels: [{ from: '6.1.177', to: '6.1' }], features: features(IN_6_0, FIXES_OF_2026) },
  { ...MODERN, name: '6.6.0', kernels: [{ from: '6.4', to: '6.9' }], features: IN_6_4 },
  { ...MODERN, name: '6.6.144', kernels: [{ from: '6.6.144', to: '6.6' }], features: features(IN_6_4, FIXES_OF_2026) },
  { ...OF_6_12, name: '6.12.0', kernels: [{ from: '6.10', to: '6.12' }], features: IN_6_12 },
  { ...OF_6_12, name: '6.12.107', kernels: [{ from: '6.12.95', to: '6.12' }], features: features(IN_6_12, FIXES_OF_2026) },
  { ...OF_6_12, name: '6.18.0', kernels: [{ from: '6.13', to: '6.19' }], features: IN_6_13 },
  { ...OF_6_12, name: '6.18.38', kernels: [{ from: '6.18.38', to: '6.18' }], features: features(IN_6_13, FIXES_OF_2026) },
  { ...MODERN, name: 'rfc-local', kernels: [], features: features(IN_6_0, ['local-pages', 'local-quadrant-mod-4']) },
  { ...OF_7, name: '7.0', kernels: [{ from: '7.0', to: '7.1' }], features: IN_7_0 },
  { ...OF_7, name: '7.x', kernels: [{ from: '7.1.3', to: '7.1' }, { from: '7.2' }], features: features(IN_7_0, FIXES_OF_2026) },
];

export function eraNamed(name: string): Era | undefined {
  return ERAS.find((era) => era.name === name);
}

/**
 * The era of a kernel, by its version as uname prints it ("6.1.192-2-amd64", "6.12"). A version without a patch number counts as the
 * latest of its series, since that is what distributions ship.
 */
export function eraOfKernel(version: string): Era | undefined {
  const wanted = numbersOf(version);
  return wanted && ERAS.findLast(({ kernels }) => kernels.some((range) => isWithin(wanted, range)));
}

/** The era that `--kernel` names, or that a trace's kernel belongs to; one that cannot be told is taken for 6.1's. */
export function eraFor(kernel: string): Era {
  return eraNamed(kernel) ?? eraOfKernel(kernel) ?? eraNamed('6.1.192')!;
}

/** The same era with some features switched off. */
export function withoutFeatures(era: Era, off: readonly Feature[]): Era {
  return withRules(era, features(era.features, [], off));
}

/** The same era with some features of another. */
export function withFeatures(era: Era, on: readonly Feature[]): Era {
  return withRules(era, features(era.features, on));
}

/** A right to read takes a bit of the role's word. */
function withRules(era: Era, having: ReadonlySet<Feature>): Era {
  const { roles } = era;
  const letters = having.has('read-access') ? LAYOUT_7.accessBits : LAYOUT_5_17.accessBits;
  const fits = !('accessBits' in roles) || !('bit4Is8Byte' in roles) || roles.accessBits.length === letters.length;
  return { ...era, features: having, roles: fits ? roles : withAccess(roles, letters.length) };
}

export function hasFeature(era: Era, feature: Feature): boolean {
  return era.features.has(feature);
}

/** What the old formula of a child's role needs to know of the era. */
export function oldRoleRules(era: Era): OldRoleRules {
  return {
    directHas8ByteGptes: hasFeature(era, 'direct-has-8-byte-gptes'),
    quadrantsOfDirectMmu: hasFeature(era, 'direct-mmu-quadrants'),
  };
}

/** What the rule that takes a child's role from its parent needs to know of the era. */
export function childRoleRules(era: Era): ChildRoleRules {
  return {
    localDirectories: hasFeature(era, 'local-pages') && hasFeature(era, 'local-quadrant-mod-4'),
    clearsInvalid: hasFeature(era, 'clear-child-invalid'),
    directHas8ByteGptes: hasFeature(era, 'direct-has-8-byte-gptes'),
    quadrantsOfDirectMmu: hasFeature(era, 'direct-mmu-quadrants'),
  };
}

/** Role bits that words of 2.6.x have no place for: what control registers say besides the size of entries. */
const NOT_IN_2_6 = ['efer_nx', 'cr0_wp', 'smep_andnot_wp', 'smap_andnot_wp', 'ad_disabled', 'guest_mode', 'smm'] as const;

/** What tells pages of one gfn apart. */
export function keyRules(era: Era): KeyRules {
  const without: RoleField[] = [hasFeature(era, 'smep-in-role') ? 'smep_andnot_wp' : 'cr4_smep'];
  if (!hasFeature(era, 'quadrant-in-role')) without.push('quadrant');
  if (!hasFeature(era, 'passthrough')) without.push('passthrough');
  if ('metaphysical' in era.roles.fields) without.push(...NOT_IN_2_6);
  return { bits: ~roleMask(without) >>> 0, access: hasFeature(era, 'access-in-role') };
}

/** What the tracker of guest writes needs to know of the era. The filter compares with the role's quadrant, and needs that. */
export function writeRules(era: Era): WriteRules {
  return {
    quadrantFilter: hasFeature(era, 'quadrant-filter') && hasFeature(era, 'quadrant-in-role'),
    byteExempt: hasFeature(era, 'byte-writes'),
  };
}

/** Version numbers: [major, minor] or more. Debian's "6.1.0-55-amd64" numbers its interface, and not the patches it has. */
function numbersOf(version: string): number[] | undefined {
  const series = /^(\d+)\.(\d+)\.0-\d/.exec(version);
  if (series) return [Number(series[1]), Number(series[2])];
  const match = /^\d+(\.\d+)+/.exec(version);
  return match ? match[0].split('.').map(Number) : undefined;
}

function isWithin(version: readonly number[], { from, to }: KernelRange): boolean {
  const upTo = to === undefined ? undefined : numbersOf(to)!;
  return compare(latest(version), numbersOf(from)!) >= 0 && (upTo === undefined || compare(version.slice(0, upTo.length), upTo) <= 0);
}

/** "6.1" stands for the last 6.1.y. */
function latest(version: readonly number[]): number[] {
  return version.length === 2 ? [...version, Infinity] : [...version];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference) return difference;
  }
  return 0;
}
