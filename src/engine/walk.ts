import {
  gpteAccess,
  gpteFrame,
  hasPageSizeBit,
  isPdpte,
  isPresentGpte,
  modeOfTopLevel,
  pageOf,
  topLevel,
  translatedGfn,
  type PagingMode,
} from './gpte.js';
import type { Gfn } from './ids.js';
import { PferrBit } from './permission.js';
import { ACC_ALL } from './role.js';

/**
 * One walk of the guest's page tables as KVM makes it [6.1 paging_tmpl.h:walk_addr_generic], put together from its events:
 * the entries read, from the top level down.
 */
export class GuestWalk {
  private readonly entries = new Map<number, bigint>();
  private top = 0;
  private bottom = 0;
  /** the walk failed: a fault is injected, nothing is mapped */
  failed = false;
  /** gfn of the top table, which no entry names; undefined until something showed it */
  topGfn: Gfn | undefined;

  /**
   * @param error the access: bits of {@link PferrBit}
   * @param tables the mode, where it is known; the EPT of a guest hypervisor cannot be told from long mode by its levels
   */
  constructor(
    readonly address: bigint,
    readonly error: number,
    private readonly tables?: PagingMode,
  ) {}

  /** Takes an entry read at a level. Entries that are read again after a lost race replace the first reading. */
  read(level: number, gpte: bigint): void {
    if (this.top === 0) this.top = level;
    this.entries.set(level, gpte);
    this.bottom = level;
  }

  get isWrite(): boolean {
    return (this.error & PferrBit.write) !== 0;
  }
  /** A write to something present: the SPTE was there, without W. */
  get isProtectionFault(): boolean {
    return (this.error & (PferrBit.write | PferrBit.present)) === (PferrBit.write | PferrBit.present);
  }
  get empty(): boolean {
    return this.top === 0;
  }

  /** Told by the level of the first entry: 2 for 4-byte gPTEs, 3 for a PAE PDPTE. */
  get mode(): PagingMode {
    return this.tables ?? modeOfTopLevel(this.top);
  }

  /** Level of the last entry read: 1, or that of a large page. */
  get leafLevel(): number {
    return this.bottom;
  }

  /** Address >> 12, within the address space of the mode. */
  get page(): number {
    return pageOf(this.mode, this.address);
  }

  /** The gfn of the guest table whose entry was read at `level`, from the entry above; undefined for the top table. */
  tableGfn(level: number): Gfn | undefined {
    const above = this.entries.get(level + 1);
    return above === undefined ? undefined : gpteFrame(this.mode, above);
  }

  /** The gfn of the guest table of a level, the top one included, as far as it is known. */
  shadowedGfn(level: number): Gfn | undefined {
    return this.tableGfn(level) ?? (level === topLevel(this.mode) ? this.topGfn : undefined);
  }

  /** Rights accumulated above the table at `level`: the access of the shadow page behind it (spec/roles.md §4). */
  tableAccess(level: number): number {
    let access = ACC_ALL;
    for (let above = this.top; above > level; above--) {
      if (isPdpte(this.mode, above)) continue;
      const entry = this.entries.get(above);
      if (entry !== undefined) access &= gpteAccess(this.mode, entry);
    }
    return access;
  }

  /** The guest frame that the address translates to; undefined when the walk found nothing, or is not at its end yet. */
  get gfn(): Gfn | undefined {
    const leaf = this.entries.get(this.bottom);
    if (leaf === undefined || this.failed || !isPresentGpte(this.mode, leaf)) return undefined;
    if (this.bottom > 1 && !hasPageSizeBit(this.mode, this.bottom, leaf)) return undefined;
    return translatedGfn(this.mode, this.bottom, leaf, this.address);
  }

  /**
   * The guest set an accessed or dirty bit at this address during the walk: one of the tables read. If it is none of those below
   * the top one, it shows where the top one lies.
   */
  sawTable(gpa: bigint): void {
    const gfn = Number(gpa >> 12n) as Gfn;
    for (let level = this.bottom; level < this.top; level++) if (this.tableGfn(level) === gfn) return;
    this.topGfn = gfn;
  }

  /** The entry read at a level. */
  entry(level: number): bigint | undefined {
    return this.entries.get(level);
  }
}
