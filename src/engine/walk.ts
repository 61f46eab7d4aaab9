import {
  accessOfHalves,
  frameOfHalves,
  gpaOfEntry,
  highHalf,
  isLargeHalf,
  isPdpte,
  isPresentHalf,
  lowHalf,
  modeOfTopLevel,
  pageOf,
  topLevel,
  translatedByHalves,
  type PagingMode,
} from './gpte.js';
import type { Gfn } from './ids.js';
import { PferrBit } from './permission.js';
import { ACC_ALL } from './role.js';

const HIGHEST_LEVEL = 5;

/**
 * One walk of the guest's page tables as KVM makes it [6.1 paging_tmpl.h:walk_addr_generic], put together from its events:
 * the entries read, from the top level down.
 */
export class GuestWalk {
  /** halves of the entries read, by level, as signed numbers, which need no memory of their own; `known` has a bit for each level that was */
  private readonly lows = [0, 0, 0, 0, 0, 0];
  private readonly highs = [0, 0, 0, 0, 0, 0];
  private known = 0;
  private top = 0;
  private bottom = 0;
  private pageKnown = -1;
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
    this.readHalves(level, lowHalf(gpte), highHalf(gpte));
  }

  /** The same, as numbers. No table has a level that a damaged trace may tell of. */
  readHalves(level: number, low: number, high: number): void {
    if (level < 1 || level > HIGHEST_LEVEL) return;
    if (this.top === 0) {
      this.top = level;
      this.pageKnown = -1;
    }
    this.lows[level] = low | 0;
    this.highs[level] = high | 0;
    this.known |= 1 << level;
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
    if (this.pageKnown < 0) this.pageKnown = pageOf(this.mode, this.address);
    return this.pageKnown;
  }

  /** The last entry read leads to a table, or nowhere: it does not end a walk that succeeds. */
  get isUnderWay(): boolean {
    const { mode, bottom } = this;
    const low = this.lows[bottom]!;
    return !isPresentHalf(mode, low) || !(bottom === 1 || isLargeHalf(mode, bottom, low));
  }

  /** The gfn of the guest table whose entry was read at `level`, from the entry above; undefined for the top table. */
  tableGfn(level: number): Gfn | undefined {
    const above = level + 1;
    return this.has(above) ? frameOfHalves(this.mode, this.lows[above]!, this.highs[above]!) : undefined;
  }

  /** Guest physical address of the entry of a level in the table at a gfn, bytes. */
  gpaOfEntry(table: Gfn, level: number): number {
    return gpaOfEntry(this.mode, table, this.page, level);
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
      if (this.has(above)) access &= accessOfHalves(this.mode, this.lows[above]!, this.highs[above]!);
    }
    return access;
  }

  /** The guest frame that the address translates to; undefined when the walk found nothing, or is not at its end yet. */
  get gfn(): Gfn | undefined {
    if (this.empty || this.failed || this.isUnderWay) return undefined;
    const { bottom } = this;
    return translatedByHalves(this.mode, bottom, this.lows[bottom]!, this.highs[bottom]!, this.page);
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
    return this.has(level) ? (BigInt(this.high(level)) << 32n) | BigInt(this.low(level)) : undefined;
  }
  /** Its halves; 0 where none was read. */
  low(level: number): number {
    return (this.lows[level] ?? 0) >>> 0;
  }
  high(level: number): number {
    return (this.highs[level] ?? 0) >>> 0;
  }
  has(level: number): boolean {
    return ((this.known >>> level) & 1) !== 0;
  }
}
