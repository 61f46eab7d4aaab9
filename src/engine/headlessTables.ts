import { NO_PAGE, type PageId } from './ids.js';
import { makePdpte, makeSpecialRootPdpte } from './makeSpte.js';
import type { Mmu } from './mmu.js';
import type { State } from './state.js';
import type { Vcpu } from './vcpu.js';

/**
 * Tables above the page directories of a 32-bit guest that have no page header ([6.1 mmu.c:mmu_alloc_shadow_roots,
 * mmu_alloc_special_roots]; spec/roots.md §4-5): KVM fills them when the root is loaded. No list has them, no unsync bit and no parent
 * pointer reaches them, and what they lead to is held by its root_count. Seed 001 makes local pages of them.
 */
export interface HeadlessTable {
  readonly name: 'pae_root' | 'pml4_root' | 'pml5_root';
  readonly level: number;
  /** entries that are present */
  readonly entries: readonly HeadlessEntry[];
}

export interface HeadlessEntry {
  readonly index: number;
  /** the page directory, or the table below */
  readonly to: PageId | HeadlessTable['name'];
  /** undefined where the frame that it leads to is not known */
  readonly value?: bigint;
}

const NAMES = ['pae_root', 'pml4_root', 'pml5_root'] as const;
const PAE_ROOT_LEVEL = 3;

/** Those of a vCPU at a position, the highest first; none while it walks from a page, or has no root. */
export function headlessTables(mmu: Mmu, vcpu: Vcpu, state: State): HeadlessTable[] {
  const top = vcpu.headlessLevel(state);
  const tables: HeadlessTable[] = [];
  for (let level = top; level > PAE_ROOT_LEVEL; level--) {
    tables.push({ name: nameOf(level), level, entries: [{ index: 0, to: nameOf(level - 1) }] });
  }
  if (top === 0) return tables;
  const entries = vcpu
    .roots(state)
    .flatMap((page, index) => (page === NO_PAGE ? [] : [{ index, to: page, ...valueOf(mmu, page, state, top) }]));
  return [...tables, { name: 'pae_root', level: PAE_ROOT_LEVEL, entries }];
}

function nameOf(level: number): HeadlessTable['name'] {
  return NAMES[level - PAE_ROOT_LEVEL]!;
}

function valueOf({ pages, format }: Mmu, page: PageId, state: State, top: number): { value?: bigint } {
  const frame = pages.frame(state, page);
  if (frame === undefined) return {};
  return { value: top === PAE_ROOT_LEVEL ? makePdpte(frame) : makeSpecialRootPdpte(format, frame) };
}
