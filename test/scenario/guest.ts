import type { Gfn } from '../../src/engine/ids.js';
import { Machine, type MachineOptions } from '../../src/scenario/machine.js';
import type { Paging } from '../../src/scenario/cpu.js';

/**
 * A small guest that has tables for all modes side by side, in one memory: two roots for each mode, tables of the lower levels that
 * they share, a linear mapping of the tables themselves, and addresses without memory.
 */
export const gfn = (number: number): Gfn => number as Gfn;

/** Tables, data, large pages. The tables' slot stays, since no vCPU survives the loss of its root. */
export const TABLES = { first: gfn(0), pages: 0x40, large: false };
export const DATA = { first: gfn(0x100), pages: 0x10, large: false };
export const LARGE = { first: gfn(0x400), pages: 0x400, large: true };
export const SLOTS = [DATA, LARGE];
const NO_MEMORY = [0x90, 0xfee00];

const PD32 = [1, 2];
const PDPT = [3, 4];
const PD64 = [5, 6];
const L4 = [7, 8];
const L3 = [9, 10];
const L5 = [11, 12];
const PT32 = [0x13, 0x14];
const PT64 = [0x15, 0x16];
/** page tables that map frames 0 to 1f one to one */
const LINEAR32 = 0x17;
const LINEAR64 = 0x18;
const LINEAR_PAGES = 0x20;
/** index of the page directory entry that leads to them */
const LINEAR_PDE = 3;

const P = 1n;
const W = 2n;
const U = 4n;
const A = 1n << 5n;
const D = 1n << 6n;
const PS = 1n << 7n;
const NX = 1n << 63n;

export type Mode = Paging['mode'];
export const MODES: readonly Mode[] = ['off', '32', 'pae', '4-level', '5-level', 'npt-32'];

/** Where the entries are that an operation changes: tables of one kind, which indexes, and what they may lead to. */
interface Kind {
  readonly tables: readonly number[];
  readonly bytes: 4 | 8;
  readonly indexes: readonly number[];
  readonly targets: readonly number[];
  /** frames that a large page begins at; none where there are no large pages */
  readonly large: readonly number[];
}

const PAGES = [0x19, 0x1a, DATA.first, DATA.first + 1, LARGE.first, LARGE.first + 0x201, ...NO_MEMORY];
const KINDS: readonly Kind[] = [
  { tables: PD32, bytes: 4, indexes: [0, 1, 0x200, 0x301], targets: [...PT32, ...PD32], large: [LARGE.first, 0] },
  { tables: PT32, bytes: 4, indexes: [0, 1, 7, 8, 0x200, 0x201], targets: [...PAGES, ...PT32, ...PD32], large: [] },
  { tables: PDPT, bytes: 8, indexes: [0, 3], targets: PD64, large: [] },
  { tables: L5, bytes: 8, indexes: [0, 1], targets: L4, large: [] },
  { tables: L4, bytes: 8, indexes: [0, 1], targets: L3, large: [] },
  { tables: L3, bytes: 8, indexes: [0, 1], targets: [...PD64, ...L3], large: [0] },
  { tables: PD64, bytes: 8, indexes: [0, 1, 2], targets: [...PT64, ...PD64], large: [LARGE.first, LARGE.first + 0x200, 0] },
  { tables: PT64, bytes: 8, indexes: [0, 1, 7, 8], targets: [...PAGES, ...PT64, ...PD64], large: [] },
];

/** Random numbers that pick one of each list. */
export interface EntryChoice {
  readonly kind: number;
  readonly table: number;
  readonly index: number;
  readonly target: number;
  readonly flags: number;
}

export interface EntryWrite {
  readonly gpa: number;
  readonly bytes: 4 | 8;
  readonly word: bigint;
}

function pick<T>(list: readonly T[], number: number): T {
  return list[number % list.length]!;
}

/** Bits of an entry by the bits of a number: most entries are present, accessed, writable. */
function flagsOf(flags: number, bytes: 4 | 8): bigint {
  const on = (bit: number): boolean => (flags & (1 << bit)) !== 0;
  const often = (bit: number): boolean => on(bit) || on(bit + 1);
  const present = often(0) || on(2) ? P : 0n;
  return (
    present |
    (often(3) ? W : 0n) |
    (often(5) ? U : 0n) |
    (often(7) ? A : 0n) |
    (often(9) ? D : 0n) |
    (bytes === 8 && on(11) && on(12) ? NX : 0n)
  );
}

/** The entry that a choice means, and where it goes. */
export function entryWrite(choice: EntryChoice): EntryWrite {
  const kind = pick(KINDS, choice.kind);
  const { bytes } = kind;
  const isLarge = kind.large.length > 0 && choice.flags % 5 === 0;
  const frame = isLarge ? pick(kind.large, choice.target) : pick(kind.targets, choice.target);
  // PDPTEs have no rights, and KVM refuses those with reserved bits.
  const flags = kind.tables === PDPT ? P : flagsOf(choice.flags, bytes) | (isLarge ? PS : 0n);
  const word = (BigInt(frame) << 12n) | flags;
  return { gpa: pick(kind.tables, choice.table) * 4096 + pick(kind.indexes, choice.index) * bytes, bytes, word };
}

/** A root of a mode: 0 or 1. */
export function rootOf(mode: Mode, root: number): Gfn {
  const roots: Record<Mode, readonly number[]> = {
    off: [0],
    '32': PD32,
    'npt-32': PD32,
    pae: PDPT,
    '4-level': L4,
    '5-level': L5,
    'ept-4-level': L4,
    'ept-5-level': L5,
  };
  return gfn(pick(roots[mode], root));
}

/** Addresses whose way leads through the entries above. */
export function addressOf(mode: Mode, at: readonly [number, number, number, number], offset: number): bigint {
  const [a, b, c, d] = at;
  const low = BigInt(offset % 512) * 8n;
  switch (mode) {
    case 'off':
      return (BigInt(pick([...PAGES, ...PT32, ...PT64, ...PD32, ...PD64, 0x1b, 0x20], a)) << 12n) | low;
    case '32':
    case 'npt-32':
      return (BigInt(pick([0, 1, 0x200, 0x301], a)) << 22n) | (BigInt(pick([0, 1, 7, 8, 0x200, 0x201], b)) << 12n) | low;
    case 'pae':
      return (BigInt(pick([0, 3], a)) << 30n) | (BigInt(pick([0, 1, 2], b)) << 21n) | (BigInt(pick([0, 1, 7, 8], c)) << 12n) | low;
    default: {
      const upper = mode === '5-level' ? BigInt(pick([0, 1], d)) << 48n : 0n;
      return (
        upper |
        (BigInt(pick([0, 1], a)) << 39n) |
        (BigInt(pick([0, 1], b)) << 30n) |
        (BigInt(pick([0, 1, 2], c)) << 21n) |
        (BigInt(pick([0, 1, 7, 8], d)) << 12n) |
        low
      );
    }
  }
}

/** The address at which the guest itself reaches a frame below 0x20, in any of its modes. */
export function linearAddress(mode: Mode, gpa: number): bigint {
  const shift = mode === 'off' ? undefined : mode === '32' || mode === 'npt-32' ? 22n : 21n;
  return (shift === undefined ? 0n : BigInt(LINEAR_PDE) << shift) | BigInt(gpa);
}

/** A machine with this guest, nothing run yet. */
export function newMachine(options: MachineOptions): Machine {
  const machine = new Machine(options);
  for (const { first, pages, large } of [TABLES, ...SLOTS]) machine.addSlot(first, pages, large);
  const put = (table: number, index: number, bytes: 4 | 8, frame: number, flags: bigint): void =>
    machine.guest.write(table * 4096 + index * bytes, bytes, (BigInt(frame) << 12n) | flags);
  const all = P | W | U;
  for (let i = 0; i < LINEAR_PAGES; i++) {
    put(LINEAR32, i, 4, i, all);
    put(LINEAR64, i, 8, i, all);
  }
  for (const [i, pd] of PD32.entries()) {
    put(pd, LINEAR_PDE, 4, LINEAR32, all);
    for (const index of [0, 1, 0x200, 0x301]) put(pd, index, 4, PT32[i]!, all);
  }
  for (const pd of PD64) {
    put(pd, LINEAR_PDE, 8, LINEAR64, all);
    for (const index of [0, 1]) put(pd, index, 8, PT64[index]!, all);
  }
  for (const pt of PT32) for (const index of [0, 1, 7, 0x200, 0x201]) put(pt, index, 4, pick(PAGES, index + pt), all);
  for (const pt of PT64) for (const index of [0, 1, 7, 8]) put(pt, index, 8, pick(PAGES, index + pt), all);
  for (const [i, pdpt] of PDPT.entries()) {
    put(pdpt, 0, 8, PD64[0]!, P);
    put(pdpt, 3, 8, PD64[i]!, P);
  }
  for (const [i, table] of L5.entries()) put(table, 0, 8, L4[i]!, all);
  for (const [i, table] of L4.entries()) for (const index of [0, 1]) put(table, index, 8, L3[(i + index) % 2]!, all);
  for (const [i, table] of L3.entries()) for (const index of [0, 1]) put(table, index, 8, PD64[(i + index) % 2]!, all);
  return machine;
}
