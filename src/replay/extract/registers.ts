import { NO_PAGE, type PageId } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import type { Replayer } from '../replayer.js';
import type { Controls, Doing, ScenarioMode } from './doings.js';
import type { Exit } from './exits.js';
import { pagingOf, sameControls, type Paging } from './paging.js';

interface VcpuState {
  /** undefined before the first root */
  paging: Paging | undefined;
  controls: Controls;
  /** CR3 as the scenario has it */
  cr3: number;
  /** a write of CR3 that nothing has shown the value of so far */
  unseen: Extract<Doing, { kind: 'cr3' }> | undefined;
  /** CR4.PSE, where it is turned over only to say that KVM makes its roots anew */
  pse: boolean;
  /** the control bits that the statements so far come to */
  said: Controls;
}

const DEFAULTS: Controls = { wp: true, nx: true, pse: true, smep: false, smap: false };

function changed(before: Controls, after: Controls): Controls {
  const full = { ...DEFAULTS, ...before };
  return Object.fromEntries(Object.entries(after).filter(([name, on]) => full[name as keyof Controls] !== on));
}

/** Where the page-directory-pointer tables of the scenario lie, whose place no event shows: one page each. */
const PDPT_BASE = 0xf000_0000;
const PAGE = 4096;

/** The control registers of the vCPUs as statements: told by root loads, by the exits that they follow, and by what walks read. */
export class Registers {
  private readonly states = new Map<number, VcpuState>();
  /** PDPTs by the frames they lead to */
  private readonly tables = new Map<string, number>();
  private readonly exact: boolean;
  private readonly guestNx: boolean;

  constructor(
    private readonly replay: Replayer,
    private readonly vm: number,
  ) {
    this.exact = replay.table.info.roles === 'exact';
    this.guestNx = !replay.mmu(vm).has('nx-forced');
  }

  /** Tables that were made up: CR3 value, and the frames of the page directories. */
  get pdpts(): { readonly cr3: number; readonly gfns: readonly (number | undefined)[] }[] {
    return [...this.tables].map(([key, cr3]) => ({ cr3, gfns: key.split(',').map((gfn) => (gfn === '' ? undefined : Number(gfn))) }));
  }

  /** A vCPU has loaded its roots. */
  get isBegun(): boolean {
    return this.states.size > 0;
  }

  /** Those that have loaded their roots, in the order in which they did. */
  get vcpus(): Iterable<number> {
    return this.states.keys();
  }

  /** How a vCPU pages now. */
  now(id: number): { readonly mode: ScenarioMode; readonly cr3: number } {
    const { paging, cr3 } = this.states.get(id)!;
    return { mode: paging!.mode, cr3 };
  }

  /** A vCPU as it is now, for a scenario that begins here. */
  restart(id: number): Doing[] {
    const state = this.states.get(id)!;
    state.said = DEFAULTS;
    const doings = [this.statement(id, state, state.controls)];
    if (!state.unseen) return doings;
    state.unseen = { kind: 'cr3', value: undefined };
    return [...doings, state.unseen];
  }

  /** The root in use has this gfn: what the last write of CR3 was. */
  rootShown(vcpu: number, gfn: number): void {
    const state = this.states.get(vcpu);
    if (state) this.shown(state, gfn);
  }

  private shown(state: VcpuState, gfn: number): void {
    if (!state.unseen) return;
    state.unseen.value = state.cr3 = gfn * PAGE;
    state.unseen = undefined;
  }

  /** What an exit did to the registers. */
  after(exit: Exit, id: number): Doing[] {
    const vcpu = this.replay.vcpu(this.vm, id);
    const paging = vcpu && pagingOf(vcpu, this.replay.pages, this.exact, this.guestNx);
    const isCr3 = /cr3|cr_access/i.test(exit.reason);
    const state = this.states.get(id);
    if (!state) return paging && exit.roots.length ? [this.first(id, paging)] : [];
    if (!paging) return [];
    if (exit.roots.length === 0) return isCr3 ? [this.unseenLoad(state, paging, exit.synced)] : [];
    return this.loaded(exit, id, state, paging, isCr3);
  }

  private first(id: number, paging: Paging): Doing {
    const controls = this.controlsOf(paging, undefined, false);
    const cr3 = this.cr3Of(paging);
    const pse = paging.mode !== 'off';
    const said = { ...controls, pse };
    this.states.set(id, { paging, controls, cr3, unseen: undefined, pse, said });
    return { kind: 'vcpu', id, mode: paging.mode, cr3, controls: changed(DEFAULTS, said) };
  }

  /** CR3 was written, and no root was loaded: its value is the same, or that of a root that KVM still has. */
  private unseenLoad(state: VcpuState, paging: Paging, synced: readonly PageId[]): Doing {
    if (paging.mode !== '4-level' && paging.mode !== '5-level') return { kind: 'cr3', value: state.cr3 };
    state.unseen = { kind: 'cr3', value: undefined };
    const { unseen } = state;
    const roots = rootsAbove(this.replay.mmu(this.vm), synced);
    if (roots.size === 1) this.shown(state, [...roots][0]!);
    else if (roots.has(state.cr3 / PAGE)) this.shown(state, state.cr3 / PAGE);
    return unseen;
  }

  private loaded(exit: Exit, id: number, state: VcpuState, paging: Paging, isCr3: boolean): Doing[] {
    const before = state.paging!;
    state.unseen = undefined;
    const writesControls = /cr0|cr4|msr/i.test(exit.reason);
    const controls = this.controlsOf(paging, state, /cr0/i.test(exit.reason));
    const cr3 = this.cr3Of(paging);
    const same = before.mode === paging.mode && sameControls(controls, state.controls);
    state.paging = paging;
    if (same && isCr3) {
      // Without paging the value of CR3 says nothing, but KVM makes its roots anew for another one.
      state.cr3 = paging.mode === 'off' ? (state.cr3 === PAGE ? 2 * PAGE : PAGE) : cr3;
      return [{ kind: 'cr3', value: state.cr3 }];
    }
    if (same && !writesControls) return [];
    if (same) {
      state.pse = !state.pse;
      return [
        { kind: 'note', text: 'a control bit was written that makes KVM load its roots anew; which one does not show: taken for CR4.PSE' },
        this.statement(id, state, controls),
      ];
    }
    state.controls = controls;
    state.cr3 = cr3;
    if (!state.pse && paging.mode !== 'off') state.pse = true;
    return [this.statement(id, state, controls)];
  }

  /** The registers as they are now: a control bit is only said where it changes. */
  private statement(id: number, state: VcpuState, controls: Controls): Doing {
    const now = { ...DEFAULTS, ...controls, pse: state.pse };
    const said = changed(state.said, now);
    state.said = now;
    return { kind: 'vcpu', id, mode: state.paging!.mode, cr3: state.cr3, controls: said };
  }

  /** Text does not print WP: where a write of CR0 makes KVM load the roots anew without turning paging on or off, it was turned over. */
  private controlsOf(paging: Paging, before: VcpuState | undefined, byCr0: boolean): Controls {
    if (this.exact || paging.mode === 'off') return paging.controls;
    const kept = before?.paging?.mode === paging.mode && before.controls.wp === false;
    const turned = byCr0 && before?.paging?.mode === paging.mode;
    return kept !== turned ? { ...paging.controls, wp: false } : paging.controls;
  }

  private cr3Of(paging: Paging): number {
    if (paging.mode === 'off') return 0;
    if (paging.mode !== 'pae') return paging.gfns[0]! * PAGE;
    const key = paging.gfns.map((gfn) => gfn ?? '').join(',');
    let cr3 = this.tables.get(key);
    if (cr3 === undefined) this.tables.set(key, (cr3 = PDPT_BASE + this.tables.size * PAGE));
    return cr3;
  }
}

/** Frames of the root tables from which links lead down to all of some pages. */
function rootsAbove(mmu: Mmu, pages: readonly PageId[]): Set<number> {
  let common: Set<number> | undefined;
  for (const page of pages) {
    if (page === NO_PAGE) continue;
    const roots = new Set<number>();
    const climb = (at: PageId): void => {
      if (mmu.pages.level(at) >= 4) roots.add(mmu.pages.birth(at).gfn);
      for (const parent of mmu.parents(at)) climb(parent.page);
    };
    climb(page);
    common = common ? new Set([...common].filter((gfn) => roots.has(gfn))) : roots;
  }
  return common ?? new Set();
}
