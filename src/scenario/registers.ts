import type { Gfn } from '../engine/ids.js';
import type { Paging } from './cpu.js';

/** What of a vCPU's set-up stands in its control registers. */
export interface Registers {
  readonly mode: string;
  readonly cr3: Gfn;
  readonly cr3Offset?: number;
  readonly wp: boolean;
  readonly nx?: boolean;
  readonly pse?: boolean;
  readonly smep?: boolean;
  readonly smap?: boolean;
}

/** A write to one control register. */
export interface CrWrite {
  readonly cr: 0 | 3 | 4;
  readonly value: bigint;
}

const CR0 = { base: 0x33n, wp: 1n << 16n, pg: 1n << 31n };
const CR4 = { pse: 1n << 4n, pae: 1n << 5n, la57: 1n << 12n, smep: 1n << 20n, smap: 1n << 21n };

/** The one register that tells a set-up from another; undefined where more than one does, EFER among them. CR3 may get the value it has. */
export function crWrite(before: Registers, after: Registers): CrWrite | undefined {
  const changed = [cr0, cr4, efer].filter((register) => register(before) !== register(after));
  if (changed.length === 0) return { cr: 3, value: cr3(after) };
  if (changed.length > 1 || cr3(before) !== cr3(after)) return undefined;
  if (changed[0] === cr0) return { cr: 0, value: cr0(after) };
  return changed[0] === cr4 ? { cr: 4, value: cr4(after) } : undefined;
}

/** The set-up after a write to one control register: the inverse of {@link crWrite}. */
export function afterCrWrite(before: Paging, { cr: number, value }: CrWrite): Paging {
  const has = (bit: bigint): boolean => (value & bit) !== 0n;
  const long = isLong(before.mode);
  switch (number) {
    case 0: {
      const mode = !has(CR0.pg) ? 'off' : before.mode === 'off' ? '32' : before.mode;
      return { ...before, mode, wp: has(CR0.wp) };
    }
    case 3:
      return { ...before, cr3: Number(value >> 12n) as Gfn, cr3Offset: Number(value & 0xfffn) };
    case 4: {
      const short = has(CR4.pae) ? 'pae' : '32';
      const mode = before.mode === 'off' || before.mode === 'npt-32' ? before.mode : long ? (has(CR4.la57) ? '5-level' : '4-level') : short;
      return { ...before, mode, pse: has(CR4.pse), smep: has(CR4.smep), smap: has(CR4.smap) };
    }
  }
}

export function isLong(mode: string): boolean {
  return mode === '4-level' || mode === '5-level';
}

function cr0({ mode, wp }: Registers): bigint {
  return CR0.base | (wp ? CR0.wp : 0n) | (mode === 'off' ? 0n : CR0.pg);
}

function cr3({ cr3: gfn, cr3Offset = 0 }: Registers): bigint {
  return BigInt(gfn * 4096 + cr3Offset);
}

function cr4({ mode, pse = true, smep = false, smap = false }: Registers): bigint {
  const pae = mode === 'pae' || isLong(mode) ? CR4.pae : 0n;
  return pae | (mode === '5-level' ? CR4.la57 : 0n) | (pse ? CR4.pse : 0n) | (smep ? CR4.smep : 0n) | (smap ? CR4.smap : 0n);
}

function efer({ mode, nx = true }: Registers): string {
  return `${isLong(mode)} ${nx}`;
}
