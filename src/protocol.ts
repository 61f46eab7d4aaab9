/**
 * What the debug adapter and the editor say to each other beyond the Debug Adapter Protocol: `shadowMmu/*` requests, all read-only.
 * 64-bit values travel as lower-case hex strings without 0x. Event numbers, page ids and SPTE indices are plain numbers.
 */

/** How far a value can be trusted (ui.md §3). */
export type Grade = 'recorded' | 'derived' | 'assumed' | 'unknown' | 'contradicted';

/** Letter of an SPTE (ui.md §2). */
export type SpteKind = 'T' | 'W' | 'w' | 'P' | 'p' | 'R' | 'H' | 'M' | 'F' | '!' | '·' | '?';

/** A link to an event: number (from 0), and the trace line (from 1) when the trace is text. */
export interface EventRef {
  event: number;
  line?: number;
}

/** One shadow page, as a link. `name` is `GFN L<level> q<quadrant>`. */
export interface PageRef {
  id: number;
  name: string;
}

/** One SPTE of {@link PageModel.entries}; empty entries are left out. */
export interface EntryModel {
  index: number;
  kind: SpteKind;
  /** the four letters of a wide cell: kind, x, u, d/a; tables `Tq0`, `Td0` */
  wide: string;
  /** the 64-bit SPTE; null when the trace does not give it */
  value: string | null;
  /** for a link whose page frame is not known: its flag bits with frame 0 */
  flags?: string;
  grade: Grade;
  /** why it is in doubt: one sentence; absent when it is not */
  doubt?: string;
  child?: PageRef;
  gfn?: string;
  pfn?: string;
  /** one line for hovers and accessible names: `[0ed] c2ced000 W gfn 2ced → pfn 16ceed rwx- d, set by 300,019` */
  hover: string;
  /** the event that gave the present value, for the age lens; absent when it is not known */
  setBy?: number;
}

/** One shadow page of a quadrant picture (ui.md §5). */
export interface QuadrantBox {
  quadrant: number;
  /** absent: no such page is live */
  page?: PageRef;
  /** first guest address of it, 8 hex digits, when the path from a root is known */
  address?: string;
  /** `10T 3W 5R`, `empty`, `no page` */
  counts: string;
  /** present SPTEs: index and kind, in index order */
  ticks: [number, SpteKind][];
  /** the quadrant the engine derived, where the record says another */
  derivedQuadrant?: number;
}

export interface QuadrantPicture {
  /** `guest page directory 2cd2`, `guest page table 2ced`, `guest 4 MiB page gPDE 30b` */
  caption: string;
  /** `1024 × 4 B → 4 pages`, `02c001e3 → 2 pages` */
  note: string;
  boxes: QuadrantBox[];
  /** labels under the strip: `000–0ff`, `gPTE 000–1ff`, `+0 MiB` */
  ranges: string[];
}

/** Everything the SPTE layout shows of one shadow page at the current position. */
export interface PageModel {
  /** the event after which this is the state */
  event: EventRef;
  /** event of the previous stop; null at the first */
  previousStop: EventRef | null;
  page: PageRef;
  gfn: string;
  level: number;
  quadrant: number;
  /** tags of the header in order: `4-byte`, `wux`, `root ×1`, `unsync`, `invalid`, `obsolete`, `zapped at 1,234`, `perhaps gone`, `role partial` */
  tags: { text: string; warn?: boolean }[];
  /** false once the page is zapped: contents are the last ones */
  live: boolean;
  /** `c2c00000–c2dfffff 4K each`; null when no path from a root is known */
  maps: string | null;
  /** guest address of entry 0 and bytes per entry, hex; absent when not known */
  base?: string;
  span: string;
  /** `0x3391`, or `0x1391 ?cr0_wp ?smep …` for a partial role */
  role: string;
  /** role fields by name, for the hover: [`quadrant`, `0`] … */
  roleFields: [string, string][];
  gen: number;
  born: EventRef | null;
  zapped?: EventRef;
  successor?: PageRef;
  /** physical page of the SPTEs, hex frame number; null when no leaf of it was recorded */
  frame: string | null;
  /** parents, the current vCPU's path first */
  parents: { page: PageRef; index: number; vcpu?: number }[];
  /** `vCPU 0, PDPTE 3, CR3 gfn 2cd2` where the page is a root */
  rootOf: string[];
  /** absent for direct pages of guests without 4-byte gPTEs; then `oneToOne` says so in one line */
  quadrants?: QuadrantPicture;
  oneToOne?: string;
  entries: EntryModel[];
  /** indices that differ from the state at the previous stop */
  changed: number[];
  /** `[index, entry before]` of the changed ones, value only */
  before: [number, string | null][];
  /** 4096 bytes, little endian, base64; links without a known frame have frame 0 */
  memory: string;
  /** the page as text for the clipboard (ui.md §5) */
  text: string;
}

/** One change of an entry, newest first. */
export interface HistoryItem {
  at: EventRef;
  value: string | null;
  grade: Grade;
  /** `made writable`, `W, mw cleared`, `linked`, `set, no write` … */
  what: string;
}

/** One bit or field of an SPTE. */
export interface BitModel {
  /** `63`, `51:12` */
  bits: string;
  /** short name in the 12-bit strip: `mp`, `mw`, `hw`, `G` … only for bits 11..0 */
  short?: string;
  name: string;
  value: string;
  meaning: string;
  /** differs from the previous stop */
  changed: boolean;
}

/** One SPTE in full. */
export interface EntryDetail {
  index: number;
  /** guest address, hex, when known */
  address?: string;
  /** `gPDE 30b`, `gPTE 131`, `gPDE 30b + 0ed pages` */
  guestEntry: string;
  entry: EntryModel | null;
  /** from bit 63 down */
  bits: BitModel[];
  /** ordered label/value rows: Maps, Rights, Write, Table, Changed … ; `page` makes the row a link */
  rows: { label: string; text: string; page?: PageRef; grade?: Grade }[];
  setBy: { at: EventRef; name: string; vcpu: string; grade: Grade } | null;
  historyTotal: number;
  history: HistoryItem[];
  /** for the clipboard */
  text: string;
}

/** A document of the trace, and the events in it. */
export interface WindowRef {
  sourceReference: number;
  /** `trace.dat events 10,000–19,999` */
  name: string;
  /** of the event asked for, from 1; with a number alone, that of the first event */
  line: number;
  /** first and last event of the document so far */
  first: number;
  last: number;
  /** of the trace, so far */
  events: number;
}

/** What to look for in the lines of a trace. */
export interface SearchQuery {
  text: string;
  /** `condition`: the condition language, `gfn == 0x102 && level == 1` */
  as: 'text' | 'regex' | 'condition';
  /** absent: upper and lower case are the same; conditions are always exact */
  matchCase?: boolean;
}

/** An event that matches a {@link SearchQuery}. */
export interface SearchHit extends EventRef {
  /** the trace line as the kernel prints it */
  text: string;
  /** first character of the match in it, and its length; absent for conditions */
  match?: [number, number];
}

/** A hit of `shadowMmu/find`. */
export interface FindHit {
  page: PageRef;
  index?: number;
  label: string;
}

/** A line of the trace decoded for a hover. */
export interface EventCard {
  at: EventRef;
  /** the trace line as the kernel prints it */
  line: string;
  /** one sentence */
  summary: string;
  /** decoded fields */
  fields: [string, string][];
  pages: PageRef[];
  previousOfPage?: EventRef;
  nextOfPage?: EventRef;
}

// ---------------------------------------------------------------------------------------------------------------------
// Scenarios. These requests need no launch: any adapter answers them, also one that runs in the background for the editor.

/** A place in the text of a scenario: line from 0, character in UTF-16 units from 0, as editors count. */
export interface TextPosition {
  line: number;
  character: number;
}

/** From the first character to the one after the last. */
export interface TextRange {
  start: TextPosition;
  end: TextPosition;
}

/** What is wrong with a scenario, and where. */
export interface ScenarioProblem {
  range: TextRange;
  severity: 'error' | 'warning';
  /** `expected a feature, found 'quadrant-fliter'; did you mean 'quadrant-filter'?` */
  message: string;
}

/** An entry of the outline: a slot, a vCPU, or a comment that heads the statements below it. */
export interface ScenarioSymbol {
  name: string;
  kind: 'slot' | 'vcpu' | 'heading';
  range: TextRange;
}

export type CompletionKind = 'keyword' | 'feature' | 'kernel' | 'event' | 'flag' | 'field' | 'name' | 'snippet';

/** Something that may stand at the position asked about. */
export interface ScenarioCompletion {
  label: string;
  kind: CompletionKind;
  /** what takes the place of `range`; with placeholders `${1:gfn}` where `snippet` is set. Absent: the label */
  insert?: string;
  snippet?: boolean;
  /** what is replaced; absent: the word before the position */
  range?: TextRange;
  /** a few words beside the label */
  detail?: string;
  /** a sentence or two */
  documentation?: string;
}

/** A word of a scenario explained: what is written first stands in code type, then come sentences. */
export interface ScenarioHover {
  range: TextRange;
  code?: string;
  text: string;
}

/** A scenario or a recording, and the rules it runs under. */
export interface RunChoice {
  /** path of a `.mmu` scenario or of a trace */
  file: string;
  /** the scenario's text, where it is not what the file on disk says */
  text?: string;
  /** an era's name or a kernel version; absent: what the file says */
  kernel?: string;
  /** features switched off besides those that the file itself switches off */
  without?: string[];
  with?: string[];
}

/** What a run was made with, as the answer to a {@link RunChoice}. */
export interface RunLabel {
  /** name for headings: `quadrant.mmu, 2.6.24 without quadrant-filter` */
  title: string;
  file: string;
  kernel: string;
  without: string[];
  with: string[];
  events: number;
}

/** An `expect` that failed, or what stopped a run. Line and column from 1. */
export interface ScenarioFailure {
  line: number;
  column: number;
  message: string;
  expected?: string;
  found?: string;
  /** event after which it was seen */
  event: number;
}

/** One run's side of a {@link Difference}. */
export interface DifferenceSide {
  /** the event to travel to: the one that differs, or after which the state does, else the last one before the place; null at the beginning */
  at: EventRef | null;
  /** the event as the kernel prints it, without task and time; null where this run has no such event */
  text: string | null;
  /** the statement of the scenario that it belongs to; line from 1 */
  statement?: { line: number; text: string };
}

/** A place where two runs of the same guest part. */
export interface Difference {
  /** `event`: another event, or other fields. `state`: equal events that leave another state. `missing`: one run has more */
  kind: 'event' | 'state' | 'missing';
  /** one sentence: `A zaps SPTE 001 of 5 L1 q0, B leaves it` */
  summary: string;
  a: DifferenceSide;
  b: DifferenceSide;
  /** what differs: name of a field or place (`spte`, `5 L1 q0 [000]`), its value in A and in B; null where there is none */
  fields: { name: string; a: string | null; b: string | null }[];
  /** features in which the runs differ and that can make it */
  features: string[];
  /** so many differences are of this sort; this is the first */
  count: number;
}

/** Request names, their arguments and answers. */
export interface Requests {
  /** a page by id, by SPTE-tree variable, or (nothing given) the page of the current event, else the root of the vCPU */
  'shadowMmu/page': {
    args: { page?: number; variablesReference?: number; threadId?: number };
    body: { page: PageModel | null; index?: number };
  };
  'shadowMmu/entry': { args: { page: number; index: number }; body: EntryDetail };
  /** an address, `gfn 2ced`, `pfn 16ceed`, or a page name */
  'shadowMmu/find': { args: { query: string }; body: { hits: FindHit[]; message?: string } };
  /**
   * One page of the events that match, from event `from` on (included) to `to` (not included), forwards or backwards (-1). It ends after `limit` hits, unless
   * `count` is set and the rest is to be counted, or after some 150 ms: `next` is where to go on, null when there is nothing left. While
   * a trace is being loaded `next` may be `events`, the number of events so far: there may be more later.
   */
  'shadowMmu/search': {
    args: SearchQuery & { from: number; to?: number; direction?: 1 | -1; limit?: number; count?: boolean };
    body: { hits: SearchHit[]; found: number; next: number | null; events: number; complete: boolean };
  };
  /** travel: an event number, a time in seconds (`34.467238`) or a percentage (`79.6%`) */
  'shadowMmu/goTo': { args: { to: string }; body: EventRef };
  /** decode the event at a line (from 1) of a document, which is a file (`source`: its path) or a window (`sourceReference`), by number, or (nothing given) the current one */
  'shadowMmu/event': { args: { event?: number; line?: number; source?: string; sourceReference?: number }; body: EventCard | null };
  /** the inverse of stepIn (one event back, whoever caused it) and of stepOut (to the start of this fault, else of this exit) */
  'shadowMmu/reverseStep': { args: { threadId: number; kind: 'in' | 'out' }; body: Record<string, never> };
  /** the nearest event after or before the current one that changed a page or one SPTE of it; null when there is none */
  'shadowMmu/change': { args: { page: number; index?: number; direction: 'next' | 'previous' }; body: EventRef | null };
  /** the window document that holds an event, or one by its number. A text trace that an editor shows as it is is its own: sourceReference 0 */
  'shadowMmu/window': { args: { event: number } | { sourceReference: number }; body: WindowRef };

  /** everything that is wrong with a scenario, in order, and its outline */
  'shadowMmu/language/check': { args: { text: string }; body: { problems: ScenarioProblem[]; symbols: ScenarioSymbol[] } };
  'shadowMmu/language/complete': { args: { text: string; position: TextPosition }; body: { items: ScenarioCompletion[] } };
  'shadowMmu/language/hover': { args: { text: string; position: TextPosition }; body: ScenarioHover | null };
  /** the whole text as it should be laid out; a text that does not parse is laid out as far as it does */
  'shadowMmu/language/format': { args: { text: string }; body: { text: string } };
  /** what `shadow-mmu run` prints and says. Fails with the first problem when the scenario does not parse */
  'shadowMmu/run': { args: RunChoice; body: { run: RunLabel; trace: string; failures: ScenarioFailure[] } };
  /** what `shadow-mmu scenario FILE --from A --to B` prints. First and last event, both included */
  'shadowMmu/scenario': { args: { trace: string; from: number; to: number; vm?: number }; body: { text: string } };
  /** where two runs of the same guest part, the first differences first; `total` counts those left out too */
  'shadowMmu/diff': {
    args: { a: RunChoice; b: RunChoice; max?: number };
    body: { a: RunLabel; b: RunLabel; differences: Difference[]; total: number };
  };
}
export type RequestName = keyof Requests;

/** Sent when the trace has been read and replayed to its end, and when findings were made. */
export interface LoadedEvent {
  events: number;
  findings: number;
  roles: 'exact' | 'printed' | 'partial';
}

// ---------------------------------------------------------------------------------------------------------------------
// Between the extension and its webviews. The webview never talks to the adapter: it says what the user wants, the extension asks.

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
