import type { Role } from '../../engine/ids.js';
import { roleField } from '../../engine/role.js';
import { EVENTS, type ArgSpec, type EventSpec } from '../../trace/vocabulary.js';
import { accessNumber } from '../query/roles.js';
import { ofKinds, wordOf, type Column, type ColumnType, type Value } from './column.js';
import { PAGE_KINDS, roleOf } from './pageColumns.js';
import type { Rows } from './rows.js';

/** Names that SQL keeps for itself, or that say too little beside the arguments of all other events. */
const RENAMED: Readonly<Record<string, string>> = {
  r: 'spte_r',
  x: 'spte_x',
  u: 'spte_u',
  start: 'hva_start',
  end: 'hva_end',
  type: 'mmio_type',
  reason: 'userspace_reason',
  mode: 'insn_mode',
  size: 'pio_size',
  count: 'pio_count',
  data: 'msr_data',
  bytes: 'track_bytes',
  new: 'track_new',
};
/** Told by columns of their own, or by another's. */
const LEFT_OUT: ReadonlySet<string> = new Set(['role', 'insn_hi', 'fault_address']);

/** What is searched for: engines skip row groups by its least and greatest value. */
const PRUNED: ReadonlySet<string> = new Set(['gfn', 'pfn', 'spte', 'sptep', 'addr', 'level', 'val', 'gpa']);

const TYPES: Readonly<Record<ArgSpec['type'], ColumnType>> = {
  hex: 'u64',
  pointer: 'u64',
  dec: 'i32',
  s32: 'i32',
  bool: 'bool',
  role: 'u32',
  string: 'text',
  bytes: 'text',
};

/** Arguments that events about a page have in its role. */
const OF_PAGES: Readonly<Record<string, (role: Role, rows: Rows) => Value>> = {
  level: (role) => roleField(role, 'level'),
  access: (role, { table }) => BigInt(accessNumber(role, table.info.layout)),
};

/** Where the events of each kind have an argument: its slot, or -1. */
type Slots = Int8Array;
type Read = (rows: Rows, event: number, slot: number) => Value;

/** Every argument of every event that the engine understands, by its name in the format files. */
export const ARGUMENT_COLUMNS: readonly Column[] = argumentColumns(EVENTS);

function argumentColumns(events: readonly EventSpec[]): Column[] {
  const names = new Set(events.flatMap(({ args }) => args.map(({ name }) => name)));
  const columns = [...names].filter((name) => !LEFT_OUT.has(name)).map((name) => argument(events, name));
  return columns.map((column) => {
    const ofRole = OF_PAGES[column.name];
    return ofRole ? ofPagesToo(column, ofRole) : column;
  });
}

function argument(events: readonly EventSpec[], name: string): Column {
  const slots: Slots = new Int8Array(256).fill(-1);
  const owners: string[] = [];
  let spec: ArgSpec | undefined;
  for (const [kind, event] of events.entries()) {
    slots[kind] = event.args.findIndex((arg) => arg.name === name);
    if (slots[kind] < 0) continue;
    spec ??= event.args[slots[kind]]!;
    owners.push(event.name);
  }
  const type = TYPES[spec!.type];
  const read = reader(spec!.type);
  return {
    name: RENAMED[name] ?? name,
    type,
    help: `${name} of ${owners.length > 3 ? `${owners.slice(0, 3).join(', ')} and ${owners.length - 3} more` : owners.join(', ')}`,
    ...(!PRUNED.has(name) && { statistics: false as const }),
    kinds: ofKinds([...slots.keys()].filter((kind) => slots[kind]! >= 0)),
    at: (rows, r) => {
      const event = rows.event(r);
      const slot = slots[rows.table.kind(event)]!;
      return slot >= 0 && rows.table.has(event, slot) ? read(rows, event, slot) : undefined;
    },
  };
}

function reader(type: ArgSpec['type']): Read {
  switch (type) {
    case 'hex':
    case 'pointer':
    case 'role':
      return word;
    case 'dec':
    case 's32':
      return ({ table }, event, slot) => table.low(event, slot) | 0;
    case 'bool':
      return ({ table }, event, slot) => table.num(event, slot) !== 0;
    case 'string':
      return ({ table }, event, slot) => table.string(event, slot);
    case 'bytes':
      return bytes;
  }
}

function word({ table }: Rows, event: number, slot: number): bigint {
  return wordOf(table.low(event, slot), table.high(event, slot));
}

/** The instruction, as the trace prints it: `0f 22 d8`. Its length is in the slot before. */
function bytes(rows: Rows, event: number, slot: number): string {
  const { table } = rows;
  const length = table.has(event, slot - 1) ? Math.min(15, table.num(event, slot - 1)) : 15;
  const all = word(rows, event, slot) | (word(rows, event, slot + 1) << 64n);
  return Array.from({ length }, (_, i) => ((all >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, '0')).join(' ');
}

/** As in conditions: events about a page have the argument of the page's role. */
function ofPagesToo(column: Column, read: (role: Role, rows: Rows) => Value): Column {
  return {
    ...column,
    help: `${column.help}; the page's, for events about one`,
    kinds: column.kinds!.map((has, kind) => has | PAGE_KINDS[kind]!),
    at: (rows, r) => {
      const role = roleOf(rows, r);
      return role === undefined ? column.at(rows, r) : read(role, rows);
    },
  };
}
