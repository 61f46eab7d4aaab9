import type { HeadlessEntry, HeadlessTable } from '../engine/headlessTables.js';
import type { PageId } from '../engine/ids.js';
import type { Tally } from '../engine/invariants/index.js';
import { placed } from '../trace/info.js';
import type { EventTable } from '../trace/table.js';
import { announcedFields, type AnnouncedFields } from './announcedFields.js';
import type { Cursor } from './cursor.js';
import type { Replay } from './replay.js';
import type { EntryView, Finding } from './view.js';

/** The JSON forms of the command line (interfaces.md); other programs rely on them. */

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

export interface CheckReport {
  file: string;
  format: string;
  kernel: string;
  roles: string;
  events: number;
  lost: number;
  vms: number;
  vcpus: number;
  outputs: Record<string, Record<string, number>>;
  reasons: Record<string, number>;
  findings: FindingReport[];
  findingsTotal: number;
  /** by number, when they were asked for */
  invariants?: Record<string, Tally>;
  notes: string[];
  seconds: number;
}

export interface FindingReport {
  event: number;
  line?: number;
  time: string;
  kind: string;
  name: string;
  message: string;
  expected: Readonly<Record<string, string | number>>;
  recorded: Readonly<Record<string, string | number>>;
}

export function checkReport(
  replay: Replay,
  seconds: number,
  maxFindings: number,
  vm?: number,
  invariants?: ReadonlyMap<number, Tally>,
): CheckReport {
  const { table, vms } = replay;
  const { info } = table;
  const findings = vm === undefined ? replay.findings : replay.findings.filter((finding) => finding.vm === vm);
  return {
    file: info.file,
    format: info.format,
    kernel: info.kernel.text,
    roles: info.roles,
    events: table.length,
    lost: info.lost,
    vms: vms.length,
    vcpus: vms.reduce((count, { vcpus }) => count + vcpus.length, 0),
    outputs: Object.fromEntries(replay.accounts.outputs),
    reasons: Object.fromEntries(replay.accounts.reasons),
    findings: findings.slice(0, maxFindings).map((finding) => findingReport(table, finding)),
    findingsTotal: findings.length,
    ...(invariants ? { invariants: Object.fromEntries(invariants) } : {}),
    notes: info.notes.map(placed),
    seconds: Number(seconds.toFixed(3)),
  };
}

export function findingReport(table: EventTable, finding: Finding): FindingReport {
  const line = table.line(finding.event);
  return {
    event: finding.event,
    ...(line === undefined ? {} : { line }),
    time: table.timeText(finding.event),
    kind: finding.kind,
    name: finding.name,
    message: finding.message,
    expected: finding.expected,
    recorded: finding.recorded,
  };
}

type EntryReport = [number, string | Record<string, string | number>];

export interface PageReport {
  id: number;
  gfn: string;
  level: number;
  quadrant: number;
  gpteBytes: number;
  direct: boolean;
  /** only for a local page */
  local?: true;
  access: string;
  role: string | null;
  invalid: boolean;
  rootCount: number;
  unsync: boolean;
  gen: number;
  parents: [number, number][];
  entries: EntryReport[];
  /** only where it may be gone, or have entries that are not listed */
  doubt?: string;
}

/** A table without a page header, above the pages of a root. */
export interface TableReport {
  name: string;
  level: number;
  /** the SPTE, else the page or the table that it leads to */
  entries: [number, string | { child: number } | { table: string }][];
}

export interface StateReport {
  event: number;
  vm: number;
  usedPages: number;
  gen: number;
  roots: { vcpu: number; pages: number[]; tables?: TableReport[]; prev: { pages: number[] }[]; doubt?: string }[];
  statistics: Record<string, number | { value: number; doubt: string }>;
  pages: PageReport[];
  /** only where not every page is known */
  doubt?: string;
}

/** The MMU of a VM at the cursor's position. */
export function stateReport(cursor: Cursor, vm: number): StateReport {
  const doubt = cursor.doubt(vm);
  return {
    event: cursor.event,
    vm,
    usedPages: cursor.usedPages(vm),
    gen: cursor.generation(vm),
    statistics: Object.fromEntries(
      cursor
        .statistics(vm)
        .map(({ name, value, partial }) => [name, partial ? { value, doubt: 'the trace does not show all that it counts' } : value]),
    ),
    roots: cursor.roots(vm).map(({ vcpu, pages, tables, cached, doubt: ofRoot }) => ({
      vcpu,
      pages: pages.filter((page) => page !== 0),
      ...(tables.length ? { tables: tables.map(tableReport) } : {}),
      prev: cached.map((page) => ({ pages: [page] })),
      ...(ofRoot === undefined ? {} : { doubt: ofRoot }),
    })),
    pages: cursor.livePages(vm).map((id) => pageReport(cursor, id)),
    ...(doubt ? { doubt: doubt.why } : {}),
  };
}

function tableReport({ name, level, entries }: HeadlessTable): TableReport {
  const leadsTo = (to: HeadlessEntry['to']): { child: number } | { table: string } =>
    typeof to === 'string' ? { table: to } : { child: to };
  return { name, level, entries: entries.map(({ index, to, value }) => [index, value === undefined ? leadsTo(to) : hex(value)]) };
}

function pageReport(cursor: Cursor, id: PageId): PageReport {
  const page = cursor.page(id);
  return {
    id,
    gfn: hex(page.gfn),
    level: page.level,
    quadrant: page.quadrant,
    gpteBytes: page.gpteBytes,
    direct: page.direct,
    ...(page.local ? { local: true as const } : {}),
    access: page.access,
    role: page.word === null ? null : hex(page.word),
    invalid: page.invalid,
    rootCount: page.rootCount,
    unsync: page.unsync,
    gen: page.gen,
    parents: page.parents.map(({ page: parent, index }) => [parent, index]),
    entries: cursor.entries(id).map((entry) => [entry.index, entryReport(entry)]),
    ...(page.doubt ? { doubt: page.doubt.why } : {}),
  };
}

function entryReport(entry: EntryView): EntryReport[1] {
  const doubt = entry.doubt ? { doubt: entry.doubt.what, why: entry.doubt.why } : undefined;
  if (entry.value !== null) return doubt ? { value: hex(entry.value), ...doubt } : hex(entry.value);
  if (entry.child !== undefined) return { child: entry.child, ...doubt };
  return { unknown: entry.doubt?.why ?? 'the trace does not show it' };
}

/** What the engine announces after the events replayed so far; fields it would have to learn are null. */
export function predictReport(replay: Replay): AnnouncedFields[] {
  const { info } = replay.table;
  return replay.announced().map(({ announcement, vm, vcpu }) => announcedFields(announcement, { vm, vcpu: vcpu ?? null }, info));
}
