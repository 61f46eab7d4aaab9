import type { ArgSpec, EventSpec } from '../../trace/vocabulary.js';
import { SpSlot } from '../../trace/vocabulary.js';
import type { Role } from '../../engine/ids.js';
import { NO_TEXT, noNumber, type Column, type Columns } from './columns.js';
import type { Field, NumberField, TextField } from './fields.js';
import { accessLetters, accessNumber, roleField } from './roles.js';
import type { EventScope, EventSource } from './scope.js';

const KINDS = 256;
const ABSENT = -1;
/** kinds 0..3 begin with the fields of a shadow page */
const LAST_SP_KIND = 3;

/** Other names that people use for an argument; the format's own name always works too. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  address: ['fault_address', 'cr2_or_gpa', 'addr', 'address', 'gva'],
  addr: ['addr', 'fault_address', 'cr2_or_gpa', 'gva'],
  error: ['error_code', 'pferr'],
  gen: ['gen', 'mmu_valid_gen'],
  new: ['created'],
  rip: ['rip', 'guest_rip'],
};

/** What every event has, and every argument by its name in the format files. */
export function eventFields(events: readonly EventSpec[]): Field[] {
  const named = new Map<string, Field>();
  for (const name of new Set(events.flatMap((e) => e.args.map((a) => a.name)))) named.set(name, argument(events, name, [name]));
  for (const [name, args] of Object.entries(SHORT)) named.set(name, argument(events, name, args));
  for (const f of [pageLevel(events), pageAccess(events)]) named.set(f.name, f);
  // `role` and `spte` alone are things with fields of their own; roleFields and spteFields make them
  named.delete('role');
  named.delete('spte');
  return [...common(events), ...named.values()];
}

function common(events: readonly EventSpec[]): Field[] {
  const num = (name: string, help: string, read: (s: EventScope) => number): NumberField => ({
    type: 'number',
    name,
    help,
    num: read,
    base: 10,
  });
  const ofTask = (name: string, help: string, read: (s: EventScope) => number): NumberField => ({
    ...num(name, help, read),
    column: ({ scope }) => ({
      type: 'number',
      ofContext: true,
      num: (e) => {
        scope.event = e as EventScope['event'];
        return read(scope);
      },
    }),
  });
  const text = (name: string, help: string, read: (s: EventScope) => string | undefined, values?: readonly string[]): TextField => ({
    type: 'text',
    name,
    help,
    text: read,
    ...(values && { values }),
  });
  const pid = (name: string, help: string): NumberField => ({
    ...num(name, help, (s) => s.replay.table.pid(s.event)),
    column: ({ table }) => ({ type: 'number', ofContext: true, num: (e) => table.pid(e) }),
  });
  const cpu = (name: string, help: string): NumberField => ({
    ...num(name, help, (s) => s.replay.table.cpu(s.event)),
    column: ({ table }) => ({ type: 'number', ofContext: true, num: (e) => table.cpu(e) }),
  });
  const comm = (name: string, help: string): TextField => ({
    ...text(name, help, (s) => s.replay.table.comm(s.event)),
    column: ({ table }) => ({ type: 'text', ofContext: true, text: (e) => table.comm(e) }),
  });
  const names = events.map((e) => e.name);
  return [
    { ...num('event.index', 'number of the event, from 0', (s) => s.event), column: () => ({ type: 'number', num: (e) => e }) },
    {
      ...text('event.name', 'name of the event', (s) => s.replay.table.name(s.event), names),
      column: ({ table }) => ({ type: 'text', constant: true, text: (e) => table.name(e) }),
    },
    {
      type: 'time',
      name: 'event.time',
      help: 'time as the trace prints it, in seconds',
      time: (s) => s.replay.table.time(s.event),
      shortTime: (s) => s.replay.table.shortTime(s.event),
      inSeconds: (s) => s.replay.table.isInSeconds(s.event),
      printed: (s) => s.replay.table.timeText(s.event),
      column: ({ table }) => ({
        type: 'time',
        time: (e) => table.time(e),
        shortTime: (e) => table.shortTime(e),
        inSeconds: (e) => table.isInSeconds(e),
        printed: (e) => table.timeText(e),
      }),
    },
    num('event.line', 'line of the trace, from 1', (s) => s.replay.table.line(s.event) ?? NaN),
    text('event.text', 'what the kernel prints after the name', (s) => s.replay.table.message(s.event)),
    text('event.finding', 'kind of the finding at the event', (s) => s.replay.findingAt(s.event)?.kind),
    ofTask('vcpu', 'vCPU of the event', (s) => s.replay.vcpuOf(s.event)?.vcpu ?? NaN),
    ofTask('vm', 'virtual machine of the event, from 0', (s) => s.replay.vmOf(s.event) ?? NaN),
    pid('pid', 'thread'),
    pid('common_pid', 'thread, under the kernel’s name'),
    ofTask('tgid', 'process, where the trace has it', (s) => s.replay.table.tgid(s.event) ?? NaN),
    comm('comm', 'name of the thread'),
    comm('COMM', 'name of the thread, under the kernel’s name'),
    cpu('cpu', 'host CPU'),
    cpu('CPU', 'host CPU, under the kernel’s name'),
    { ...num('fault.address', 'address of the fault the event belongs to', NaNs), ...faultAddress },
    { ...num('fault.error', 'error code of that fault', (s) => s.replay.faultOf(s.event)?.error ?? NaN), base: 16 },
  ];
}

const NaNs = (): number => NaN;
const faultAddress = {
  num: (s: EventScope): number => {
    const fault = s.replay.faultOf(s.event);
    return fault ? Number(fault.address) : NaN;
  },
  word: (s: EventScope): bigint | undefined => s.replay.faultOf(s.event)?.address,
  base: 16 as const,
};

/** An argument, whichever event has it: the first of `args` that the event's kind has. */
function argument(events: readonly EventSpec[], name: string, args: readonly string[]): Field {
  const slots = new Int8Array(KINDS).fill(ABSENT);
  let spec: ArgSpec | undefined;
  events.forEach((event, kind) => {
    const found = args.map((a) => event.args.findIndex((x) => x.name === a)).find((slot) => slot >= 0);
    if (found === undefined) return;
    slots[kind] = found;
    spec ??= event.args[found];
  });
  const help = `${spec!.type === 'string' || spec!.type === 'bytes' ? 'text' : 'number'}: ${whichEvents(events, slots)}`;
  /** slot in events like one */
  const slotOf = (table: EventSource, sample: number): number => {
    const slot = slots[table.kind(sample)]!;
    return slot !== ABSENT && table.has(sample, slot) ? slot : ABSENT;
  };
  const at = (s: EventScope): number => slotOf(s.replay.table, s.event);
  if (spec!.type === 'string') {
    const column = ({ table }: Columns, sample: number): Column => {
      const slot = slotOf(table, sample);
      return slot === ABSENT ? NO_TEXT : { type: 'text', isFixed: fixedIn(table, slot), text: (e) => table.string(e, slot) };
    };
    return { type: 'text', name, help, column, text: (s) => read(s, at(s), (t, e, slot) => t.string(e, slot)) };
  }
  if (spec!.type === 'bytes') return { type: 'text', name, help, text: (s) => read(s, at(s), bytes) };
  const wide = spec!.type === 'hex' || spec!.type === 'pointer';
  return {
    type: 'number',
    name,
    help,
    column: ({ table }, sample) => numberColumn(table, slotOf(table, sample), wide),
    base: wide ? 16 : 10,
    num: (s) => {
      const slot = at(s);
      return slot === ABSENT ? NaN : s.replay.table.num(s.event, slot);
    },
    ...(wide && { word: (s: EventScope) => read(s, at(s), (t, e, slot) => t.word(e, slot)) }),
  };
}

function numberColumn(table: EventSource, slot: number, wide: boolean): Column {
  if (slot === ABSENT) return noNumber(false);
  const num = (e: number): number => table.num(e, slot);
  const isFixed = fixedIn(table, slot);
  if (!wide) return { type: 'number', isFixed, num };
  return {
    type: 'number',
    isFixed,
    num,
    word: (e) => table.word(e, slot),
    low: (e) => table.low(e, slot),
    high: (e) => table.high(e, slot),
  };
}

function fixedIn(table: EventSource, slot: number): (sample: number) => boolean {
  return (sample) => table.isFixed(sample, slot);
}

function read<T>(s: EventScope, slot: number, get: (t: EventSource, e: number, slot: number) => T): T | undefined {
  return slot === ABSENT ? undefined : get(s.replay.table, s.event, slot);
}

/** Bytes of an instruction in hexadecimal, as the trace prints them: `0f 22 d8`. */
function bytes(t: EventSource, e: number, slot: number): string {
  const all = t.word(e, slot) | (t.word(e, slot + 1) << 64n);
  return Array.from({ length: 15 }, (_, i) => ((all >> BigInt(8 * i)) & 0xffn).toString(16).padStart(2, '0')).join(' ');
}

function whichEvents(events: readonly EventSpec[], slots: Int8Array): string {
  const names = events.filter((_, kind) => slots[kind] !== ABSENT).map((e) => e.name);
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

/** `level`: an argument of many events; for events about a page, the page's. */
function pageLevel(events: readonly EventSpec[]): NumberField {
  const own = argument(events, 'level', ['level']) as NumberField;
  return {
    ...own,
    help: 'level of the page or SPTE, 1 to 5',
    column: (columns, sample) => roleColumn(columns, sample, (role) => roleField(role, 'level')) ?? own.column!(columns, sample),
    num: (s) => {
      const role = spRole(s);
      return role === undefined ? own.num(s) : roleField(role, 'level');
    },
  };
}

/** `access`: a number in MMIO events; for events about a page, the page's, also as letters. */
function pageAccess(events: readonly EventSpec[]): NumberField {
  const own = argument(events, 'access', ['access']) as NumberField;
  const layout = (s: EventScope) => s.replay.table.info.layout;
  return {
    ...own,
    help: 'access: a number, or the page’s letters',
    base: 16,
    column: (columns, sample) => {
      const { info } = columns.table;
      const ofPage = roleColumn(
        columns,
        sample,
        (role) => accessNumber(role, info.layout),
        (role) => accessLetters(role, info.layout),
      );
      return ofPage ?? withoutLetters(own.column!(columns, sample)!);
    },
    num: (s) => {
      const role = spRole(s);
      return role === undefined ? own.num(s) : accessNumber(role, layout(s));
    },
    letters: (s) => {
      const role = spRole(s);
      return role === undefined ? undefined : accessLetters(role, layout(s));
    },
  };
}

/** What the role in events about a page says, kept for a run of events with the same; undefined for other events. */
export function roleColumn(
  { table }: Columns,
  sample: number,
  read: (role: Role) => number,
  letters?: (role: Role) => string,
): Column | undefined {
  if (table.kind(sample) > LAST_SP_KIND || !table.has(sample, SpSlot.role)) return undefined;
  const roleOf = (e: number): Role => table.num(e, SpSlot.role) as Role;
  let last = NaN;
  let value = NaN;
  return {
    type: 'number',
    isFixed: fixedIn(table, SpSlot.role),
    num: (e) => {
      const role = roleOf(e);
      if (role === last) return value;
      last = role;
      return (value = read(role));
    },
    ...(letters && { letters: (e: number) => letters(roleOf(e)) }),
  };
}

/** Where the field has letters, but not of these events. */
function withoutLetters(column: Column): Column {
  return column.type === 'number' ? { ...column, letters: () => undefined } : column;
}

/** The role in an event about a page; undefined for every other event. */
export function spRole(s: EventScope): Role | undefined {
  const table = s.replay.table;
  if (table.kind(s.event) > LAST_SP_KIND || !table.has(s.event, SpSlot.role)) return undefined;
  return table.num(s.event, SpSlot.role) as Role;
}
