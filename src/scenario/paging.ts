import { topLevel, type PagingMode } from '../engine/gpte.js';
import type { Gfn, Role } from '../engine/ids.js';
import { LOCAL_LEVEL, usingLocalRootPage } from '../engine/localPages.js';
import type { Mmu } from '../engine/mmu.js';
import type { GuestControl } from '../engine/permission.js';
import { baseRole, localRoot, type RootPage } from '../engine/rootPages.js';
import type { Paging } from './cpu.js';
import type { Action } from './language/statement.js';

/** What follows from a vCPU's set-up. */

/** All of it is known here. */
export type Control = { readonly [Bit in keyof Required<GuestControl>]: boolean };

const PAGE = 4096;
const AT_FIRST: Paging = { mode: 'off', cr3: 0 as Gfn, wp: true };

export function controlOf({ wp, nx = true, pse = true, smep = false, smap = false }: Paging): Control {
  return { wp, nx, pse, smep, smap };
}

/** How the guest's tables are laid out; undefined without paging. */
export function modeOf({ mode }: Paging): PagingMode | undefined {
  return mode === 'off' ? undefined : mode === 'npt-32' ? '32' : mode;
}

/**
 * Level of the table that the CPU's own CR3, or nested CR3, leads to while the guest runs. From 3 on down to the page directories of a
 * 32-bit guest the tables have no page header, where they are no local pages [6.1 mmu.c:mmu_alloc_special_roots].
 */
export function rootLevelOf(paging: Paging): number {
  if (paging.mode === 'npt-32') return paging.rootLevels ?? 4;
  return Math.max(isNested(paging) ? paging.rootLevels! : guestLevelOf(paging), LOCAL_LEVEL);
}

/** The tables are nested ones: those of a 32-bit hypervisor, or of a 64-bit one on a host with more levels. */
export function isNested({ mode, rootLevels }: Paging): boolean {
  return mode === 'npt-32' || (mode === '4-level' && rootLevels === 5);
}

export function baseRoleOf(mmu: Mmu, paging: Paging): Role {
  const nested = isNested(paging);
  return baseRole(mmu, { mode: modeOf(paging) ?? 'off', nested, passthrough: nested && guestLevelOf(paging) === 4, ...controlOf(paging) });
}

/** The local page that a load of the root makes; undefined where it takes others. */
export function localRootOf(mmu: Mmu, paging: Paging): RootPage | undefined {
  const level = rootLevelOf(paging);
  if (!mmu.has('local-pages') || !usingLocalRootPage(paging.mode === 'off', guestLevelOf(paging), level)) return undefined;
  return localRoot(mmu, baseRoleOf(mmu, paging), level);
}

function guestLevelOf(paging: Paging): number {
  const mode = modeOf(paging);
  return mode ? topLevel(mode) : 0;
}

/** The set-up that a `vcpu` statement asks for. */
export function pagingOf(action: Extract<Action, { kind: 'vcpu' }>, before: Paging = AT_FIRST): Paging {
  const { mode, cr3, rootLevels, controls } = action;
  return {
    ...before,
    ...(mode && { mode: mode.value }),
    ...(cr3 && cr3Of(cr3.value)),
    ...(rootLevels && { rootLevels }),
    ...controls,
  };
}

/** @param address bytes */
export function cr3Of(address: number): Pick<Paging, 'cr3' | 'cr3Offset'> {
  return { cr3: Math.floor(address / PAGE) as Gfn, cr3Offset: address % PAGE };
}
