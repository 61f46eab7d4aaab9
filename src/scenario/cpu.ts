import { EntryState, Trust, entryState, entryTag } from '../engine/entry.js';
import { FaultPath } from '../engine/faultPath.js';
import { accessedMask, dirtyMask, gpteBytes, gpteFrame, gpteGpa, isPdpte, pageOf, topLevel, type PagingMode } from '../engine/gpte.js';
import { NO_PAGE, type Gfn, type PageId, type Pfn, type Role, type SpteIndex } from '../engine/ids.js';
import type { Mmu } from '../engine/mmu.js';
import { PferrBit } from '../engine/permission.js';
import type { GuestCpu } from '../engine/reserved.js';
import { directRoots, quarterRoots, singleRoot, type RootPage } from '../engine/rootPages.js';
import { NX, PAGE_SIZE_BIT, pagesPerEntry, spteFrame } from '../engine/spte.js';
import type { Vcpu } from '../engine/vcpu.js';
import { GuestWalk } from '../engine/walk.js';
import { walkOutcome, type WalkOutcome } from '../engine/walkOutcome.js';
import type { Input } from './happening.js';
import type { GuestMemory, HostMemory } from './memory.js';
import { baseRoleOf, controlOf, isNested, localRootOf, modeOf, rootLevelOf, type Control } from './paging.js';

/** How a vCPU is set up; without paging CR3 says nothing. */
export interface Paging {
  /** `npt-32`: the nested page tables of a 32-bit hypervisor are shadowed; addresses are then those of its guest's memory */
  readonly mode: PagingMode | 'off' | 'npt-32';
  /** with `npt-32` the table that the hypervisor's nCR3 leads to */
  readonly cr3: Gfn;
  /** PAE: where in that page the four PDPTEs are, bytes */
  readonly cr3Offset?: number;
  /** levels of the host's own nested page tables, and so of the shadow root (default 4); with `4-level` 5 makes the guest's tables nested */
  readonly rootLevels?: 4 | 5;
  /** CR0.WP */
  readonly wp: boolean;
  /** EFER.NX and CR4.PSE, on by default; CR4.SMEP and CR4.SMAP, off by default */
  readonly nx?: boolean;
  readonly pse?: boolean;
  readonly smep?: boolean;
  readonly smap?: boolean;
}

/** What the guest does at an address. */
export interface Access {
  readonly write?: boolean;
  readonly user?: boolean;
  readonly fetch?: boolean;
  /** what is stored, for a write; it stays within a page. Without a word, memory keeps what it holds */
  readonly value?: { readonly bytes: 1 | 2 | 4 | 8; readonly word?: bigint };
  /** an instruction that nobody writes page tables with: KVM lets it run after it has given up the shadows of its target */
  readonly odd?: boolean;
}

const PAGE = 4096;
const SLOTS = [0, 1, 2, 3];
const CPU: Omit<GuestCpu, 'nx' | 'pse'> = {
  maxPhyAddr: 40,
  gbPages: true,
  amd: false,
  pse36: true,
  eptLargestLevel: 3,
  eptExecOnly: false,
};

/** Where an SPTE is. */
export interface SpteAt {
  readonly page: PageId;
  readonly index: SpteIndex;
  readonly level: number;
}

interface Leaf extends SpteAt {
  readonly mmio: boolean;
}

/** A way through shadow pages by links alone: where there is no trace, nothing has to be guessed from keys. */
class LinkedPath extends FaultPath {
  protected override linked(parent: PageId, level: number): PageId {
    return this.linkedChild(parent, level + 1);
  }
  protected override byKey(): PageId {
    return NO_PAGE;
  }
}

/** A virtual CPU's own part: its registers, and what the hardware does with shadow pages and KVM with the guest's tables. */
export class Cpu {
  private registers: Paging | undefined;
  /** PAE: KVM reads the four PDPTEs when CR3 is loaded, and never again */
  private pdptes: readonly bigint[] = [];

  constructor(
    readonly vcpu: Vcpu,
    private readonly mmu: Mmu,
    private readonly guest: GuestMemory,
    private readonly host: HostMemory,
  ) {}

  get paging(): Paging {
    return this.registers!;
  }
  /** undefined without paging */
  get mode(): PagingMode | undefined {
    return modeOf(this.paging);
  }

  /** Control registers are written. Answers what the MMU has to do about its roots [6.1 x86.c:kvm_set_cr3, load_pdptrs]. */
  load(paging: Paging): 'reset' | 'switch' | 'keep' {
    const before = this.registers;
    const pdptes =
      paging.mode === 'pae' ? SLOTS.map((slot) => this.guest.at(paging.cr3 * PAGE + (paging.cr3Offset ?? 0) + slot * 8, 8)) : [];
    const same = pdptes.every((pdpte, slot) => pdpte === this.pdptes[slot]);
    this.registers = paging;
    this.pdptes = pdptes;
    if (!before || roleBits(before) !== roleBits(paging)) return 'reset';
    return before.cr3 !== paging.cr3 || !same ? 'switch' : 'keep';
  }

  /** What a load of the root asks for: a local page, where the kernel has those, or a page for each slot. */
  roots(): (RootPage | undefined)[] {
    const local = localRootOf(this.mmu, this.paging);
    return local ? [local] : this.slots(baseRoleOf(this.mmu, this.paging));
  }

  /** As {@link rootLevelOf}. */
  get rootLevel(): number {
    return rootLevelOf(this.paging);
  }

  /** What a load of the root asks for by slot (spec/roots.md §3-4). */
  private slots(base: Role): (RootPage | undefined)[] {
    const { mode, cr3 } = this.paging;
    switch (mode) {
      case 'off':
        return directRoots(this.mmu, base);
      case '32':
      case 'npt-32':
        return quarterRoots(this.mmu, base, cr3);
      case 'pae':
        return this.pdptes.map((pdpte) => (pdpte & 1n ? singleRoot(this.mmu, base, 2, gpteFrame('pae', pdpte)) : undefined));
      default:
        return [singleRoot(this.mmu, base, this.rootLevel, cr3)];
    }
  }

  /** The hardware's own walk through the shadow pages: undefined when the access may be made, else the error code of the fault. */
  translate(address: bigint, access: Access): number | undefined {
    const { write, fetch } = access;
    // The CPU walks nested page tables as a user would.
    const user = access.user === true || isNested(this.paging);
    const asked = (write ? PferrBit.write : 0) | (user ? PferrBit.user : 0) | (fetch ? PferrBit.fetch : 0);
    const leaf = this.leafAt(address);
    if (!leaf) return asked;
    // Only an MMIO SPTE is made to fault by reserved bits.
    if (leaf.mmio) return this.mmu.has('mmio-sptes') ? asked | PferrBit.present | PferrBit.reserved : asked;
    const cell = this.mmu.pages.entryCell(leaf.page, leaf.index);
    const spte = this.mmu.state.word(cell);
    const { writable, user: userBit, accessed, dirty } = this.mmu.format;
    const { smep, smap } = this.control;
    // Without paging of the guest's, the CPU runs without them [6.1 svm.c:svm_set_cr4].
    const kept = this.mode !== undefined && !user && spte & userBit && (fetch ? smep : smap);
    if ((write && !(spte & writable)) || (user && !(spte & userBit)) || (fetch && spte & NX) || kept) return asked | PferrBit.present;
    const used = spte | accessed | (write ? dirty : 0n);
    if (used !== spte) this.mmu.state.setWord(cell, used, entryTag(EntryState.leaf, Trust.derived));
    return undefined;
  }

  /** A write would be refused by the SPTE that is there. */
  isWriteProtected(address: bigint): boolean {
    const leaf = this.leafAt(address);
    const { pages, state, format } = this.mmu;
    return leaf !== undefined && !leaf.mmio && !(state.word(pages.entryCell(leaf.page, leaf.index)) & format.writable);
  }

  /** Guest physical address that an access to an address reaches by its SPTE, bytes: that of the page frame which the SPTE has. */
  reaches(address: bigint): number | undefined {
    const leaf = this.leafAt(address);
    if (!leaf || leaf.mmio) return undefined;
    const { pages, state } = this.mmu;
    const within = this.pageOf(address) % pagesPerEntry(leaf.level);
    const frame = spteFrame(state.word(pages.entryCell(leaf.page, leaf.index))) + within;
    const said = state.number(pages.gfnCell(leaf.page, leaf.index)) + within;
    const gfn = this.host.frameOf(said as Gfn) === frame ? said : this.host.gfnOf(frame as Pfn);
    return gfn === undefined ? undefined : gfn * PAGE + Number(address % BigInt(PAGE));
  }

  /** The guest frame that the MMIO SPTE of an address stands for; without one the address is that of the guest's memory. */
  mmioGfn(address: bigint): Gfn {
    const leaf = this.leafAt(address);
    return (leaf ? this.mmu.state.number(this.mmu.pages.gfnCell(leaf.page, leaf.index)) : Number(address >> 12n)) as Gfn;
  }

  /**
   * The guest walk as KVM makes it: entries are read until the outcome is settled, then accessed and dirty bits are set.
   *
   * @param error the access: bits of {@link PferrBit}
   * @param happens takes each event of the walk
   */
  walk(mode: PagingMode, address: bigint, error: number, happens: (input: Input) => void): { walk: GuestWalk; outcome: WalkOutcome } {
    const walk = new GuestWalk(address, error & (PferrBit.write | PferrBit.user | PferrBit.fetch), mode);
    walk.topGfn = this.paging.cr3;
    // The machine's guest never sets EFLAGS.AC, so that SMAP always counts.
    const setting = { control: this.control, cpu: CPU, ac: false };
    let outcome = walkOutcome(walk, setting);
    for (let level = topLevel(mode); outcome.kind === 'incomplete' && level >= 1; level--) {
      const gpte = this.read(mode, walk, level);
      if (gpte === undefined) break;
      happens({ name: 'kvm_mmu_paging_element', gpte, level });
      walk.read(level, gpte);
      outcome = walkOutcome(walk, setting);
    }
    if (outcome.kind === 'ok') {
      for (const { level, bit } of outcome.toSet) {
        const gpa = this.gpaOf(mode, walk, level);
        happens({ name: `kvm_mmu_set_${bit}_bit`, gpa });
        this.guest.set(gpa, bit === 'accessed' ? accessedMask(mode) : dirtyMask(mode));
      }
    }
    return { walk, outcome };
  }

  pathOf(address: bigint, walk?: GuestWalk): FaultPath {
    return new LinkedPath(this.mmu, this.vcpu, walk, this.pageOf(address));
  }

  private pageOf(address: bigint): number {
    return this.mode ? pageOf(this.mode, address) : Number(address >> 12n);
  }

  /** The SPTE that the hardware's walk of an address ends with, or the one of a higher level on its way; undefined without a root. */
  spteAt(address: bigint, lowest = 1): SpteAt | undefined {
    const { pages, state } = this.mmu;
    const path = this.pathOf(address);
    let page = this.vcpu.rootFor(path.page);
    if (page === NO_PAGE) return undefined;
    for (let level = this.vcpu.rootLevel(); ; level--) {
      const index = path.indexAt(level);
      const cell = pages.entryCell(page, index);
      if (level <= lowest || entryState(state.tag(cell)) !== EntryState.link) return { page, index, level };
      page = state.number(cell) as PageId;
    }
  }

  /** Whether the hardware's walk of an address ends with the mark of MMIO. */
  leadsToMmio(address: bigint): boolean {
    return this.leafAt(address)?.mmio ?? false;
  }

  private leafAt(address: bigint): Leaf | undefined {
    const at = this.spteAt(address);
    if (!at) return undefined;
    const { pages, state } = this.mmu;
    const cell = pages.entryCell(at.page, at.index);
    const kind = entryState(state.tag(cell));
    if (kind === EntryState.mmio) return { ...at, mmio: true };
    return kind === EntryState.leaf && (at.level === 1 || state.word(cell) & PAGE_SIZE_BIT) ? { ...at, mmio: false } : undefined;
  }

  /** A guest entry; undefined where no memory is. */
  private read(mode: PagingMode, walk: GuestWalk, level: number): bigint | undefined {
    if (isPdpte(mode, level)) return this.pdptes[Number((walk.address >> 30n) & 3n)];
    const gpa = this.gpaOf(mode, walk, level);
    return this.host.isAbsent(Math.floor(gpa / PAGE) as Gfn) ? undefined : this.guest.at(gpa, gpteBytes(mode));
  }

  private gpaOf(mode: PagingMode, walk: GuestWalk, level: number): number {
    return Number(gpteGpa(mode, walk.tableGfn(level) ?? this.paging.cr3, walk.address, level));
  }

  private get control(): Control {
    return controlOf(this.paging);
  }
}

/** What of the registers goes into the role of an MMU: another value sets it up anew [6.1 mmu.c:kvm_calc_cpu_role]. */
function roleBits(paging: Paging): string {
  const { wp, nx, pse, smep, smap } = controlOf(paging);
  return [paging.mode, paging.rootLevels, wp, nx, pse, smep, smap].join();
}
