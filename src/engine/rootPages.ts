import type { PagingMode } from './gpte.js';
import type { Gfn, Role } from './ids.js';
import type { Mmu } from './mmu.js';
import { ACC_ALL, makeRole } from './role.js';

/** What of a vCPU's control registers goes into the roles of its pages. */
export interface RootControl {
  readonly mode: PagingMode | 'off';
  /** CR0.WP */
  readonly wp: boolean;
  /** EFER.NX */
  readonly nx: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** its tables are the nested ones of a guest hypervisor */
  readonly nested: boolean;
  /** the root is of level 5, and the guest's own of level 4 */
  readonly passthrough: boolean;
}

/** What find-or-create is asked for by a slot of the root. */
export interface RootPage {
  readonly gfn: Gfn;
  readonly role: Role;
  /** it is a local page: always made, never found (spec/roots.md §8) */
  readonly local?: boolean;
}

const SLOTS = [0, 1, 2, 3];
/** gfns of the four page directories without paging: 1 GiB apart [6.1 mmu.c:mmu_alloc_direct_roots] */
const SLOT_PAGES = 2 ** 18;
const DIRECTORY_LEVEL = 2;

/**
 * The role that a vCPU's pages start from: level and quadrant are the root's own ([6.1 mmu.c:kvm_calc_cpu_role, kvm_init_shadow_mmu],
 * spec/roles.md §3).
 */
export function baseRole(mmu: Mmu, { mode, wp, nx, smep, smap, nested, passthrough }: RootControl): Role {
  const paging = mode !== 'off';
  const bit = (set: boolean): number => (set ? 1 : 0);
  const role = makeRole({
    access: ACC_ALL,
    direct: bit(!paging),
    has4ByteGpte: bit(mode === '32' || (!paging && mmu.has('nonpaging-has-4-byte-gptes'))),
    efer_nx: bit(mmu.has('nx-forced') || (paging && nx)),
    cr0_wp: bit(paging && wp),
    smep_andnot_wp: bit(paging && smep && !wp),
    smap_andnot_wp: bit(paging && smap && !wp),
    cr4_smep: bit(paging && smep),
    guest_mode: bit(nested),
    passthrough: bit(passthrough),
  });
  return mmu.roles.key(role);
}

/** A local root of level 3 to 5 (seed 001). */
export function localRoot(mmu: Mmu, base: Role, level: number): RootPage {
  return { gfn: 0 as Gfn, role: mmu.roles.root(base, level, 0), local: true };
}

/** The four page directories of a root without paging (spec/roots.md §3). */
export function directRoots(mmu: Mmu, base: Role): RootPage[] {
  const ofQuarter = (slot: number): Gfn => (mmu.has('direct-mmu-quadrants') ? 0 : slot * SLOT_PAGES) as Gfn;
  return SLOTS.map((slot) => ({ gfn: ofQuarter(slot), role: mmu.roles.root(base, DIRECTORY_LEVEL, slot) }));
}

/** The four page directories that stand for one of a guest with 4-byte entries (spec/roots.md §4). */
export function quarterRoots(mmu: Mmu, base: Role, gfn: Gfn): RootPage[] {
  return SLOTS.map((slot) => ({ gfn, role: mmu.roles.root(base, DIRECTORY_LEVEL, slot) }));
}

/** A page of a root that is alone in its slot: behind a PDPTE of the guest, or the only one. */
export function singleRoot(mmu: Mmu, base: Role, level: number, gfn: Gfn): RootPage {
  return { gfn, role: mmu.roles.root(base, level, 0) };
}
