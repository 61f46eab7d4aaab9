import { NO_PAGE, type PageId, type Role } from '../../engine/ids.js';
import type { ShadowPages } from '../../engine/pages.js';
import { roleField } from '../../engine/role.js';
import type { Vcpu } from '../../engine/vcpu.js';
import type { Controls, ScenarioMode } from './doings.js';

/** What the roots of a vCPU tell of its control registers. */
export interface Paging {
  readonly mode: ScenarioMode;
  /** frames of the root pages by slot; one for a root of level 4 or 5. Those of a PAE guest are its page directories */
  readonly gfns: readonly (number | undefined)[];
  /** control bits that the role tells, as far as they are not as by default */
  readonly controls: Controls;
}

/** @param exact the whole role is known, and not what a text trace prints */
export function pagingOf(vcpu: Vcpu, pages: ShadowPages, exact: boolean, guestNx: boolean): Paging | undefined {
  const roots = vcpu.roots();
  const first = roots.find((page) => page !== NO_PAGE);
  if (first === undefined) return undefined;
  const { role } = pages.birth(first);
  return {
    mode: modeOf(role),
    gfns: roots.map((page: PageId) => (page === NO_PAGE ? undefined : pages.birth(page).gfn)),
    controls: controlsOf(role, exact, guestNx),
  };
}

export function modeOf(role: Role): ScenarioMode {
  if (roleField(role, 'direct')) return 'off';
  if (roleField(role, 'has4ByteGpte')) return '32';
  const level = roleField(role, 'level');
  return level === 4 ? '4-level' : level === 5 ? '5-level' : 'pae';
}

function controlsOf(role: Role, exact: boolean, guestNx: boolean): Controls {
  if (roleField(role, 'direct')) return {};
  const wp = roleField(role, 'cr0_wp') === 1;
  return {
    ...(exact && !wp ? { wp: false } : {}),
    ...(guestNx && !roleField(role, 'efer_nx') ? { nx: false } : {}),
    ...(exact && (roleField(role, 'cr4_smep') || roleField(role, 'smep_andnot_wp')) ? { smep: true } : {}),
    ...(exact && roleField(role, 'smap_andnot_wp') ? { smap: true } : {}),
  };
}

export function sameControls(a: Controls, b: Controls): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
