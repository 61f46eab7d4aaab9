import { hex } from './reader.js';
import type { Mode } from './statement.js';

/** Widths of a guest's addresses by mode [Intel SDM vol. 3A 4.1.1; vol. 1 3.3.7.1]. */

const PAGE = 4096;
const FOUR_GIB = 1n << 32n;
/** PAE: CR3 leads to four PDPTEs of 32 bytes together. */
const PDPT_BYTES = 32;
const ADDRESS_BITS: Partial<Record<Mode, bigint>> = { '4-level': 48n, '5-level': 57n };

/** What an address of a mode would have to be; undefined where it is right. */
export function addressBound(mode: Mode, address: bigint): string | undefined {
  const bits = ADDRESS_BITS[mode];
  if (bits === undefined) return address < FOUR_GIB ? undefined : `an address up to 0xffffffff (${nameOf(mode)})`;
  const upper = address >> (bits - 1n);
  const isCanonical = upper === 0n || upper === (1n << (65n - bits)) - 1n;
  const last = (1n << (bits - 1n)) - 1n;
  return isCanonical
    ? undefined
    : `a canonical address, up to 0x${last.toString(16)} or from 0x${((1n << 64n) - 1n - last).toString(16)} (${nameOf(mode)})`;
}

/** What CR3 would have to be; undefined where it is right. */
export function cr3Objection(mode: Mode, cr3: number): string | undefined {
  const unit = mode === 'pae' ? PDPT_BYTES : PAGE;
  if (cr3 % unit) return `a multiple of 0x${unit.toString(16)} for CR3 (${nameOf(mode)})`;
  if (ADDRESS_BITS[mode] === undefined && BigInt(cr3) >= FOUR_GIB) return `a CR3 up to 0xffffffff (${nameOf(mode)})`;
  return undefined;
}

/** How an address is taken apart by the guest's tables, and where KVM shadows it. */
export function addressParts(mode: Mode, address: bigint): string {
  const bits = (from: bigint, width: bigint): string => hex((address >> from) & ((1n << width) - 1n));
  const offset = `offset ${bits(0n, 12n)}`;
  switch (mode) {
    case 'off':
      return `gfn ${hex(address >> 12n)}, ${offset}.`;
    case '32':
    case 'npt-32':
      return (
        `PDE ${bits(22n, 10n)}, PTE ${bits(12n, 10n)}, ${offset}. ` +
        `Shadowed by quadrant ${bits(30n, 2n)} of the page directory at [${bits(21n, 9n)}], quadrant ${bits(21n, 1n)} of the page table at [${bits(12n, 9n)}].`
      );
    case 'pae':
      return `PDPTE ${bits(30n, 2n)}, PDE ${bits(21n, 9n)}, PTE ${bits(12n, 9n)}, ${offset}.`;
    case '4-level':
    case '5-level': {
      const top = mode === '5-level' ? `PML5E ${bits(48n, 9n)}, ` : '';
      return `${top}PML4E ${bits(39n, 9n)}, PDPTE ${bits(30n, 9n)}, PDE ${bits(21n, 9n)}, PTE ${bits(12n, 9n)}, ${offset}.`;
    }
  }
}

function nameOf(mode: Mode): string {
  switch (mode) {
    case 'off':
      return 'without paging';
    case 'npt-32':
      return "a 32-bit hypervisor's nested page tables";
    case '32':
      return '32-bit paging';
    case 'pae':
      return 'PAE';
    case '4-level':
    case '5-level':
      return `${mode} paging`;
  }
}
