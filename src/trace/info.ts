import type { Feature } from '../engine/features.js';
import type { RoleLayout } from '../engine/roleLayout.js';
import { ABSENT_TIME, type EventTable } from './table.js';

/** Something about the file that its reader should know: what, where, what to do. */
export interface TraceNote {
  readonly text: string;
  readonly line?: number;
  readonly offset?: number;
  readonly event?: number;
}

/** The rules of the run of a scenario that a trace was written by. */
export interface ScenarioInfo {
  /** an era or a kernel version */
  readonly kernel: string;
  readonly without: readonly Feature[];
  readonly with: readonly Feature[];
}

export type TraceFormat = 'ftrace-text' | 'trace-dat' | 'trace-cmd-report' | 'perf-script';

/** What is known about a trace as a whole; replaced by a fuller one with every batch. */
export interface TraceInfo {
  readonly file: string;
  readonly format: TraceFormat;
  /** .gz or .zst around the file */
  readonly compressed: boolean;
  /** "6.1" exact, or a range "6.1-6.12"; from and to are the ends of the range */
  readonly kernel: { readonly text: string; readonly from: string; readonly to: string };
  /** the trace is what a scenario did */
  readonly scenario?: ScenarioInfo | undefined;
  /** of the role words */
  readonly layout: RoleLayout;
  readonly roles: 'exact' | 'printed' | 'partial';
  readonly accessLetters: 3 | 4;
  /** all lost events that are known of */
  readonly lost: number;
  readonly notes: readonly TraceNote[];
  readonly damaged: boolean;
}

/** `shadow-mmu info` without the vCPUs, which only a replay knows. */
export interface InfoReport {
  file: string;
  format: TraceFormat;
  kernel: string;
  roles: TraceInfo['roles'];
  events: number;
  lost: number;
  first: string | null;
  last: string | null;
  byName: Record<string, number>;
  tasks: { pid: number; comm: string; events: number }[];
  notes: string[];
}

/** Sums up a table that has been read to its end. */
export function summarize(table: EventTable): InfoReport {
  const { file, format, kernel, roles, lost, notes } = table.info;
  const events = table.length;
  const { names, tasks } = table.tally();
  return {
    file,
    format,
    kernel: kernel.text,
    roles,
    events,
    lost,
    first: events > 0 ? timeOrNull(table, 0) : null,
    last: events > 0 ? timeOrNull(table, events - 1) : null,
    byName: Object.fromEntries([...names].sort(([a], [b]) => (a < b ? -1 : 1))),
    tasks: [...tasks].map(([pid, task]) => ({ pid, ...task })).sort((a, b) => b.events - a.events || a.pid - b.pid),
    notes: notes.map(placed),
  };
}

function timeOrNull(table: EventTable, e: number): string | null {
  const text = table.timeText(e);
  return text === ABSENT_TIME ? null : text;
}

/** A note in one line, with its place. */
export function placed(note: TraceNote): string {
  const place = note.line !== undefined ? `line ${note.line}: ` : note.offset !== undefined ? `byte ${note.offset}: ` : '';
  return place + note.text;
}
