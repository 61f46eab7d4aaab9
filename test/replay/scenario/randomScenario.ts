import fc from 'fast-check';

/** How a mode's tables lie: levels from the top, entry size, and the indexes that the guest uses on each. */
interface Shape {
  readonly paging: string;
  readonly bytes: 4 | 8;
  /** gfns of the tables of each level, from the top; the last are page tables */
  readonly tables: readonly (readonly number[])[];
  readonly indexes: readonly (readonly number[])[];
  /** bits of an address below each level's index */
  readonly shifts: readonly number[];
}

const SHAPES: readonly Shape[] = [
  {
    paging: '32',
    bytes: 4,
    tables: [
      [1, 2],
      [5, 6],
    ],
    indexes: [
      [0, 1, 0x200],
      [0, 1, 7, 0x200, 0x201],
    ],
    shifts: [22, 12],
  },
  {
    paging: 'pae',
    bytes: 8,
    tables: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    indexes: [
      [0, 1, 2, 3],
      [0, 1],
      [0, 1, 7],
    ],
    shifts: [30, 21, 12],
  },
  {
    paging: '4-level',
    bytes: 8,
    tables: [[1, 2], [3], [4, 7], [5, 6]],
    indexes: [[0, 1], [0], [0, 1], [0, 1, 7]],
    shifts: [39, 30, 21, 12],
  },
];
const DATA = [0x10, 0x11, 0x12, 0x18, 0x20];
const NO_MEMORY = 0xfee00;

const hex = (number: number | bigint): string => `0x${number.toString(16)}`;

type Step = readonly [kind: number, a: number, b: number, c: number];

/** Text of a random scenario: two vCPUs of one mode that read and write, change their tables by emulated writes, and flush. */
export const randomScenario: fc.Arbitrary<string> = fc
  .record({
    shape: fc.constantFrom(...SHAPES),
    fill: fc.array(fc.nat(1000), { minLength: 24, maxLength: 24 }),
    steps: fc.array(fc.tuple(fc.nat(99), fc.nat(1000), fc.nat(1000), fc.nat(1000)), { minLength: 40, maxLength: 60 }),
  })
  .map(({ shape, fill, steps }) => [...begin(shape, fill), ...steps.map((step) => line(shape, step)), ''].join('\n'));

function pick<T>(list: readonly T[], number: number): T {
  return list[number % list.length]!;
}

/** What an entry of a table of a level may hold. */
function entry({ tables, paging }: Shape, level: number, seed: number): string {
  const below = tables[level + 1];
  const flags = paging === 'pae' && level === 0 ? 'P' : pick(['P|W|U|A|D', 'P|W|U', 'P|U|A', 'P|W|A|D'], Math.floor(seed / 16));
  if (below) return `gfn(${hex(pick(below, seed))})|${flags.replace('|D', '')}`;
  return seed % 13 === 0 ? `gfn(${hex(NO_MEMORY)})|${flags}` : `gfn(${hex(pick(DATA, seed))})|${flags}`;
}

function begin(shape: Shape, fill: readonly number[]): string[] {
  const lines = ['slot ram gfn 0..0xff pfn 0x1000'];
  let next = 0;
  for (const [level, tables] of shape.tables.entries()) {
    for (const table of tables) {
      for (const index of shape.indexes[level]!) {
        lines.push(
          `set gfn(${hex(table)})[${hex(index)}] = ${entry(shape, level, fill[next++ % fill.length]! + next)} as ${shape.bytes} bytes`,
        );
      }
    }
  }
  for (const vcpu of [1, 0]) lines.unshift(`vcpu ${vcpu} paging ${shape.paging} cr3 gfn(${hex(shape.tables[0]![vcpu]!)})`);
  return [...lines.slice(2), lines[0]!, lines[1]!];
}

function address(shape: Shape, seed: number): string {
  let address = 0n;
  let rest = seed;
  for (const [level, indexes] of shape.indexes.entries()) {
    address |= BigInt(pick(indexes, rest)) << BigInt(shape.shifts[level]!);
    rest = Math.floor(rest / indexes.length);
  }
  return hex(address);
}

function line(shape: Shape, [kind, a, b, c]: Step): string {
  // PDPTEs stay present: which one is not, no event tells.
  const least = shape.paging === 'pae' ? 1 : 0;
  const level = least + (a % (shape.tables.length - least));
  const place = `gfn(${hex(pick(shape.tables[level]!, b))})[${hex(pick(shape.indexes[level]!, c))}]`;
  if (kind < 40) return `read ${address(shape, a)}${b % 3 === 0 ? ' user' : ''}`;
  if (kind < 66) return `write ${address(shape, a)} = ${hex(b)}${c % 3 === 0 ? ' user' : ''}`;
  if (kind < 78) return `emulate ${place} = ${entry(shape, level, c)}`;
  if (kind < 82) return `emulate ${place} = 0`;
  if (kind < 86) return `invlpg ${address(shape, a)}`;
  if (kind < 91) return `cr3 gfn(${hex(pick(shape.tables[0]!, a))})`;
  if (kind < 96) return `vcpu ${a % 2}`;
  return 'zap all';
}
