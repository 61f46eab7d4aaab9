import { EntryState, entryState } from '../../engine/entry.js';
import { gpteBytes, gpteFrame, gpteGpa, hasPageSizeBit, isPdpte, isPresentGpte, topLevel, translatedGfn } from '../../engine/gpte.js';
import { NO_PAGE, type Gfn, type PageId, type SpteIndex } from '../../engine/ids.js';
import type { Mmu } from '../../engine/mmu.js';
import { roleField } from '../../engine/role.js';
import { PAGE_SIZE_BIT } from '../../engine/spte.js';
import type { Replayer } from '../replayer.js';
import type { Doing, ScenarioMode } from './doings.js';
import type { GuestModel } from './guestModel.js';
import { modeOf } from './paging.js';
import type { Registers } from './registers.js';

const ENTRIES = 512;
const PAGE = 4096;

/** A root that shadow pages hang below: what CR3 must be for KVM to go there. */
interface Tree {
  readonly mode: ScenarioMode;
  readonly cr3: number;
  readonly roots: { readonly page: PageId; readonly slot: number }[];
}

interface Leaf {
  /** the page at the top of the way */
  readonly root: PageId;
  readonly page: PageId;
  readonly address: bigint;
  readonly kind: 'read' | 'write' | 'fetch';
  /** guest frame that the SPTE maps; undefined for MMIO */
  readonly gfn: number | undefined;
}

/**
 * Statements that bring about the shadow pages of a position: every root is loaded, and the address of every live leaf is touched. What
 * has no way from a root, or leads elsewhere than the guest's tables say by now, cannot be had in this way.
 */
export class Prelude {
  readonly doings: Doing[] = [];
  /** leaves that the scenario begins without */
  left = 0;
  private readonly mmu: Mmu;
  private readonly touched = new Set<PageId>();

  constructor(
    replay: Replayer,
    vm: number,
    private readonly guest: GuestModel,
    private readonly registers: Registers,
    private readonly shared: readonly { readonly gfn: number; readonly last: number }[],
  ) {
    this.mmu = replay.mmu(vm);
  }

  make(): this {
    const { doings, registers, mmu } = this;
    const vcpus = [...registers.vcpus];
    if (vcpus.length === 0) return this;
    if (mmu.generation() === 1) doings.push({ kind: 'note', text: 'for the generation of the pages' }, { kind: 'zap-all' });
    // One vCPU walks through all roots, and ends where it is; the others load theirs.
    const [first, ...others] = vcpus;
    doings.push(...registers.restart(first!));
    for (const range of this.shared) doings.push({ kind: 'share', ...range });
    const now = registers.now(first!);
    const trees = this.trees();
    const isNow = (tree: Tree): boolean => tree.mode === now.mode && (tree.mode === 'off' || tree.cr3 === now.cr3);
    const elsewhere = trees.filter((tree) => !isNow(tree));
    for (const tree of elsewhere) {
      doings.push({ kind: 'vcpu', id: first!, mode: tree.mode, cr3: tree.cr3 });
      this.touch(tree);
    }
    if (elsewhere.length) doings.push({ kind: 'vcpu', id: first!, mode: now.mode, cr3: now.cr3 });
    for (const tree of trees.filter(isNow)) this.touch(tree);
    for (const vcpu of others) doings.push(...registers.restart(vcpu));
    return this;
  }

  private trees(): Tree[] {
    const { mmu, registers } = this;
    const trees = new Map<string, Tree>();
    const add = (mode: ScenarioMode, cr3: number, page: PageId, slot: number): void => {
      const key = `${mode} ${cr3}`;
      let tree = trees.get(key);
      if (!tree) trees.set(key, (tree = { mode, cr3, roots: [] }));
      tree.roots.push({ page, slot });
    };
    for (const page of mmu.active) {
      if (mmu.isObsolete(page) || ![...mmu.parents(page)].every((parent) => parent.page === NO_PAGE)) continue;
      const { role, gfn } = mmu.pages.birth(page);
      const level = roleField(role, 'level');
      const mode = modeOf(role);
      if (mode === 'off' && level === 2) add('off', 0, page, Math.floor(gfn / 2 ** 18));
      else if (mode === '32' && level === 2) add('32', gfn * PAGE, page, roleField(role, 'quadrant'));
      else if (mode === '4-level' || mode === '5-level') add(mode, gfn * PAGE, page, 0);
      else if (mode === 'pae' && level === 2) {
        for (const { cr3, gfns } of registers.pdpts) for (const [slot, its] of gfns.entries()) if (its === gfn) add('pae', cr3, page, slot);
      }
    }
    return [...trees.values()];
  }

  private touch({ mode, roots }: Tree): void {
    const leaves: Leaf[] = [];
    for (const { page, slot } of roots) this.collect(page, page, BigInt(slot) << 30n, leaves);
    // Pages come to be in the order in which they did.
    leaves.sort((a, b) => a.page - b.page);
    for (const leaf of leaves) {
      if (mode !== 'off' && !this.leadsThere(mode, leaf)) this.left++;
      else this.doings.push({ kind: leaf.kind, address: leaf.address, user: false, ...WITHOUT_VALUE } as Doing);
    }
  }

  /** Leaves below a page; of one that hangs below several, one for each way there. */
  private collect(root: PageId, page: PageId, base: bigint, leaves: Leaf[]): void {
    const { pages, state, format } = this.mmu;
    const level = pages.level(page);
    const known = this.touched.has(page);
    this.touched.add(page);
    for (let at = 0; at < ENTRIES; at++) {
      const index = at as SpteIndex;
      const cell = pages.entryCell(page, index);
      const kind = entryState(state.tag(cell));
      if (kind === EntryState.empty || kind === EntryState.unknown) continue;
      const address = base | (BigInt(index) << BigInt(12 + 9 * (level - 1)));
      if (kind === EntryState.link) {
        const child = state.number(cell) as PageId;
        if (child !== NO_PAGE && pages.level(child) === level - 1) this.collect(root, child, address, leaves);
        continue;
      }
      const spte = state.word(cell);
      if (level > 1 && kind === EntryState.leaf && !(spte & PAGE_SIZE_BIT)) continue;
      const gfn = kind === EntryState.mmio ? undefined : state.number(pages.gfnCell(page, index));
      const writes = kind === EntryState.leaf && (spte & format.writable) !== 0n;
      leaves.push({ root, page, address: this.canonical(address), kind: writes ? 'write' : 'read', gfn });
      // The others are there already.
      if (known) return;
    }
  }

  private canonical(address: bigint): bigint {
    return address >> 47n === 1n ? BigInt.asUintN(64, BigInt.asIntN(48, address)) : address;
  }

  /** The guest's tables, as the scenario has them, lead an address to the frame that its SPTE maps. */
  private leadsThere(mode: Exclude<ScenarioMode, 'off'>, { address, root, gfn }: Leaf): boolean {
    let table: Gfn = this.mmu.pages.birth(root).gfn;
    for (let level = topLevel(mode); level >= 1; level--) {
      if (isPdpte(mode, level)) continue;
      const gpte = this.guest.at(Number(gpteGpa(mode, table, address, level)), gpteBytes(mode));
      if (gpte === undefined || !isPresentGpte(mode, gpte)) return false;
      if (level === 1 || hasPageSizeBit(mode, level, gpte)) {
        return gfn === undefined || translatedGfn(mode, level, gpte, address) === gfn;
      }
      table = gpteFrame(mode, gpte);
    }
    return false;
  }
}

const WITHOUT_VALUE = { bytes: 4, value: undefined, needsValue: false } as const;
