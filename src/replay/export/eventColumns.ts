import { specOf } from '../../trace/vocabulary.js';
import type { Column, Value } from './column.js';
import type { Rows } from './rows.js';

/** A text that all rows of a trace share; null where it is empty. */
function ofTrace(name: string, help: string, read: (rows: Rows) => string): Column {
  return { name, type: 'text', help, at: (rows) => read(rows) || undefined };
}

/** An `int` of the kernel's; in a damaged trace its digits may say more. */
function int(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value | 0;
}

/** Which trace, by what rules. */
export const TRACE_COLUMNS: readonly Column[] = [
  ofTrace('file', 'the trace, as it was named', ({ table }) => table.info.file),
  ofTrace('kernel', 'kernel that recorded it: exact, or a range such as 6.1-6.12', ({ table }) => table.info.kernel.text),
  ofTrace('era', 'the kernel whose rules the engine followed', ({ replay }) => replay.era.name),
  {
    name: 'file_incomplete',
    type: 'bool',
    help: 'events of the trace were lost, or parts of it could not be read',
    at: ({ table: { info } }) => info.damaged || info.lost > 0,
  },
];

/** Where and when. */
export const EVENT_COLUMNS: readonly Column[] = [
  {
    name: 'event',
    type: 'i32',
    help: 'number of the event, from 0; rows are sorted by it',
    steady: true,
    at: (rows, r) => rows.event(r),
  },
  {
    name: 'line',
    type: 'i32',
    help: 'line of a text trace, from 1',
    steady: true,
    at: (rows, r) => rows.table.line(rows.event(r)),
  },
  { name: 'time_ns', type: 'i64', help: 'nanoseconds, of clocks that count seconds', steady: true, at: (rows, r) => time(rows, r, 'ns') },
  {
    name: 'time_ticks',
    type: 'u64',
    help: 'ticks, of clocks that count something else',
    steady: true,
    at: (rows, r) => time(rows, r, 'ticks'),
  },
  { name: 'cpu', type: 'i32', help: 'host CPU', at: (rows, r) => int(rows.table.cpu(rows.event(r))) },
  { name: 'pid', type: 'i32', help: 'thread', at: (rows, r) => rows.table.pid(rows.event(r)) },
  { name: 'tgid', type: 'i32', help: 'process, where the trace has it', at: (rows, r) => int(rows.table.tgid(rows.event(r))) },
  { name: 'comm', type: 'text', help: 'name of the thread', at: (rows, r) => rows.table.comm(rows.event(r)) },
  { name: 'vm', type: 'i32', help: 'virtual machine, from 0 in order of appearance', at: (rows, r) => rows.replay.vmOf(rows.event(r)) },
  { name: 'vcpu', type: 'i32', help: 'vCPU of the thread', at: (rows, r) => int(rows.replay.vcpuOf(rows.event(r))?.vcpu) },
  {
    name: 'system',
    type: 'text',
    help: 'kvmmmu or kvm, of events whose arguments have columns',
    at: (rows, r) => specOf(rows.kind(r))?.system,
  },
  { name: 'name', type: 'text', help: 'name of the event', at: (rows, r) => rows.table.name(rows.event(r)) },
  {
    name: 'text',
    type: 'text',
    help: 'what the kernel prints after the name; only with --text',
    at: (rows, r) => (rows.source.withText ? rows.table.message(rows.event(r)) : undefined),
  },
  {
    name: 'lost_before',
    type: 'i64',
    help: 'events lost directly before this one, null for none; -1: some, nobody knows how many',
    at: lostBefore,
  },
  {
    name: 'note',
    type: 'text',
    help: 'what the reader says about this place of the trace',
    at: (rows, r) => rows.source.notes.get(rows.event(r)),
  },
  { name: 'exit_event', type: 'i32', help: 'the kvm_exit that the event belongs to', at: (rows, r) => rows.exit(r) },
  {
    name: 'fault_event',
    type: 'i32',
    help: 'the event that began the fault it belongs to',
    at: (rows, r) => rows.fault(r)?.first,
  },
  { name: 'fault_address', type: 'u64', help: 'guest address of that fault', at: (rows, r) => rows.fault(r)?.address },
  { name: 'fault_error', type: 'u64', help: 'error code of that fault', at: (rows, r) => unsigned(rows.fault(r)?.error) },
];

/** What the engine found. */
export const FINDING_COLUMNS: readonly Column[] = [
  {
    name: 'outcome',
    type: 'text',
    help: 'of an event that the MMU decides: exact, learned, wrong, unpredicted, unpredictable',
    at: (rows, r) => rows.replay.verdictOf(rows.event(r))?.outcome,
  },
  { name: 'reasons', type: 'texts', help: 'why it was learned or unpredictable', at: reasons },
  {
    name: 'finding',
    type: 'text',
    help: 'kind of the finding at the event',
    at: (rows, r) => rows.source.findings.get(rows.event(r))?.kind,
  },
  {
    name: 'finding_text',
    type: 'text',
    help: 'the finding in a sentence',
    at: (rows, r) => rows.source.findings.get(rows.event(r))?.message,
  },
  {
    name: 'finding_expected',
    type: 'text',
    help: 'JSON: fields as announced',
    at: (rows, r) => json(rows.source.findings.get(rows.event(r))?.expected),
  },
  {
    name: 'finding_recorded',
    type: 'text',
    help: 'JSON: fields as recorded',
    at: (rows, r) => json(rows.source.findings.get(rows.event(r))?.recorded),
  },
];

function lostBefore(rows: Rows, row: number): Value | undefined {
  const lost = rows.table.lostBefore(rows.event(row));
  return lost === 0 ? undefined : BigInt(lost);
}

function reasons(rows: Rows, row: number): Value | undefined {
  const list = rows.replay.verdictOf(rows.event(row))?.reasons;
  return list?.length ? list : undefined;
}

function json(fields: object | undefined): string | undefined {
  return fields && JSON.stringify(fields);
}

function unsigned(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt.asUintN(64, BigInt(value));
}

function time({ table, events }: Rows, row: number, unit: 'ns' | 'ticks'): bigint | undefined {
  const event = events[row]!;
  if (table.timeUnit(event) !== unit) return undefined;
  return unit === 'ns' ? BigInt.asIntN(64, table.time(event)) : table.time(event);
}
