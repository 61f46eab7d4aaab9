/** What the adapter says of shadow pages, their SPTEs, and the events about them. */

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
