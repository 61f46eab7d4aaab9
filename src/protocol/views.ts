/**
 * Between the extension and its webviews. The webview never talks to the adapter: it says what the user wants, the extension asks.
 */
import type { EntryDetail, FindHit, PageModel } from './pages.js';
import type { Requests } from './requests.js';

/** What the debugger is doing, as far as a view shows it (ui.md §3). `none`: no shadow-mmu session yet. */
export type LayoutStatus = 'none' | 'stopped' | 'running' | 'ended';

/** What is done by buttons in the title bar of the view or by commands. */
export type LayoutCommand = 'find' | 'copy' | 'focus';

export type ToLayout =
  /** show a page; `index` selects an entry, else the selection stays; `focus` moves the keyboard to the grid */
  | { type: 'page'; page: PageModel; index?: number; focus?: boolean }
  | { type: 'noPage' }
  | { type: 'entry'; page: number; event: number; detail: EntryDetail }
  | { type: 'status'; status: LayoutStatus; locked: boolean }
  /** a request is under way (text: `replaying 212,400 of 376,794`), or none is any more (null) */
  | { type: 'busy'; busy: { text: string; fraction?: number; cancel?: string } | null }
  | { type: 'hits'; query: string; hits: FindHit[]; message?: string }
  /** the trace line of an event, for hovers over its number */
  | { type: 'line'; event: number; text: string }
  | { type: 'failed'; message: string }
  | { type: 'command'; command: LayoutCommand };

export type FromLayout =
  | { type: 'ready' }
  | { type: 'open'; page: number; index?: number; beside?: boolean }
  | { type: 'detail'; page: number; index: number }
  | { type: 'goTo'; event: number; beside: boolean }
  | { type: 'line'; event: number }
  /** back to the page of the current stop, or to the root of the vCPU */
  | { type: 'follow'; what: 'stop' | 'root' }
  | { type: 'find'; query: string }
  | { type: 'copy'; text: string; what: string }
  | { type: 'copyLink'; page: number; index?: number }
  | { type: 'lock'; locked: boolean }
  | { type: 'breakOnChange'; page: number; index?: number }
  | { type: 'cancel'; id: string }
  /** the keyboard back to the editor */
  | { type: 'leave' };

/** What the summary page of a trace shows before it is debugged: the answer of `shadow-mmu info --json`. */
export interface TraceSummary {
  file: string;
  format: string;
  kernel: string;
  roles: 'exact' | 'printed' | 'partial';
  events: number;
  lost: number;
  first?: string;
  last?: string;
  byName: Record<string, number>;
  tasks: { pid: number; comm: string; events: number }[];
  vcpus: { pid: number; vcpu: number; vm: number }[];
  notes: (string | { text: string })[];
}

export type ToSummary =
  /** `large`: a text that is too long for a text editor */
  { type: 'summary'; summary: TraceSummary; bytes: number; large?: boolean } | { type: 'failed'; message: string };
export type FromSummary = { type: 'ready' } | { type: 'debug' };

/** A side of a comparison. */
export type Side = 'a' | 'b';

/** What the view of two runs is told: titles while they are compared, then the answer of `shadowMmu/diff`. */
export type ToCompare =
  | { type: 'comparing'; a: string; b: string }
  | ({ type: 'compared' } & Requests['shadowMmu/diff']['body'])
  | { type: 'failed'; message: string };

export type FromCompare =
  | { type: 'ready' }
  /** debug that side and travel to an event of it */
  | { type: 'go'; side: Side; event: number }
  | { type: 'again' }
  | { type: 'copy'; text: string }
  | { type: 'leave' };
