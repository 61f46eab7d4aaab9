import type { BitModel } from '../../protocol.js';
import { isEpt, mmioFields, type SpteFormat } from '../../replay/query/spteBits.js';
import type { EntryView, PageView } from '../../replay/view.js';
import { hex, size, spanOf } from './numbers.js';

/** "All bits" of an SPTE, from bit 63 down, and the strip of bits 11…0 (ui.md §5, spec/spte.md §1, §4). */

/** One field of a layout. */
interface BitField {
  readonly high: number;
  readonly low: number;
  /** in the strip; only bits 11..0 */
  readonly short?: string;
  readonly name: string;
  /** 0 and 1 for single bits; the number for wider ones */
  readonly meaning: (value: bigint, all: bigint) => string;
  /** wide fields print in hexadecimal */
  readonly hex?: true;
}

export interface SpteShape {
  readonly kind: 'leaf' | 'link' | 'mmio';
  readonly level: number;
  /** the guest's paging mode leaves bits 54..62 reserved */
  readonly pae: boolean;
}

/** How the bits of an entry are laid out. */
export function shapeOf(page: PageView, entry: EntryView): SpteShape {
  const kind = entry.state === 'link' || entry.state === 'mmio' ? entry.state : 'leaf';
  // A shadow page of a 32-bit guest hangs in PDPTEs: the processor reads its entries in PAE mode
  return { kind, level: page.level, pae: page.level <= 2 };
}

/**
 * The bits of a value. `known` masks what the trace gives of it: of a link without a known frame only the flag bits. `before` is the
 * value at the previous stop.
 */
export function bitModels(value: bigint, shape: SpteShape, format: SpteFormat, known: bigint, before: bigint | null): BitModel[] {
  return layoutFor(shape, format).map((field) => {
    const mask = ((1n << BigInt(field.high - field.low + 1)) - 1n) << BigInt(field.low);
    const at = (v: bigint): bigint => (v & mask) >> BigInt(field.low);
    const visible = (known & mask) === mask;
    const now = at(value);
    const changed = before !== null && visible && at(before) !== now;
    const was = changed ? `was ${show(field, at(before))}, ` : '';
    return {
      bits: field.high === field.low ? String(field.high) : `${field.high}:${field.low}`,
      ...(field.short !== undefined && { short: field.short }),
      name: field.name,
      value: visible ? show(field, now) : '?',
      meaning: visible ? was + field.meaning(now, value) : 'not in the trace yet',
      changed,
    };
  });
}

function show(field: BitField, value: bigint): string {
  return field.hex ? hex(value) : String(value);
}

/** Short names of the bits that two values differ in, for `+mw +W` (the minus sign of the views is U+2212). */
export function bitChanges(before: bigint, after: bigint, shape: SpteShape, format: SpteFormat): string {
  return layoutFor(shape, format)
    .filter((f) => f.high === f.low && ((before ^ after) >> BigInt(f.low)) & 1n)
    .map((f) => `${(after >> BigInt(f.low)) & 1n ? '+' : '−'}${f.short ?? f.name}`)
    .join(' ');
}

function layoutFor(shape: SpteShape, format: SpteFormat): BitField[] {
  if (shape.kind === 'mmio') return isEpt(format) ? eptMmio(format) : mmio(format);
  return isEpt(format) ? ept(shape) : pt64(shape, format);
}

const bit = (n: number, short: string | undefined, name: string, one: string, zero: string): BitField => ({
  high: n,
  low: n,
  ...(short !== undefined && { short }),
  name,
  meaning: (v) => (v ? one : zero),
});
const field = (high: number, low: number, name: string, meaning: string, asHex?: true): BitField => ({
  high,
  low,
  name,
  meaning: () => meaning,
  ...(asHex && { hex: true }),
});

const AD_TYPES = ['A/D bits in use', 'A/D bits off: tracked by software', 'write-protected for dirty logging', 'not used'];

function pt64({ kind, level, pae }: SpteShape, format: SpteFormat): BitField[] {
  const leaf = kind !== 'link';
  const table = (one: string, zero: string, inTable: string): [string, string] => (leaf ? [one, zero] : [inTable, inTable]);
  return [
    bit(63, undefined, 'NX', ...table('no execute', 'executable', 'always 0 in a table')),
    field(62, 54, '–', pae ? 'reserved (PAE)' : 'not used'),
    { high: 53, low: 52, name: 'A/D type', meaning: (v) => AD_TYPES[Number(v)]! },
    field(51, 12, leaf ? 'pfn' : 'frame', leaf ? 'page mapped' : 'child shadow page', true),
    ...software(leaf, format),
    bit(8, 'G', 'G', 'unexpected: KVM does not copy it', 'always 0'),
    bit(7, 'PS', 'PS', 'large page', leaf ? size(spanOf(level)).replace('K', ' KiB').replace('M', ' MiB').replace('G', ' GiB') : 'table'),
    bit(6, 'D', 'D', 'written', leaf ? 'not written' : 'unused'),
    bit(5, 'A', 'A', 'accessed', 'never accessed'),
    bit(4, 'CD', 'PCD', 'uncached', 'write-back'),
    bit(3, 'WT', 'PWT', 'write-through', 'write-back'),
    bit(2, 'U', 'U', ...table('user', 'supervisor only', 'always 1 in a table')),
    bit(1, 'W', 'W', ...table('writable now', 'write faults', 'always 1 in a table')),
    bit(0, 'P', 'P', 'present', 'not present'),
  ];
}

/** Bits 11..9, KVM's own: since 5.13 MMU-present, MMU-writable, host-writable; before, the writable pair one higher (as recorded). */
function software(leaf: boolean, format: SpteFormat): BitField[] {
  const table = (one: string, zero: string): [string, string] => (leaf ? [one, zero] : ['unused in a table', 'unused in a table']);
  const mw = (n: number): BitField => bit(n, 'mw', 'MMU-writable', ...table('MMU may set W', 'W needs the slow path'));
  const hw = (n: number): BitField => bit(n, 'hw', 'host-writable', ...table('host allows write', 'host read-only'));
  if (format.mmuPresent) return [bit(11, 'mp', 'MMU-present', 'made by KVM', 'not made by KVM'), mw(10), hw(9)];
  return [mw(11), hw(10), bit(9, '–', '–', 'unexpected', 'not used')];
}

function ept({ kind, level }: SpteShape): BitField[] {
  const leaf = kind !== 'link';
  const strip = (n: number, short: string, name: string, one: string, zero: string): BitField => bit(n, short, name, one, zero);
  return [
    bit(63, undefined, 'suppress #VE', 'no #VE', '#VE possible'),
    field(62, 59, '–', 'not used'),
    bit(58, undefined, 'MMU-writable', 'MMU may set W', leaf ? 'W needs the slow path' : 'unused in a table'),
    bit(57, undefined, 'host-writable', 'host allows write', leaf ? 'host read-only' : 'unused in a table'),
    bit(56, undefined, 'saved X', 'X is given back after access tracking', 'nothing saved'),
    bit(55, undefined, '–', 'not used', 'not used'),
    bit(54, undefined, 'saved R', 'R is given back after access tracking', 'nothing saved'),
    { high: 53, low: 52, name: 'A/D type', meaning: (v) => AD_TYPES[Number(v)]! },
    field(51, 12, leaf ? 'pfn' : 'frame', leaf ? 'page mapped' : 'child shadow page', true),
    strip(11, 'mp', 'MMU-present', 'made by KVM', 'not made by KVM'),
    strip(10, 'ux', 'user X', 'not used', 'not used'),
    strip(9, 'D', 'D', 'written', leaf ? 'not written' : 'unused'),
    strip(8, 'A', 'A', 'accessed', 'never accessed'),
    strip(7, 'PS', 'PS', 'large page', leaf ? size(spanOf(level)) : 'table'),
    strip(6, 'IP', 'ignore PAT', 'guest PAT ignored', 'guest PAT counts'),
    strip(5, 'm2', 'memory type 2', 'memory type, bits 5:3', 'memory type, bits 5:3'),
    strip(4, 'm1', 'memory type 1', 'memory type, bits 5:3', 'memory type, bits 5:3'),
    strip(3, 'm0', 'memory type 0', 'memory type, bits 5:3', 'memory type, bits 5:3'),
    strip(2, 'X', 'X', 'executable', 'no execute'),
    strip(1, 'W', 'W', leaf ? 'writable now' : 'always 1 in a table', 'write faults'),
    strip(0, 'R', 'R', 'readable', 'not readable'),
  ];
}

/** The generation is in two pieces; the meaning gives it whole. */
function mmio(format: SpteFormat): BitField[] {
  const gen = (all: bigint): string => `memslot generation ${hex(mmioFields(all, format).gen)}, in two pieces`;
  const access = [
    bit(2, 'U', 'U', 'user', 'supervisor only'),
    bit(1, 'W', 'W', 'guest may write', 'guest may not write'),
    bit(0, 'P', 'P', 'set, so that the access faults with a reserved bit', 'not set'),
  ];
  const piece = (high: number, low: number, name: string): BitField => ({ high, low, name, meaning: (_, all) => gen(all), hex: true });
  if (!format.mmuPresent) {
    return [
      bit(63, undefined, '–', 'not used', 'not used'),
      piece(62, 54, 'gen 17:9'),
      field(53, 51, 'MMIO', 'marks an MMIO entry', true),
      field(50, 12, 'gfn', 'guest frame of the device', true),
      piece(11, 3, 'gen 8:0'),
      ...access,
    ];
  }
  return [
    bit(63, undefined, '–', 'not used', 'not used'),
    piece(62, 52, 'gen 18:8'),
    bit(51, undefined, 'MMIO', 'marks an MMIO entry', 'not MMIO'),
    field(50, 12, 'gfn', 'guest frame of the device', true),
    bit(11, 'mp', 'MMU-present', 'unexpected in an MMIO entry', 'not a mapping'),
    piece(10, 3, 'gen 7:0'),
    ...access,
  ];
}

function eptMmio(format: SpteFormat): BitField[] {
  return [...mmio(format).slice(0, -3), field(2, 0, 'MMIO', 'write and execute without read: a misconfiguration that exits to KVM', true)];
}
