import type { Gfn } from './ids.js';
import { ACC_EXEC, ACC_READ, ACC_USER, ACC_WRITE } from './role.js';
import { PAGE_SIZE_BIT, pagesPerEntry } from './spte.js';

/** How the guest's own tables are laid out (spec/fault.md §2.1). */
export type PagingMode = '32' | 'pae' | '4-level' | '5-level';

export const PferrBit = { present: 1, write: 2, user: 4, reserved: 8, fetch: 16 } as const;

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

  constructor(
    readonly address: bigint,
    readonly error: number,
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
    return this.top === 2 ? '32' : this.top === 3 ? 'pae' : this.top === 4 ? '4-level' : '5-level';
  }

  /** Level of the last entry read: 1, or that of a large page. */
  get leafLevel(): number {
    return this.bottom;
  }

  /** Address >> 12, within the address space of the mode. */
  get page(): number {
    return Number(BigInt.asUintN(this.mode === '32' || this.mode === 'pae' ? 32 : 57, this.address) >> 12n);
  }

  /** The gfn of the guest table whose entry was read at `level`, from the entry above; undefined for the top table. */
  tableGfn(level: number): Gfn | undefined {
    const above = this.entries.get(level + 1);
    return above === undefined ? undefined : frameOf(this.mode, above);
  }

  /** Rights accumulated above the table at `level`: the access of the shadow page behind it (spec/roles.md §4). */
  tableAccess(level: number): number {
    let access = ACC_READ | ACC_WRITE | ACC_USER | ACC_EXEC;
    for (let above = this.top; above > level; above--) {
      if (this.mode === 'pae' && above === 3) continue; // a PDPTE has no rights
      const entry = this.entries.get(above);
      if (entry !== undefined) access &= gpteAccess(this.mode, entry);
    }
    return access;
  }

  /** The guest frame that the address translates to; undefined when the walk found nothing, or is not at its end yet. */
  get gfn(): Gfn | undefined {
    const leaf = this.entries.get(this.bottom);
    if (leaf === undefined || this.failed || (leaf & 1n) === 0n) return undefined;
    if (this.bottom > 1 && (leaf & PAGE_SIZE_BIT) === 0n) return undefined;
    const pages = this.mode === '32' && this.bottom === 2 ? 1024 : pagesPerEntry(this.bottom);
    const first = frameOf(this.mode, leaf);
    const psePages = this.mode === '32' && this.bottom === 2 ? pse36Gfn(leaf) : 0;
    return (first - (first % pages) + psePages + (this.page % pages)) as Gfn;
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

/** Rights of a guest entry: X = not NX, W and U as stored [6.1 paging_tmpl.h:gpte_access]. */
export function gpteAccess(mode: PagingMode, gpte: bigint): number {
  const low = Number(gpte & 6n);
  const exec = mode === '32' || gpte >> 63n === 0n ? ACC_EXEC : 0;
  return ACC_READ | low | exec;
}

function frameOf(mode: PagingMode, gpte: bigint): Gfn {
  return Number(mode === '32' ? (gpte & 0xffff_f000n) >> 12n : (gpte & 0x000f_ffff_ffff_f000n) >> 12n) as Gfn;
}

/** PSE-36: bits 16..13 of a 4 MiB entry are bits 35..32 of the physical address (spec/fault.md §2.1). */
function pse36Gfn(gpte: bigint): number {
  return Number((gpte >> 13n) & 0xfn) * 2 ** 20;
}
