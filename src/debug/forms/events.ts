import type { EventIndex, PageId, Role, SpteIndex } from '../../engine/ids.js';
import type { EventRef } from '../../protocol.js';
import { ArgumentReader, argumentsOf, type Argument } from '../../replay/query/arguments.js';
import { roleWord } from '../../replay/query/roles.js';
import type { EventSource } from '../../replay/query/scope.js';
import { formatOf, type FormContext } from './context.js';
import { count, hex } from './numbers.js';
import { spteName } from './pages.js';
import { accessWords, errorFlags } from './pferr.js';
import { shadowRights } from './rights.js';
import { roleLine } from './roles.js';
import { mmioFields, spteBit, spteFrameOf } from '../../replay/query/spteBits.js';

/** A field of an event: its name in the format, its raw value and what that means (ui.md §11). */
export interface EventField {
  readonly name: string;
  /** `13201 = 0x3391  level 1, …` */
  readonly text: string;
  /** where the field leads */
  readonly page?: PageId;
  readonly spte?: { readonly page: PageId; readonly index: SpteIndex };
}

/** A link to an event. */
export function eventRef(table: EventSource, event: EventIndex): EventRef {
  const line = event < 0 ? undefined : table.line(event);
  return { event, ...(line !== undefined && { line }) };
}

/** What every event has: number, time, vCPU, task, CPU, line. */
export function commonFields(ctx: FormContext, event: EventIndex): EventField[] {
  const { table } = ctx.replay;
  const vcpu = ctx.replay.vcpuOf(event);
  const tgid = table.tgid(event);
  const line = table.line(event);
  const time = table.timeText(event);
  return [
    { name: 'event', text: count(event) },
    ...(time ? [{ name: 'time', text: time.trim() }] : []),
    ...(vcpu ? [{ name: 'vcpu', text: String(vcpu.vcpu) }] : []),
    { name: 'task', text: `${table.comm(event)}-${table.pid(event)}${tgid === undefined ? '' : ` (${tgid})`}` },
    { name: 'cpu', text: String(table.cpu(event)) },
    ...(line === undefined ? [] : [{ name: 'line', text: count(line) }]),
  ];
}

/** The arguments under their format names, raw, then decoded: `role  13201 = 0x3391  level 1, …`. */
export function argumentFields(ctx: FormContext, event: EventIndex): EventField[] {
  const { table } = ctx.replay;
  const args = argumentsOf(table, event).filter((arg) => !CONTINUATION.has(arg.name));
  if (args.length === 0) return [{ name: 'text', text: table.message(event) }];
  return args.map((arg) => ({ name: arg.name, text: argumentText(ctx, event, arg), ...leadsTo(ctx, event, arg.name) }));
}

/** The second words of arguments that take two. */
const CONTINUATION = new Set(['insn_hi']);

function argumentText(ctx: FormContext, event: EventIndex, arg: Argument): string {
  const { table } = ctx.replay;
  switch (arg.type) {
    case 'string':
      return table.string(event, arg.slot);
    case 'bytes':
      return instructionBytes(table.word(event, arg.slot), table.word(event, arg.slot + 1), new ArgumentReader(table, event).num('len'));
    case 'role':
      return roleText(ctx, table.num(event, arg.slot) as Role);
    case 's32':
    case 'dec':
      return String(table.num(event, arg.slot));
    case 'bool':
      return boolText(arg.name, table.num(event, arg.slot));
    case 'pointer':
      return `0x${hex(table.word(event, arg.slot), 16)}`;
    case 'hex': {
      const value = table.word(event, arg.slot);
      const decoded = decode(ctx, event, arg.name, value);
      return `${value} = 0x${hex(value)}${decoded && `  ${decoded}`}`;
    }
  }
}

/** The raw word where the trace has all of it; from text, what it shows. */
function roleText(ctx: FormContext, role: Role): string {
  const { layout, roles } = ctx.replay.table.info;
  const line = roleLine({ role, layout, exact: roles === 'exact' });
  const word = roleWord(role, layout, roles);
  return word === undefined ? line : `${word} = ${line}`;
}

const BOOL_WORDS: Readonly<Record<string, readonly [string, string]>> = {
  created: ['existing', 'new'],
  unsync: ['sync', 'unsync'],
};

function boolText(name: string, value: number): string {
  const words = BOOL_WORDS[name];
  return words ? `${value} = ${words[value ? 1 : 0]}` : String(value);
}

function decode(ctx: FormContext, event: EventIndex, name: string, value: bigint): string {
  switch (name) {
    case 'spte':
    case 'old_spte':
    case 'new_spte':
    case 'old':
    case 'new':
      return spteText(ctx, value);
    case 'pferr':
    case 'error_code':
      return isFault(ctx, event) ? `${errorFlags(Number(value))} ${accessWords(Number(value))}`.trim() : '';
    case 'sptep': {
      const at = ctx.replay.spteOf(event);
      return at ? spteName(ctx.cursor.page(at.page), at.index) : '';
    }
    default:
      return '';
  }
}

const PAGE_FAULT = 14;

/** A `kvm_exit` and a `kvm_inj_exception` of another vector have an error code too, with another meaning. */
function isFault(ctx: FormContext, event: EventIndex): boolean {
  const name = ctx.replay.table.name(event);
  if (name === 'kvm_inj_exception') return new ArgumentReader(ctx.replay.table, event).num('exception') === PAGE_FAULT;
  return name !== 'kvm_exit' && name !== 'kvm_entry';
}

/** `rwx- ad- hm  pfn 16ceed`, `MMIO gfn d0000 gen 4`, `empty` */
function spteText(ctx: FormContext, value: bigint): string {
  const format = formatOf(ctx);
  if (value === 0n) return 'empty';
  if (spteBit(value, 'mmio', format)) {
    const { gfn, gen } = mmioFields(value, format);
    return `MMIO gfn ${hex(gfn)} gen ${hex(gen)}`;
  }
  return `${shadowRights(value, format)}  pfn ${hex(spteFrameOf(value))}`;
}

/** Pages and SPTEs that a field stands for. */
function leadsTo(ctx: FormContext, event: EventIndex, name: string): Pick<EventField, 'page' | 'spte'> {
  if (name === 'role') {
    const page = ctx.replay.pageOf(event);
    return page ? { page } : {};
  }
  if (name === 'sptep' || name === 'spte') {
    const spte = ctx.replay.spteOf(event);
    return spte ? { spte } : {};
  }
  return {};
}

/** `0f 22 d8`, lowest first; an instruction has 15 bytes at most, `len` of which are its own. */
function instructionBytes(low: bigint, high: bigint, length = 15): string {
  const all = low | (high << 64n);
  return Array.from({ length }, (_, i) => hex((all >> BigInt(8 * i)) & 0xffn, 2)).join(' ');
}
